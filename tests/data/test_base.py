"""What every data set keeps."""

from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.data.base import ImageData
from ganzoo.errors import UserError

WITHOUT_FILES = ["digits", "synthetic"]


@pytest.mark.parametrize("name", WITHOUT_FILES)
def test_what_is_loaded_is_what_the_spec_says(name: str) -> None:
    dataset = registry.part(f"data.{name}")(data_dir=Path("/nowhere"))
    spec = dataset.spec()
    for split, num_images in spec.num_images.items():
        data = dataset.load(split)
        assert data.images_NCHW.shape == (num_images, *spec.image_shape)
        assert data.images_NCHW.dtype == torch.uint8
        assert data.images_NCHW.is_contiguous()
        assert data.labels_N.dtype == torch.int64
        assert data.labels_N.shape == (num_images,)
        assert data.labels_N.unique().tolist() == list(range(spec.num_classes))
        assert data.sha256 == dataset.load(split).sha256


def test_an_unknown_split_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        UserError, match=r"data\.synthetic has no split 'tset'; it has: train, test; did you mean 'test'"
    ):
        registry.part("data.synthetic")().load("tset")


def test_the_hash_tells_pixels_labels_and_shape_apart() -> None:
    images = torch.arange(16, dtype=torch.uint8).reshape(2, 2, 2, 2)
    labels = torch.tensor([0, 1])
    others = [
        ImageData(images),
        ImageData(images.flip(0), labels),
        ImageData(images, labels.flip(0)),
        ImageData(images.reshape(2, 1, 2, 4), labels),
        ImageData(images, labels),
    ]
    assert len({data.sha256 for data in others}) == 5
    assert ImageData(images.clone(), labels.clone()).sha256 == others[-1].sha256


@pytest.mark.parametrize("name", ["digits", "synthetic", "fashion_mnist", "cifar10"])
def test_the_spec_needs_no_files(name: str) -> None:
    assert registry.part(f"data.{name}")(data_dir=Path("/nowhere")).spec().num_classes == 10
