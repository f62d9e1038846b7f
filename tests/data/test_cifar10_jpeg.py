"""CIFAR-10 as JPEG files, on small folders."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from ganzoo.data import cifar10_jpeg as module
from ganzoo.data.cifar10_jpeg import cifar10_jpeg
from ganzoo.errors import UserError

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture(autouse=True)
def _small(own_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_IMAGES", {"train": 20, "test": 10})


def write(root: Path, *, num_train: int = 2) -> None:
    """Write grey images whose level is ten times the class, plus the number of the image."""
    for split, num in (("train", num_train), ("test", 1)):
        for label, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for number in range(num):
                level = 10 * label + number
                Image.new("RGB", (32, 32), (level, level, level)).save(root / split / name / f"{number:04}.jpg")


@pytest.mark.parametrize("folder", ["cifar10-jpeg", "CIFAR-10-images"])
def test_labels_are_the_classes_by_name_and_images_are_resized(own_place: Path, folder: str) -> None:
    write(own_place / "data" / folder)
    data = cifar10_jpeg(size=16).load("train")
    assert data.images_NCHW.shape == (20, 3, 16, 16)
    assert data.labels_N is not None
    assert data.labels_N.tolist() == [label for label in range(10) for _ in range(2)]
    expected = torch.tensor([10 * label + number for label in range(10) for number in range(2)])
    assert (data.images_NCHW[:, :, 8, 8] - expected[:, None]).abs().max() <= 1  # JPEG rounds
    assert len(cifar10_jpeg(size=16).load("test")) == 10


def test_what_is_known_without_files() -> None:
    spec = cifar10_jpeg().spec()
    assert (spec.image_shape, spec.num_classes, spec.num_images) == ((3, 32, 32), 10, {"train": 20, "test": 10})
    assert cifar10_jpeg().find() is None


def test_missing_files_and_missing_images_say_what_to_do(own_place: Path) -> None:
    with pytest.raises(UserError, match="git clone https://github"):
        cifar10_jpeg().load("train")
    write(own_place / "data" / "cifar10-jpeg", num_train=1)
    with pytest.raises(UserError, match=r"holds 10 images where CIFAR-10 as JPEG files \(train\) has 20"):
        cifar10_jpeg().load("train")


@pytest.mark.parametrize("size", [0, 33])
def test_a_size_that_the_files_do_not_have_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="size"):
        cifar10_jpeg(size=size)
