"""Tiny ImageNet, on a small tree of the true form."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ganzoo.data import tiny_imagenet as module
from ganzoo.data.tiny_imagenet import tiny_imagenet
from ganzoo.errors import UserError

CLASSES = ["n02124075", "n01443537", "n04067472"]  # in the order of wnids.txt, which is not that of the labels
VAL = [("val_1.JPEG", "n04067472"), ("val_0.JPEG", "n01443537")]


@pytest.fixture
def root(own_place: Path, make_pixels: Callable[..., npt.NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "NUM_IMAGES", {"train": 6, "val": 2})
    monkeypatch.setattr(module, "NUM_CLASSES", 3)
    root = own_place / "data/tiny-imagenet-200"
    paths = [root / "train" / c / "images" / f"{c}_{n}.JPEG" for c in CLASSES for n in range(2)]
    paths += [root / "val/images" / name for name, _ in VAL]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(make_pixels(number, height=64, width=64)).save(path, quality=90)
    for name in CLASSES:
        (root / "train" / name / f"{name}_boxes.txt").write_text("boxes")
    (root / "wnids.txt").write_text("\n".join(CLASSES))
    (root / "val/val_annotations.txt").write_text("".join(f"{n}\t{c}\t0\t32\t44\t62\n" for n, c in VAL))
    return root


def decoded(path: Path) -> npt.NDArray[np.uint8]:
    return np.array(Image.open(path)).transpose(2, 0, 1)


def test_classes_are_in_the_order_of_their_ids_and_images_upright_to_the_pixel(root: Path) -> None:
    data = tiny_imagenet().load("train")
    assert data.labels_N.tolist() == [0, 0, 1, 1, 2, 2]
    paths = [root / "train" / c / "images" / f"{c}_{n}.JPEG" for c in sorted(CLASSES) for n in range(2)]
    np.testing.assert_array_equal(data.images_NCHW.numpy(), np.stack([decoded(path) for path in paths]))


def test_the_classes_of_validation_images_are_read_from_their_file(root: Path) -> None:
    data = tiny_imagenet().load("val")
    assert data.labels_N.tolist() == [2, 0]
    np.testing.assert_array_equal(data.images_NCHW[0].numpy(), decoded(root / "val/images/val_1.JPEG"))
    assert tiny_imagenet(size=16).load("val").images_NCHW.shape == (2, 3, 16, 16)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "val_annotations.txt' is missing or damaged"),
        ("val_0.JPEG\tn00000000\t0\t0\t1\t1\n", "val_annotations.txt' is missing or damaged"),
        ("\udcff\n", "val_annotations.txt' is missing or damaged"),
        ("val_0.JPEG\n", "val_annotations.txt' is missing or damaged"),
        ("val_0.JPEG\tn01443537\t0\t0\t1\t1\n", "holds 1 images where Tiny ImageNet has 2"),
    ],
)
def test_a_damaged_list_is_refused(root: Path, content: str | None, message: str) -> None:
    path = root / "val/val_annotations.txt"
    path.unlink()
    if content is not None:
        path.write_text(content, errors="surrogateescape")
    with pytest.raises(UserError, match=message):
        tiny_imagenet().load("val")


def test_missing_images_and_classes_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "train/n02124075/images/n02124075_0.JPEG").unlink()
    with pytest.raises(UserError, match="holds 5 images where Tiny ImageNet has 6"):
        tiny_imagenet().load("train")
    monkeypatch.setattr(module, "NUM_CLASSES", 200)
    with pytest.raises(UserError, match="has 3 class folders, not 200"):
        tiny_imagenet().load("train")


def test_missing_files_say_what_to_download(own_place: Path) -> None:
    assert tiny_imagenet().find() is None
    with pytest.raises(UserError, match=r"tiny-imagenet-200.zip \(248 MB\) and unpack it in 'data'"):
        tiny_imagenet().load("train")
    with pytest.raises(ValueError, match="size"):
        tiny_imagenet(size=0)
