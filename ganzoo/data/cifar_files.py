"""The two official formats of CIFAR-10: pickled batches and binary records.

The pickles are read by an unpickler that knows arrays and plain values alone, so that a file cannot run code.
"""

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Pixels (N, 3072), the planes red, green and blue one after another, and labels (N,)."""

NUM_BYTES = 3 * 32 * 32
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCHES = ("test_batch",)


class FormatError(Exception):
    """A batch that is not of the official format; the message says what is wrong."""


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles numbers, bytes, lists, dicts and numpy arrays."""

    def find_class(self, module: str, name: str) -> object:
        """Return one of the few callables that arrays and bytes are made with."""
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            # The arrays' own form of construction, under whatever name this numpy keeps it.
            reconstruct: Callable[..., object] = np.empty(0).__reduce__()[0]  # type: ignore[assignment]
            return reconstruct
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) == ("_codecs", "encode"):
            # How Python 3 writes bytes at protocol 2: encode(text, "latin1").
            return _encode
        raise FormatError(f"it asks for {module}.{name}, which no batch of CIFAR-10 needs")


def _encode(text: str, encoding: str) -> bytes:
    return text.encode(encoding)


def read_pickled(content: bytes) -> Batch:
    """Return a batch of the Python version: a dict with `data`, uint8 (N, 3072), and `labels`, a list.

    Raises:
        FormatError: it is something else.
    """
    try:
        batch = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
        pixels, labels = batch[b"data"], np.asarray(batch[b"labels"], dtype=np.int64)
    except FormatError:
        raise
    except Exception as error:
        # A damaged pickle may raise nearly anything.
        raise FormatError(f"no pickled batch ({type(error).__name__}: {error})") from error
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape != (len(labels), NUM_BYTES):
        raise FormatError(f"its data are no uint8 array of shape ({len(labels)}, {NUM_BYTES})")
    return pixels, labels


def read_binary(content: bytes) -> Batch:
    """Return a batch of the binary version: records of a label and 3072 pixels, one byte each.

    Raises:
        FormatError: its length is no whole number of records.
    """
    record_size = 1 + NUM_BYTES
    if len(content) % record_size:
        raise FormatError(f"{len(content)} bytes are no whole number of records of {record_size}")
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, record_size)
    return records[:, 1:], records[:, 0].astype(np.int64)


def read_batches(place: Path, split: str) -> list[Batch]:
    """Return the batches of a split from a tar archive or an extracted folder.

    Args:
        place: `cifar-10-python.tar.gz`, or a folder `cifar-10-batches-py` or `cifar-10-batches-bin`.
        split: `train` or `test`.

    Raises:
        FormatError: a batch is missing or not of its format; the message names it.
    """
    names = TRAIN_BATCHES if split == "train" else TEST_BATCHES
    binary = place.name.endswith("-bin")
    read = read_binary if binary else read_pickled
    batches = []
    for name, content in zip(names, _contents(place, [f"{n}.bin" if binary else n for n in names]), strict=True):
        try:
            batches.append(read(content))
        except FormatError as error:
            raise FormatError(f"{name}: {error}") from error
    return batches


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
