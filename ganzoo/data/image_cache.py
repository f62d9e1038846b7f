"""Decoded and resized images, kept on disk and mapped into memory. N: images; n: images of a piece; C, H, W: image.

A cache is a folder `images/KEY` in ganzoo's cache folder, with `images_NCHW.npy` (uint8), `labels_N.npy` (int64, if
there are labels) and `cache.json`. KEY is the hash of what determines the pixels: the names and sizes of the source
files, the crop and size, the labels, and the version of this format. `cache.json` records the rest:

- The source files. If their times of change are not the recorded ones, they are read and compared with the recorded
  hash of their content. If it is the same, the new times are recorded; otherwise the cache is made anew.
- The arrays. An array of another size is damaged. If its time of change is not the recorded one (it was copied,
  restored or written to), it is read once and compared with the recorded hash. A damaged cache is reported and made
  anew.

A cache is written under another name and renamed when it is complete. If several processes need it, one of them writes
it and the others wait.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.base import ImageData
from ganzoo.data.source_files import SourceFiles
from ganzoo.errors import UserError, os_error_text
from ganzoo.paths import image_caches

FORMAT_VERSION = 2
IMAGES, LABELS, RECORD = "images_NCHW.npy", "labels_N.npy", "cache.json"
SECONDS_BETWEEN_MESSAGES = 10.0


@dataclass(frozen=True)
class ImageSource:
    """What a cache is made from.

    Args:
        name: the name of the images in messages, such as "CelebA (train)".
        key: what determines the pixels.
        shape: (N, C, H, W).
        labels_N: int64 labels; None if there are none.
        read: yields the images in order, uint8 (n, C, H, W), a piece at a time; called only if there is no cache.
        files: the files that the images are read from; None if `key` is enough.
    """

    name: str
    key: Mapping[str, str | int | None]
    shape: tuple[int, int, int, int]
    labels_N: Tensor | None
    read: Callable[[], Iterator[Tensor]]
    files: SourceFiles | None = None

    @property
    def folder(self) -> Path:
        """Where its cache is, or will be."""
        labels = None if self.labels_N is None else hashlib.sha256(self.labels_N.numpy().tobytes()).hexdigest()
        key = {**self.key, "shape": self.shape, "labels": labels, "format_version": FORMAT_VERSION}
        if self.files is not None:
            key["files"] = self.files.key
        return image_caches() / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def cached_images(source: ImageSource, *, say: Callable[[str], None]) -> ImageData:
    """Return images from their cache, mapped into memory; make the cache if there is none.

    Args:
        source: of the images.
        say: receives a sentence when a cache is made, while it is made, and if one is damaged.

    Raises:
        UserError: an image cannot be read, or the cache cannot be written.
    """
    folder = source.folder
    data = _open(folder, source, say=say)
    if data is not None:
        return data
    try:
        with _lock(folder, source.name, say=say):
            # Another process may have made it in the meantime.
            data = _open(folder, source, say=say)
            if data is None:
                _build(folder, source, say=say)
                data = _open(folder, source, say=say)
    except OSError as error:
        raise UserError(
            f"the images of {source.name} cannot be kept in '{folder.parent}' ({error.strerror or error}); they take "
            f"{gigabytes(source.shape)} there: free that much, or set GANZOO_CACHE to another folder"
        ) from error
    assert data is not None, "a cache that was just made can be opened"
    return data


def gigabytes(shape: Sequence[int]) -> str:
    """Return the size of uint8 images as text."""
    return f"{np.prod([float(n) for n in shape]) / 1e9:.2g} GB"


def _open(folder: Path, source: ImageSource, *, say: Callable[[str], None]) -> ImageData | None:
    """Return the images of an intact cache of the present files; None if there is none."""
    if not folder.exists():
        return None
    try:
        record = json.loads((folder / RECORD).read_text())
        for name, size in record["sizes"].items():
            found = (folder / name).stat().st_size
            if found != size:
                raise ValueError(f"{name} has {found} bytes, not {size}")
        images_NCHW = _mapped(folder / IMAGES)
        labels_N = None if source.labels_N is None else torch.from_numpy(np.load(folder / LABELS))
        data = ImageData(images_NCHW, labels_N, known_sha256=str(record["sha256"]), is_memory_mapped=True)
        if images_NCHW.shape != source.shape:
            raise ValueError(f"it holds images of shape {tuple(images_NCHW.shape)}, not {source.shape}")
        times = _times(folder, source, record)
        if source.files is not None and times["files"] != record["times"]["files"]:
            say(f"the files of {source.name} have other times than when their cache was made and are compared with it")
            if source.files.content_sha256() != record["content_sha256"]:
                say(f"the files of {source.name} have changed, and their cache is made anew")
                return None
        if times["arrays"] != record["times"]["arrays"]:
            say(f"the cache of {source.name} was touched since it was made and is compared with its hash")
            if ImageData(images_NCHW, labels_N).sha256 != data.known_sha256:
                raise ValueError("it does not match its hash")
        if times != record["times"]:
            # If the record cannot be written, the images are intact all the same, and are compared again next time.
            with contextlib.suppress(OSError):
                _write_record(folder, source, record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        say(f"the cache of {source.name} in '{folder}' is damaged ({error}) and is made anew")
        return None
    return data


def _mapped(path: Path) -> Tensor:
    """Return the array of a file, mapped into memory."""
    with warnings.catch_warnings():
        # torch warns that the memory cannot be written to; nothing writes to loaded images.
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.load(path, mmap_mode="r"))


def _build(folder: Path, source: ImageSource, *, say: Callable[[str], None]) -> None:
    """Write a cache, under another name until it is complete; the caller holds the lock."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
    shutil.rmtree(folder, ignore_errors=True)  # damaged or outdated; who has it mapped keeps the old images
    partial.mkdir(parents=True)
    say(
        f"reading the {source.shape[0]:,} images of {source.name} for the first time; they are kept in "
        f"'{folder.parent}' ({gigabytes(source.shape)})"
    )
    try:
        digest = hashlib.sha256(repr(source.shape).encode())
        with (partial / IMAGES).open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": source.shape}
            np.lib.format.write_array_header_1_0(file, header)
            for piece_nCHW in _with_progress(source, say=say):
                piece = piece_nCHW.contiguous().numpy().data
                file.write(piece)
                digest.update(piece)
            file.flush()
            os.fsync(file.fileno())
        names = [IMAGES]
        if source.labels_N is not None:
            np.save(partial / LABELS, source.labels_N.numpy())
            digest.update(source.labels_N.contiguous().numpy().data)
            names.append(LABELS)
        sizes = {name: (partial / name).stat().st_size for name in names}
        record: dict[str, object] = {"name": source.name, "sha256": digest.hexdigest(), "sizes": sizes}
        if source.files is not None:
            record["content_sha256"] = source.files.content_sha256()
        _write_record(partial, source, record)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write_record(folder: Path, source: ImageSource, record: Mapping[str, object]) -> None:
    temporary = folder / f".{RECORD}.{os.getpid()}"
    temporary.write_text(json.dumps({**record, "times": _times(folder, source, record)}, indent=2) + "\n")
    temporary.replace(folder / RECORD)


def _times(folder: Path, source: ImageSource, record: Mapping[str, object]) -> dict[str, object]:
    """Return the present times of change: of every array, and a hash of those of the source files."""
    sizes = record["sizes"]
    assert isinstance(sizes, dict)
    files = None if source.files is None else source.files.times
    return {"arrays": {name: (folder / name).stat().st_mtime_ns for name in sizes}, "files": files}


def _with_progress(source: ImageSource, *, say: Callable[[str], None]) -> Iterator[Tensor]:
    """Yield the pieces of a source, and report the progress every ten seconds.

    Raises:
        UserError: an error of the source, which is not one of the cache.
    """
    num, total = 0, source.shape[0]
    start = said_at = time.monotonic()
    try:
        for piece_nCHW in source.read():
            num += len(piece_nCHW)
            yield piece_nCHW
            now = time.monotonic()
            if now - said_at >= SECONDS_BETWEEN_MESSAGES and num < total:
                said_at = now
                minutes = (now - start) / num * (total - num) / 60
                say(f"{source.name}: {num:,} of {total:,} images read, about {minutes:.1f} minutes to go")
    except OSError as error:
        raise UserError(f"the images of {source.name} cannot be read: {os_error_text(error)}; bring it back") from error
    assert num == total, f"{source.name} announced {total} images and read {num}"


@contextmanager
def _lock(folder: Path, name: str, *, say: Callable[[str], None]) -> Iterator[None]:
    """Let only one process at a time make a cache."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is reading the images of {name}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
