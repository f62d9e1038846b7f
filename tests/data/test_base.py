"""What every data set keeps."""

from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.data.base import ImageData
from ganzoo.errors import UserError

WITHOUT_FILES = ["digits", "synthetic"]
SMALL = {"cifar10", "cifar100", "svhn", "tiny_imagenet"}


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


NUM_CLASSES = {
    "celeba": 0,
    "celeba_hq": 0,
    "cifar10": 10,
    "cifar100": 100,
    "digits": 10,
    "fashion_mnist": 10,
    "imagenet": 1000,
    "lsun": 0,
    "stl10": 10,
    "svhn": 10,
    "synthetic": 10,
    "tiny_imagenet": 200,
}


@pytest.mark.parametrize("name", NUM_CLASSES)
def test_the_spec_needs_no_files(name: str) -> None:
    assert registry.part(f"data.{name}")(data_dir=Path("/nowhere")).spec().num_classes == NUM_CLASSES[name]


def test_a_known_hash_is_not_computed_again() -> None:
    assert ImageData(torch.zeros(1, 1, 1, 1, dtype=torch.uint8), known_sha256="known").sha256 == "known"


@pytest.mark.parametrize("name", sorted({*NUM_CLASSES} - {"digits", "synthetic", "fashion_mnist"}))
def test_what_is_missing_is_said_in_one_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    dataset = registry.part(f"data.{name}")(data_dir=tmp_path / "mine")
    assert dataset.find() is None
    for split in dataset.spec().num_images:
        with pytest.raises(UserError) as caught:
            dataset.load(split)
        message = str(caught.value)
        for expected in ("was not found", str(tmp_path / "mine"), "http", " GB" if name not in SMALL else " MB"):
            assert expected in message
        assert "\n" not in message
