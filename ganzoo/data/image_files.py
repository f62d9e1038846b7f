"""Image files: finding, decoding, cutting to a square, resizing. n: images of a piece; C, H, W: image."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.base import ImageData
from ganzoo.data.image_cache import ImageSource, cached_images
from ganzoo.data.source_files import SourceFiles
from ganzoo.errors import UserError
from ganzoo.hardware import num_cpus
from ganzoo.resize import resize_uint8

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})
SIXTEEN_BIT_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".ppm", ".pgm"})
PIECE_SIZE = 512  # images decoded before they are written, to bound the memory

T = TypeVar("T")


def find_images(folder: Path) -> list[Path]:
    """Return the images below a folder, ordered by path. Links are followed; hidden files and folders are left out.

    Raises:
        UserError: the folder, or one below it, is missing or cannot be read; a link leads back to a folder above it.
    """
    return [Path(path) for path in _images_below(str(folder), above=())]


def class_folders(folder: Path) -> list[Path]:
    """Return the visible sub-folders of a folder, ordered by name.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    return [Path(entry.path) for entry in _visible(str(folder)) if _is_folder(entry)]


def images_by_class(folder: Path, num_classes: int) -> list[tuple[Path, int]]:
    """Return the images of class folders with their class, which is the position of the folder's name.

    Raises:
        UserError: the number of class folders is another.
    """
    folders = class_folders(folder)
    if len(folders) != num_classes:
        raise UserError(f"'{folder}' has {len(folders)} class folders, not {num_classes}; unpack each class into one")
    return [(path, label) for label, one in enumerate(folders) for path in find_images(one)]


def check_num_images(place: Path, found: int, expected: int, *, name: str) -> None:
    """Refuse another number of images than a data set of this name has.

    Raises:
        UserError: it is another.
    """
    if found != expected:
        raise UserError(f"'{place}' holds {found:,} images where {name} has {expected:,}; unpack or download it again")


def _images_below(folder: str, *, above: tuple[str, ...]) -> Iterator[str]:
    # With os.scandir, since the system calls of pathlib take seconds for 100,000 files.
    real = os.path.realpath(folder)
    if real in above:
        raise UserError(f"'{folder}' leads back to '{real}', in which it lies; remove the link")
    for entry in _visible(folder):
        if _is_folder(entry):
            yield from _images_below(entry.path, above=(*above, real))
        elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
            yield entry.path


def _visible(folder: str) -> list["os.DirEntry[str]"]:
    """Return what a folder holds and does not hide, ordered by name."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(
            f"the folder of images '{folder}' cannot be read ({error.strerror}); make it readable, or move it elsewhere"
        ) from error


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that cannot be followed; reading the file will say so


def read_square(file: Path | bytes, *, name: str, size: int, crop_size: int | None = None) -> Tensor:
    """Return the central square of an image, uint8 (3, size, size), by antialiased bilinear interpolation.

    A camera's orientation mark is obeyed, the first frame of an animation is taken, transparency is dropped, grey
    becomes three equal channels, and the upper 8 of 16 bits are kept, in grey and in colour.

    Args:
        file: its path, or its content.
        name: of the image, for messages.
        size: height and width of the result, in pixels.
        crop_size: height and width of the square, in pixels; None for the largest.

    Raises:
        UserError: it is not an image, is damaged, is smaller than the square, or has pixels of unknown range.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(file) if isinstance(file, bytes) else file) as image:
            pixels_HWC = np.array(_eight_bits(ImageOps.exif_transpose(image), image.format, name=name).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"the image '{name}' cannot be read ({error}); replace or remove it") from error
    height, width, _ = pixels_HWC.shape
    side = min(height, width) if crop_size is None else crop_size
    if side > min(height, width):
        raise UserError(f"the image '{name}' has {width} x {height} pixels, too few for a square of {side}; replace it")
    top, left = (height - side) // 2, (width - side) // 2
    square_HWC = torch.from_numpy(pixels_HWC[top : top + side, left : left + side])
    return resize_uint8(square_HWC.permute(2, 0, 1).unsqueeze(0), size)[0]


def _eight_bits(image: "Image.Image", file_format: str | None, *, name: str) -> "Image.Image":
    """Return an image with 8 bits a channel. Pillow itself would make every grey pixel above 255 white.

    Raises:
        UserError: its pixels are numbers whose range the file does not say.
    """
    from PIL import Image

    # Pillow may use the mode "I" even for formats that have at most 16 bits.
    if image.mode.startswith("I;16") or (image.mode == "I" and file_format in ("PNG", "PPM")):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise UserError(
            f"the image '{name}' has {'32-bit' if image.mode == 'I' else 'floating-point'} pixels, and it is not known "
            "which value is white; convert it to 8 or 16 bits"
        )
    return image


def load_files(
    paths: Sequence[Path],
    *,
    root: Path,
    size: int,
    name: str,
    say: Callable[[str], None],
    labels_N: Tensor | None = None,
    crop_size: int | None = None,
) -> ImageData:
    """Return the central squares of image files in their order, through a cache on disk.

    Args:
        paths: the files.
        root: a folder above them; the cache depends on the names below it.
        size: height and width of the result, in pixels.
        name: of the images, for messages.
        say: receives a sentence when the cache is made.
        labels_N: the labels of the files; None if there are none.
        crop_size: height and width of the square, in pixels; None for the largest.

    Raises:
        UserError: a file is missing or not an image; the cache cannot be written.
    """
    files = SourceFiles(paths, root)

    def decode(path: Path) -> Tensor:
        return read_square(files.read(path), name=str(path), size=size, crop_size=crop_size)

    key: dict[str, str | int | None] = {"crop_size": crop_size}
    if any(path.suffix.lower() in SIXTEEN_BIT_SUFFIXES for path in paths):
        key["decoding"] = 2  # older caches may hold such images in white
    source = ImageSource(name, key, (len(paths), 3, size, size), labels_N, lambda: decode_all(paths, decode), files)
    return cached_images(source, say=say)


def decode_all(items: Sequence[T] | Iterator[T], decode: Callable[[T], Tensor]) -> Iterator[Tensor]:
    """Yield images in the order of their items, uint8 (n, C, H, W), decoded by one thread per CPU."""
    with ThreadPoolExecutor(num_cpus()) as pool:
        waiting: list[T] = []
        for item in items:
            waiting.append(item)
            if len(waiting) == PIECE_SIZE:
                yield torch.stack(list(pool.map(decode, waiting)))
                waiting = []
        if waiting:
            yield torch.stack(list(pool.map(decode, waiting)))
