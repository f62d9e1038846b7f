"""Fashion-MNIST: on small files of the true format, and once on Debian's."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.data import fashion_mnist as module
from ganzoo.data.fashion_mnist import fashion_mnist
from ganzoo.errors import UserError

NUM = 5


def write(
    folder: Path, *, prefixes: tuple[str, ...] = ("train", "t10k"), num_labels: int = NUM, packed: bool = True
) -> None:
    """Write files in which image i is i everywhere but at the top left, and label i is 9 - i."""
    folder.mkdir(parents=True)
    pixels = np.repeat(np.arange(NUM, dtype=np.uint8), 28 * 28).reshape(NUM, 28, 28)
    pixels[:, 0, 0] = 200
    labels = bytes(9 - i for i in range(num_labels))
    for prefix in prefixes:
        contents = {
            "images-idx3": bytes((0, 0, 8, 3)) + struct.pack(">3I", NUM, 28, 28) + pixels.tobytes(),
            "labels-idx1": bytes((0, 0, 8, 1)) + struct.pack(">I", num_labels) + labels,
        }
        for kind, content in contents.items():
            path = folder / f"{prefix}-{kind}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content) if packed else content)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if "debian" in request.node.name:
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "DEBIAN_FOLDER", tmp_path / "usr")
    monkeypatch.setattr(module, "NUM_IMAGES", {"train": NUM, "test": NUM})


@pytest.mark.parametrize(
    ("folder", "packed"),
    [
        ("mine/fashion-mnist", True),
        ("mine/FashionMNIST/raw", False),
        ("data/fashion-mnist", False),
        ("data/FashionMNIST/raw", True),
        ("cache/data/fashion-mnist", True),
        ("usr", True),
    ],
)
def test_files_are_found_in_every_layout(tmp_path: Path, folder: str, packed: bool) -> None:
    write(tmp_path / folder, packed=packed)
    dataset = fashion_mnist(data_dir=tmp_path / "mine")
    assert dataset.find() is not None
    assert Path(dataset.find()).resolve() == (tmp_path / folder).resolve()
    for split in ("train", "test"):
        data = dataset.load(split)
        assert data.images_NCHW.shape == (NUM, 1, 28, 28)
        assert data.images_NCHW[:, 0, 5, 5].tolist() == [0, 1, 2, 3, 4]
        assert data.labels_N.tolist() == [9, 8, 7, 6, 5]


def test_the_users_own_folder_comes_first(tmp_path: Path) -> None:
    for folder in ("mine/FashionMNIST/raw", "data/fashion-mnist", "usr"):
        write(tmp_path / folder)
    assert fashion_mnist(data_dir=tmp_path / "mine").find() == str(tmp_path / "mine/FashionMNIST/raw")


def test_at_32_px_a_black_margin_is_added(tmp_path: Path) -> None:
    write(tmp_path / "data/fashion-mnist")
    images = fashion_mnist(size=32).load("train").images_NCHW
    assert images.shape == (NUM, 1, 32, 32)
    assert images[:, 0, 2, 2].eq(200).all()
    assert (
        images[:, 0, :2].sum() + images[:, 0, :, :2].sum() + images[:, 0, 30:].sum() + images[:, 0, :, 30:].sum() == 0
    )


def test_at_other_sizes_images_are_resized(tmp_path: Path) -> None:
    write(tmp_path / "data/fashion-mnist")
    images = fashion_mnist(size=16).load("train").images_NCHW
    assert images.shape == (NUM, 1, 16, 16)
    assert images[:, 0, 8, 8].tolist() == [0, 1, 2, 3, 4]
    assert images[:, 0, 0, 0].gt(50).all()


def test_missing_files_say_where_they_were_sought_and_how_to_get_them(tmp_path: Path) -> None:
    dataset = fashion_mnist(data_dir=tmp_path / "mine")
    assert dataset.find() is None
    with pytest.raises(UserError) as caught:
        dataset.load("train")
    message = str(caught.value)
    for part in (
        "mine/fashion-mnist",
        "mine/FashionMNIST/raw",
        "usr",
        "apt-get install dataset-fashion-mnist",
        "https://",
    ):
        assert part in message
    assert "\n" not in message


def test_one_split_may_be_missing(tmp_path: Path) -> None:
    write(tmp_path / "data/fashion-mnist", prefixes=("train",))
    dataset = fashion_mnist()
    assert dataset.find() is None
    assert len(dataset.load("train")) == NUM
    with pytest.raises(UserError, match=r"\(test\) was not found"):
        dataset.load("test")


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "data/fashion-mnist", num_labels=NUM - 1)
    with pytest.raises(UserError, match=f"and {NUM - 1} labels"):
        fashion_mnist().load("train")


@pytest.mark.fashion_mnist
def test_debians_files_are_the_data_set() -> None:
    dataset = fashion_mnist(data_dir=Path("/nowhere"))
    assert dataset.find() == "/usr/share/datasets/fashion-mnist"
    # Counts and the mean of the training pixels (0.2860 of 1) as published with the data set.
    for split, num in (("train", 60_000), ("test", 10_000)):
        data = dataset.load(split)
        assert data.images_NCHW.shape == (num, 1, 28, 28)
        assert torch.bincount(data.labels_N).tolist() == [num // 10] * 10
        assert abs(data.images_NCHW.double().mean() / 255 - 0.286) < 1e-3
    assert data.labels_N[:5].tolist() == [9, 2, 1, 1, 6]
