"""CelebA, on small files of the true format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ganzoo.data import celeba as module
from ganzoo.data.celeba import ATTRIBUTE_NAMES, celeba
from ganzoo.errors import UserError

PARTITION = [0, 2, 1, 0]  # of the images 000001.jpg to 000004.jpg
SMILING = [1, -1, 1, -1]
COUNTS = {"train": 2, "valid": 1, "test": 1}


@pytest.fixture
def folder(own_place: Path, make_pixels: Callable[..., npt.NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "NUM_IMAGES", COUNTS)
    folder = own_place / "data/celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, 5)]
    for number, name in enumerate(names):
        pixels = make_pixels(number, height=218, width=178)
        Image.fromarray(pixels).save(folder / "img_align_celeba" / name, quality=90)
    rows = zip(names, PARTITION, strict=True)
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} {part}\n" for name, part in rows))
    known = ATTRIBUTE_NAMES.split()
    # As in the official file: the values are aligned, so that two spaces may stand before one.
    lines = [
        f"{name} " + " ".join(f"{smiling if attribute == 'Smiling' else -1:2d}" for attribute in known)
        for name, smiling in zip(names, SMILING, strict=True)
    ]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["4", " ".join(known) + " ", *lines]) + "\n")
    return folder


def decoded(folder: Path, number: int) -> npt.NDArray[np.uint8]:
    """An image (3, 218, 178) as Pillow decodes it."""
    return np.array(Image.open(folder / f"img_align_celeba/{number:06d}.jpg")).transpose(2, 0, 1)


def test_splits_are_the_official_ones_and_images_upright_to_the_pixel(folder: Path) -> None:
    # Of 218 rows the central 178 begin at 20.
    for split, numbers in {"train": [1, 4], "valid": [3], "test": [2]}.items():
        images = celeba(size=178).load(split).images_NCHW.numpy()
        np.testing.assert_array_equal(images, np.stack([decoded(folder, n)[:, 20:198] for n in numbers]))


def test_a_smaller_crop_is_cut_from_the_middle(folder: Path) -> None:
    images = celeba(size=160, crop_size=160).load("test").images_NCHW.numpy()
    np.testing.assert_array_equal(images[0], decoded(folder, 2)[:, 29:189, 9:169])
    assert celeba(crop_size=160).load("test").images_NCHW.shape == (1, 3, 64, 64)


def test_an_attribute_becomes_the_label(folder: Path) -> None:
    dataset = celeba(attribute="Smiling")
    assert dataset.spec().num_classes == 2
    assert dataset.load("train").labels_N.tolist() == [1, 0]
    assert dataset.load("valid").labels_N.tolist() == [1]
    assert celeba().load("train").labels_N is None


def test_an_unknown_attribute_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"none of CelebA's 40: 'Smilling'; did you mean 'Smiling'"):
        celeba(attribute="Smilling")


@pytest.mark.parametrize("arguments", [{"size": 0}, {"crop_size": 179}, {"crop_size": 0}])
def test_senseless_arguments_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        celeba(**arguments)


def test_a_missing_image_is_named(folder: Path) -> None:
    (folder / "img_align_celeba/000004.jpg").unlink()
    with pytest.raises(UserError, match=r"000004.jpg' is missing"):
        celeba().load("train")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list_eval_partition.txt", "000001.jpg 0\n", "holds 1 images where CelebA's split train has 2"),
        ("list_eval_partition.txt", "000001.jpg 3\n", "lines that are not a name and 0, 1 or 2"),
        ("list_attr_celeba.txt", "4\nSmiling\n000001.jpg 1\n", "list_attr_celeba.txt' is damaged"),
        ("list_attr_celeba.txt", "4\nMale\n", "list_attr_celeba.txt' is damaged"),
        ("list_eval_partition.txt", "\udcff\n", "list_eval_partition.txt' cannot be read"),
        ("list_attr_celeba.txt", "\udcff\n", "list_attr_celeba.txt' is damaged"),
        ("list_attr_celeba.txt", "", "list_attr_celeba.txt' is damaged"),
    ],
)
def test_damaged_lists_are_refused(folder: Path, name: str, content: str, message: str) -> None:
    (folder / name).write_text(content, errors="surrogateescape")
    with pytest.raises(UserError, match=message):
        celeba(attribute="Smiling").load("train")


def test_a_missing_attribute_file_is_named_only_where_it_is_needed(folder: Path) -> None:
    (folder / "list_attr_celeba.txt").unlink()
    assert len(celeba().load("train")) == 2
    with pytest.raises(UserError, match=r"list_attr_celeba.txt' .*is missing"):
        celeba(attribute="Smiling").load("train")


def test_missing_files_say_what_to_put_where(own_place: Path) -> None:
    assert celeba().find() is None
    with pytest.raises(UserError, match=r"unpack img_align_celeba.zip \(1.4 GB\) in 'data/celeba'"):
        celeba().load("train")
