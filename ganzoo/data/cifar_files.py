"""CIFAR-10 and CIFAR-100 in their two official formats: pickled batches and binary records. N: images.

The unpickler accepts only arrays and plain values, so that a file cannot run code.
"""

import hashlib
import io
import pickle
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.errors import UserError

Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Pixels (N, 3072), the red plane first, then green and blue, and labels (N,)."""

SIZE = 32
NUM_BYTES = 3 * SIZE * SIZE


class FormatError(Exception):
    """A batch is not of the official format; the message says what is wrong."""


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles numbers, bytes, lists, dicts and numpy arrays."""

    def find_class(self, module: str, name: str) -> object:
        """Return one of the few callables that make arrays and bytes."""
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            # How numpy constructs arrays; the name depends on its version.
            reconstruct: Callable[..., object] = np.empty(0).__reduce__()[0]  # type: ignore[assignment]
            return reconstruct
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) == ("_codecs", "encode"):
            # How Python 3 writes bytes at protocol 2: encode(text, "latin1").
            return _encode
        raise FormatError(f"it asks for {module}.{name}, which no CIFAR batch needs")


def _encode(text: str, encoding: str) -> bytes:
    return text.encode(encoding)


def read_pickled(content: bytes, *, label_key: str = "labels") -> Batch:
    """Return a batch of the Python version: a dict with `data`, uint8 (N, 3072), and a list of labels.

    Args:
        content: the bytes of the file.
        label_key: the key of the labels.

    Raises:
        FormatError: it is something else.
    """
    try:
        batch = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
        pixels, labels = batch[b"data"], np.asarray(batch[label_key.encode()], dtype=np.int64)
    except FormatError:
        raise
    except Exception as error:
        # A damaged pickle can raise nearly any error.
        raise FormatError(f"no pickled batch ({type(error).__name__}: {error})") from error
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape != (len(labels), NUM_BYTES):
        raise FormatError(f"its data are not a uint8 array of shape ({len(labels)}, {NUM_BYTES})")
    return pixels, labels


def read_binary(content: bytes, *, num_labels: int = 1) -> Batch:
    """Return a batch of the binary version: records of labels and 3072 pixels, one byte each.

    Args:
        content: the bytes of the file.
        num_labels: labels of a record; the last one is used.

    Raises:
        FormatError: its length is not a whole number of records.
    """
    record_size = num_labels + NUM_BYTES
    if len(content) % record_size:
        raise FormatError(f"{len(content)} bytes are not a whole number of records of {record_size}")
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, record_size)
    return records[:, num_labels:], records[:, num_labels - 1].astype(np.int64)


def _contents(place: Path, names: list[str]) -> list[bytes]:
    try:
        if place.is_dir():
            return [(place / name).read_bytes() for name in names]
        contents: dict[str, bytes] = {}
        with tarfile.open(place, "r:gz") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                file = archive.extractfile(member) if name in names else None
                if file is not None:
                    contents[name] = file.read()
        return [contents[name] for name in names]
    except KeyError as error:
        raise FormatError(f"no {error.args[0]} in it") from error
    except (OSError, EOFError, tarfile.TarError) as error:
        raise FormatError(str(error)) from error


class Cifar(Dataset):
    """What both data sets share: an archive, the folders that it and its binary version unpack to, and their batches.

    `_layouts` are the folders of the Python and of the binary version, then the archive of the Python version.
    """

    _archive_md5: ClassVar[str]
    """The hash of the archive."""
    _archive_megabytes: ClassVar[int]
    """Its size."""
    batches: ClassVar[Mapping[str, Sequence[str]]]
    """The files of each split, without the suffix `.bin` of the binary version."""
    num_images: ClassVar[Mapping[str, int]]
    _num_classes: ClassVar[int]
    _label_key: ClassVar[str] = "labels"
    _num_labels: ClassVar[int] = 1
    """Labels of a binary record; the last one is used."""

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, SIZE, SIZE), self._num_classes, self.num_images)

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split."""
        archive, num = self._layouts[-1], self.num_images[split]
        if place.is_file():
            _check_md5(place, self._archive_md5)
        try:
            pixels, labels_N = self._read(place, split)
        except FormatError as error:
            raise UserError(f"'{place}' is damaged ({error}); download {archive} again") from error
        if len(labels_N) != num or not 0 <= labels_N.min() <= labels_N.max() < self._num_classes:
            raise UserError(
                f"'{place}' holds {len(labels_N)} {split} images with labels {labels_N.min()} to {labels_N.max()} "
                f"where {self._title} has {num} with labels 0 to {self._num_classes - 1}; download {archive} again"
            )
        images_NCHW = torch.from_numpy(pixels.reshape(-1, 3, SIZE, SIZE))
        return ImageData(images_NCHW.contiguous(), torch.from_numpy(labels_N))

    def remedy(self, split: str) -> str:
        """Return which archive to download, and where to put it."""
        url = f"https://www.cs.toronto.edu/~kriz/{self._layouts[-1]}"
        return f"download {url} ({self._archive_megabytes} MB, md5 {self._archive_md5}) into '{self.home}'"

    def has_files(self, place: Path, split: str) -> bool:
        """Return whether the folder or the archive is there."""
        return place.exists()

    def _read(self, place: Path, split: str) -> Batch:
        """Return a split from the archive or one of the folders.

        Raises:
            FormatError: a batch is missing or of another format; the message names it.
        """
        names, is_binary = self.batches[split], place.name == Path(self._layouts[1]).name
        batches = []
        for name, content in zip(names, _contents(place, [f"{n}.bin" if is_binary else n for n in names]), strict=True):
            try:
                batches.append(
                    read_binary(content, num_labels=self._num_labels)
                    if is_binary
                    else read_pickled(content, label_key=self._label_key)
                )
            except FormatError as error:
                raise FormatError(f"{name}: {error}") from error
        return np.concatenate([pixels for pixels, _ in batches]), np.concatenate([labels for _, labels in batches])


def _check_md5(path: Path, expected: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != expected:
        raise UserError(f"'{path}' has md5 {found}, not {expected}: it is damaged or incomplete; download it again")
