"""Decoded and resized images, kept on disk and mapped into memory. N: images; n: images of a piece; C, H, W: image.

A cache is a folder `images/KEY` below ganzoo's cache folder with `images_NCHW.npy` (uint8), `labels_N.npy` (int64, if
there are labels) and `cache.json`. KEY is the hash of what the pixels follow from: the files' names, sizes and times of
change, the crop and size, the labels, the version of this format. So another size or a changed file has another cache,
and nothing is ever brought up to date in place. Where only the times are new, the files are read and compared with the
hash of those that a cache was made from; if they are the same, its arrays are linked under the new KEY.

It is written under another name and renamed when it is whole; of several processes that want it, one writes it and the
others wait. What `cache.json` says is the sign of an intact cache: files of another size are damaged, and files that
were touched since are read once and compared with their hash. A damaged cache is said and made anew.
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

FORMAT_VERSION = 1
IMAGES, LABELS, RECORD = "images_NCHW.npy", "labels_N.npy", "cache.json"
SECONDS_BETWEEN_MESSAGES = 10.0


@dataclass(frozen=True)
class ImageSource:
    """What a cache is made from.

    Args:
        name: of the images in messages: "CelebA (train)".
        key: what the pixels follow from.
        shape: (N, C, H, W).
        labels_N: int64 labels; None if there are none.
        read: yields the images in order, uint8 (n, C, H, W), a piece at a time; called only where there is no cache.
        files: that they are read from; None if `key` says all.
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
        return image_caches() / self._hash(with_times=True)

    @property
    def key_without_times(self) -> str:
        """What caches of files have in common that differ in times of change, and in content perhaps."""
        return self._hash(with_times=False)

    def _hash(self, *, with_times: bool) -> str:
        labels = None if self.labels_N is None else hashlib.sha256(self.labels_N.numpy().tobytes()).hexdigest()
        key = {**self.key, "shape": self.shape, "labels": labels, "format_version": FORMAT_VERSION}
        if self.files is not None:
            key["files"] = self.files.key(with_times=with_times)
        return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def cached_images(source: ImageSource, *, say: Callable[[str], None]) -> ImageData:
    """Return images from their cache, mapped into memory, after making it if there is none.

    Args:
        source: of the images.
        say: receives a sentence when a cache is made, while it is, and if one is damaged.

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
            if data is None and _link(folder, source, say=say):
                data = _open(folder, source, say=say)
            if data is None:
                _build(folder, source, say=say)
                data = _open(folder, source, say=say)
    except OSError as error:
        raise UserError(
            f"the images of {source.name} cannot be kept in '{folder.parent}' ({error.strerror or error}); they take "
            f"{gigabytes(source.shape)} there: free that much, or set GANZOO_CACHE to another folder"
        ) from error
    assert data is not None, "a cache just made can be opened"
    return data


def gigabytes(shape: Sequence[int]) -> str:
    """Return the size of uint8 images as text."""
    return f"{np.prod([float(n) for n in shape]) / 1e9:.2g} GB"


def _open(folder: Path, source: ImageSource, *, say: Callable[[str], None]) -> ImageData | None:
    """Return the images of an intact cache; None if there is none, or a damaged one, which is said."""
    if not folder.exists():
        return None
    try:
        record = json.loads((folder / RECORD).read_text())
        digest, times = str(record["sha256"]), record["times_ns"]
        for name, size in record["sizes"].items():
            found = (folder / name).stat().st_size
            if found != size:
                raise ValueError(f"{name} has {found} bytes, not {size}")
        images_NCHW = _mapped(folder / IMAGES)
        labels_N = None if source.labels_N is None else torch.from_numpy(np.load(folder / LABELS))
        if images_NCHW.shape != source.shape:
            raise ValueError(f"it holds images of shape {tuple(images_NCHW.shape)}, not {source.shape}")
        if times != _times(folder, record["sizes"]):
            # Copied or restored, or written to: the hash tells.
            say(f"the cache of {source.name} was touched since it was made and is compared with its hash")
            if ImageData(images_NCHW, labels_N).sha256 != digest:
                raise ValueError("it does not match its hash")
            # The images are intact wherever the record cannot be written: they are compared again next time.
            with contextlib.suppress(OSError):
                _write_record(folder, record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        say(f"the cache of {source.name} in '{folder}' is damaged ({error}) and is made anew")
        return None
    return ImageData(images_NCHW, labels_N, known_sha256=digest, is_memory_mapped=True)


def _mapped(path: Path) -> Tensor:
    """Return the array of a file, mapped into memory."""
    with warnings.catch_warnings():
        # torch warns that the memory cannot be written to; nothing writes to loaded images.
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.load(path, mmap_mode="r"))


def _link(folder: Path, source: ImageSource, *, say: Callable[[str], None]) -> bool:
    """Make a cache of the arrays of another one, if that is of equal files with other times; only under the lock.

    A file system that has no hard links gets a cache of its own.
    """
    if source.files is None or folder.exists():
        return False
    key = source.key_without_times
    others = {path.parent: _made_from(path) for path in sorted(folder.parent.glob(f"*/{RECORD}"))}
    others = {other: found for other, found in others.items() if found.get("key_without_times") == key}
    if not others:
        return False
    say(f"the files of {source.name} have other times than when a cache was made of them and are compared with it")
    content = source.files.content_sha256()
    same = [other for other, found in others.items() if found.get("content_sha256") == content]
    if not same:
        return False
    partial = _partial(folder)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        # With the record as it is: links keep their times, so that damage of the other is found here, too.
        shutil.copytree(same[0], partial, copy_function=os.link)
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        return False
    return True


def _made_from(path: Path) -> dict[str, object]:
    """Return what a record says of the files; nothing if it is damaged or older than that."""
    try:
        found = json.loads(path.read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _partial(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.partial")


def _build(folder: Path, source: ImageSource, *, say: Callable[[str], None]) -> None:
    """Write a cache, under another name until it is whole; only under the lock."""
    partial = _partial(folder)
    shutil.rmtree(partial, ignore_errors=True)  # left over from a process that was killed
    shutil.rmtree(folder, ignore_errors=True)  # damaged
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
            content = source.files.content_sha256()
            record["files"] = {"key_without_times": source.key_without_times, "content_sha256": content}
        _write_record(partial, record)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write_record(folder: Path, record: Mapping[str, object]) -> None:
    sizes = record["sizes"]
    assert isinstance(sizes, dict)
    temporary = folder / f".{RECORD}.{os.getpid()}"
    temporary.write_text(json.dumps({**record, "times_ns": _times(folder, sizes)}, indent=2) + "\n")
    temporary.replace(folder / RECORD)


def _times(folder: Path, names: Mapping[str, int]) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in names}


def _pieces(source: ImageSource) -> Iterator[Tensor]:
    """Yield the pieces of a source, whose errors are not those of the cache."""
    try:
        yield from source.read()
    except OSError as error:
        raise UserError(f"the images of {source.name} cannot be read: {os_error_text(error)}; bring it back") from error


def _with_progress(source: ImageSource, *, say: Callable[[str], None]) -> Iterator[Tensor]:
    """Yield the pieces of a source, and say every ten seconds how far it is."""
    num, start = 0, time.monotonic()
    said_at = start
    for piece_nCHW in _pieces(source):
        num += len(piece_nCHW)
        yield piece_nCHW
        now = time.monotonic()
        if now - said_at >= SECONDS_BETWEEN_MESSAGES and num < source.shape[0]:
            said_at = now
            minutes = (now - start) / num * (source.shape[0] - num) / 60
            say(f"{source.name}: {num:,} of {source.shape[0]:,} images read, about {minutes:.1f} minutes to go")
    assert num == source.shape[0], f"{source.name} announced {source.shape[0]} images and read {num}"


@contextmanager
def _lock(folder: Path, name: str, *, say: Callable[[str], None]) -> Iterator[None]:
    """Let one process make a cache."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is reading the images of {name}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
