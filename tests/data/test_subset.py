"""Parts of a data set."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo import registry
from ganzoo.component import Part
from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.data.subset import subset
from ganzoo.errors import UserError

WHOLE = registry.part("data.synthetic", size=4, num_classes=4, num_images=40)
UNLABELLED = registry.part("data.synthetic", size=4, num_classes=0, num_images=40)


class HalfLabelled(Dataset):
    """Has a split without labels, as STL-10 does."""

    def spec(self) -> DataSpec:
        return DataSpec((1, 2, 2), 2, {"train": 4, "unlabeled": 6}, frozenset({"unlabeled"}))

    def load(self, split: str) -> ImageData:
        num = self.spec().num_images[split]
        images = torch.arange(num, dtype=torch.uint8).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous()
        return ImageData(images, torch.tensor([0, 1, 1, 0]) if split == "train" else None)


HALF = Part("data.half", HalfLabelled)


def rows_of(part: ImageData, whole: ImageData) -> list[int]:
    """Which images of the whole the part has, in its order."""
    flat = whole.images_NCHW.flatten(1)
    return [int((flat == image).all(1).nonzero()[0, 0]) for image in part.images_NCHW.flatten(1)]


def test_without_options_it_is_the_whole() -> None:
    for split in ("train", "test"):
        assert subset(dataset=WHOLE).load(split).sha256 == WHOLE().load(split).sha256
    assert subset(dataset=WHOLE).spec() == WHOLE().spec()


def test_classes_are_kept_in_every_split_and_relabelled_in_the_order_given() -> None:
    dataset = subset(dataset=WHOLE, classes=(3, 1))
    assert dataset.spec() == DataSpec((3, 4, 4), 2, {"train": None, "test": None})
    for split in ("train", "test"):
        data, whole = dataset.load(split), WHOLE().load(split)
        rows = rows_of(data, whole)
        assert rows == [row for row in range(40) if row % 4 in (1, 3)]
        assert data.labels_N.tolist() == [{3: 0, 1: 1}[row % 4] for row in rows]


def test_a_fraction_is_balanced_over_classes_and_of_training_images_alone() -> None:
    dataset = subset(dataset=WHOLE, label_fraction=0.3)
    assert dataset.spec().num_images == {"train": None, "test": 40}
    data = dataset.load("train")
    assert torch.bincount(data.labels_N).tolist() == [3, 3, 3, 3]
    assert data.labels_N.tolist() == [row % 4 for row in rows_of(data, WHOLE().load("train"))]
    assert len(dataset.load("test")) == 40


def test_a_class_keeps_one_image_at_least() -> None:
    assert torch.bincount(subset(dataset=WHOLE, label_fraction=0.001).load("train").labels_N).tolist() == [1] * 4


def test_a_larger_share_contains_a_smaller_one_in_the_same_order() -> None:
    whole = WHOLE().load("train")
    for options in (
        [{"label_fraction": 0.2}, {"label_fraction": 0.5}],
        [{"num_images": 5}, {"num_images": 20}],
        [{"num_images_per_class": 2}, {"num_images_per_class": 7}],
    ):
        small, large = (rows_of(subset(dataset=WHOLE, **o).load("train"), whole) for o in options)
        assert set(small) < set(large)
        assert small == sorted(small)


def test_few_images_are_the_same_every_time_and_others_for_another_seed() -> None:
    dataset = subset(dataset=WHOLE, num_images=10)
    assert dataset.spec().num_images == {"train": 10, "test": 40}
    assert len(dataset.load("train")) == 10
    hashes = [subset(dataset=WHOLE, num_images=10, seed=seed).load("train").sha256 for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_images_of_a_class_do_not_depend_on_the_other_classes() -> None:
    whole = WHOLE().load("train")
    all_classes = rows_of(subset(dataset=WHOLE, num_images_per_class=3).load("train"), whole)
    one_class = rows_of(subset(dataset=WHOLE, classes=(2,), num_images_per_class=3).load("train"), whole)
    assert one_class == [row for row in all_classes if row % 4 == 2]


def test_the_spec_says_how_many_few_are() -> None:
    assert subset(dataset=WHOLE, num_images_per_class=3).spec().num_images["train"] == 12
    assert subset(dataset=WHOLE, classes=(0, 2), num_images_per_class=3).spec().num_images["train"] == 6
    assert len(subset(dataset=WHOLE, classes=(0, 2), num_images_per_class=3).load("train")) == 6


def test_other_splits_are_thinned_out_where_they_are_named() -> None:
    dataset = subset(dataset=WHOLE, num_images=5, splits=("train", "test"))
    assert [len(dataset.load(split)) for split in ("train", "test")] == [5, 5]


def test_images_without_labels_can_be_counted_but_not_sorted() -> None:
    data = subset(dataset=UNLABELLED, num_images=5).load("train")
    assert (len(data), data.labels_N) == (5, None)
    for options in ({"classes": (0,)}, {"label_fraction": 0.5}, {"num_images_per_class": 1}):
        with pytest.raises(ValueError, match=r"needs labels and (the split 'train' of )?data.synthetic has none"):
            subset(dataset=UNLABELLED, **options)


def test_a_split_without_labels_goes_with_the_classes_and_stays_otherwise() -> None:
    assert list(subset(dataset=HALF, classes=(1,)).spec().num_images) == ["train"]
    few = subset(dataset=HALF, num_images=3, splits=("unlabeled",))
    assert few.spec() == DataSpec((1, 2, 2), 2, {"train": 4, "unlabeled": 3}, frozenset({"unlabeled"}))
    assert len(few.load("unlabeled")) == 3
    with pytest.raises(ValueError, match=r"the split 'unlabeled' of data.HalfLabelled has none; use num_images"):
        subset(dataset=HALF, label_fraction=0.5, splits=("unlabeled",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_images": 5, "num_images_per_class": 1}, "num_images and num_images_per_class exclude each other"),
        ({"label_fraction": 0.5, "num_images": 1}, "label_fraction and num_images exclude each other"),
        ({"label_fraction": 0.0}, "label_fraction must lie above 0"),
        ({"label_fraction": 1.5}, "label_fraction must lie above 0"),
        ({"num_images": 0}, "num_images must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"splits": ("trian",)}, "splits names 'trian' and data.synthetic has: train, test"),
        ({"classes": ()}, "at least one class"),
        ({"classes": (1, 1)}, "each once"),
        ({"classes": (1, 4)}, r"classes must lie in 0..3, the classes of data.synthetic, not be \[1, 4\]"),
    ],
)
def test_senseless_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        subset(dataset=WHOLE, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_images": 41}, "num_images asks for 41 images and data.synthetic has 40 in 'train'"),
        ({"num_images_per_class": 11}, "num_images_per_class asks for 11 images of class 0 and data.synthetic has 10"),
    ],
)
def test_more_than_there_are_is_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        subset(dataset=WHOLE, **options).load("train")


def test_a_part_of_a_part_has_both_choices() -> None:
    inner = registry.part("data.subset", dataset=WHOLE, classes=(1, 2))
    data = subset(dataset=inner, num_images_per_class=2).load("train")
    assert torch.bincount(data.labels_N).tolist() == [2, 2]
    assert {row % 4 for row in rows_of(data, WHOLE().load("train"))} == {1, 2}


def test_a_part_of_mapped_images_is_mapped_and_the_same_as_one_in_memory(own_place: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(12):
        path = own_place / f"photos/{number % 3}/{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(path)
    folder = registry.part("data.image_folder", path="photos", size=4, num_classes=3)
    said: list[str] = []
    data = subset(dataset=folder, classes=(2, 0), num_images_per_class=2, say=said.append).load("train")
    assert data.is_memory_mapped
    assert len(said) == 2
    assert data.labels_N.tolist() == [1, 1, 0, 0]
    assert data.sha256 == ImageData(data.images_NCHW.clone(), data.labels_N).sha256
    whole = folder().load("train")
    assert torch.equal(data.images_NCHW, whole.images_NCHW[rows_of(data, whole)])
