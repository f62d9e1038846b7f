"""CIFAR-10, on small files of the true formats."""

import hashlib
import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ganzoo.data.cifar10 import cifar10
from ganzoo.data.cifar_files import FormatError, read_binary, read_pickled
from ganzoo.errors import UserError

NAMES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
SIZE = 2


def batch(number: int) -> tuple[npt.NDArray[np.uint8], list[int]]:
    """Pixels whose planes are told apart by their value, and labels."""
    pixels = np.zeros((SIZE, 3, 32, 32), dtype=np.uint8)
    pixels[:, 0], pixels[:, 1], pixels[:, 2] = 10 * number, 10 * number + 1, 10 * number + 2
    pixels[:, :, 0, 31] = 255  # the top right corner
    return pixels.reshape(SIZE, -1), [number, 9 - number]


def pickled(number: int, *, protocol: int = 2) -> bytes:
    pixels, labels = batch(number)
    return pickle.dumps({b"data": pixels, b"labels": labels, b"batch_label": b"a batch"}, protocol=protocol)


def as_python_2_wrote_it(content: bytes) -> bytes:
    """Rename what numpy has renamed since the official files were written."""
    return content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def binary(number: int) -> bytes:
    pixels, labels = batch(number)
    return b"".join(bytes([label]) + row.tobytes() for label, row in zip(labels, pixels, strict=True))


def write(place: Path) -> None:
    if place.name.endswith(".tar.gz"):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(place, "w:gz") as archive:
            for number, name in enumerate(NAMES):
                content = as_python_2_wrote_it(pickled(number))
                member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return
    place.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        if place.name.endswith("-bin"):
            (place / f"{name}.bin").write_bytes(binary(number))
        else:
            (place / name).write_bytes(as_python_2_wrote_it(pickled(number)))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cifar10, "num_images", {"train": 5 * SIZE, "test": SIZE})


def accept(monkeypatch: pytest.MonkeyPatch, archive: Path) -> None:
    monkeypatch.setattr(cifar10, "_archive_md5", hashlib.md5(archive.read_bytes()).hexdigest())


@pytest.mark.parametrize("folder", ["mine", "data", "cache/data"])
@pytest.mark.parametrize("layout", ["cifar-10-python.tar.gz", "cifar-10-batches-py", "cifar-10-batches-bin"])
def test_every_format_gives_the_same_images_and_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, layout: str
) -> None:
    place = tmp_path / folder / layout
    write(place)
    if layout.endswith(".tar.gz"):
        accept(monkeypatch, place)
    dataset = cifar10(data_dir=tmp_path / "mine")
    assert dataset.find() is not None
    train, test = dataset.load("train"), dataset.load("test")
    assert train.images_NCHW.shape == (5 * SIZE, 3, 32, 32)
    assert train.images_NCHW[::SIZE, :, 9, 9].tolist() == [[10 * i, 10 * i + 1, 10 * i + 2] for i in range(5)]
    assert train.images_NCHW[:, :, 0, 31].eq(255).all()
    assert train.labels_N.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert test.images_NCHW[:, 0, 9, 9].tolist() == [50] * SIZE
    assert test.labels_N.tolist() == [5, 4]
    assert test.labels_N.dtype == torch.int64
    assert test.images_NCHW.is_contiguous()


@pytest.mark.parametrize("protocol", [2, 4])
def test_pickles_of_python_2_and_3_are_read(protocol: int) -> None:
    for content in (pickled(3, protocol=protocol), as_python_2_wrote_it(pickled(3, protocol=protocol))):
        pixels, labels = read_pickled(content)
        np.testing.assert_array_equal(pixels, batch(3)[0])
        assert labels.tolist() == [3, 6]


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("was-here",)


def test_a_pickle_cannot_run_code(tmp_path: Path) -> None:
    content = pickle.dumps({b"data": Evil(), b"labels": []}, protocol=2)
    with pytest.raises(FormatError, match="which no CIFAR batch needs"):
        read_pickled(content)
    assert not (tmp_path / "was-here").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickled(1)[:-20], "no pickled batch"),
        (b"", "no pickled batch"),
        (pickle.dumps([1, 2]), "no pickled batch"),
        (pickle.dumps({b"data": np.zeros((1, 3)), b"labels": [1]}), "not a uint8 array"),
        (pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}), "not a uint8 array"),
    ],
)
def test_a_damaged_pickle_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_pickled(content)


def test_a_truncated_binary_file_is_refused() -> None:
    with pytest.raises(FormatError, match="not a whole number of records of 3073"):
        read_binary(binary(1)[:-1])


def test_an_archive_of_another_md5_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "data/cifar-10-python.tar.gz")
    with pytest.raises(UserError, match=r"not c58f30108f718f92721af3b95e74349a: it is damaged or incomplete"):
        cifar10().load("train")


def test_a_missing_batch_is_named(tmp_path: Path) -> None:
    write(tmp_path / "data/cifar-10-batches-py")
    (tmp_path / "data/cifar-10-batches-py/data_batch_4").unlink()
    with pytest.raises(UserError, match="data_batch_4"):
        cifar10().load("train")
    assert len(cifar10().load("test")) == SIZE


def test_a_batch_of_too_few_images_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "data/cifar-10-batches-py")
    monkeypatch.setattr(cifar10, "num_images", {"train": 50_000, "test": 10_000})
    with pytest.raises(UserError, match=r"holds 10 train images .* where CIFAR-10 has 50000"):
        cifar10().load("train")


def test_missing_files_say_where_they_were_sought_and_what_to_download(tmp_path: Path) -> None:
    dataset = cifar10(data_dir=tmp_path / "mine")
    assert dataset.find() is None
    with pytest.raises(UserError) as caught:
        dataset.load("train")
    for part in (
        str(tmp_path / "mine"),
        "'data/cifar-10-batches-bin'",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "md5",
    ):
        assert part in str(caught.value)
