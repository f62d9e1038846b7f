"""Features for the tests of metrics: given ones, noise, and the pixels of real digits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from ganzoo.component import Part
from ganzoo.data.base import ImageData
from ganzoo.data.digits import digits
from ganzoo.features.base import FeatureExtractor, Settings


class ToyFeatures(FeatureExtractor):
    """Stands for the extractor; the inputs supply the features."""

    label, feature_dim, num_classes = "toy", 8, 5

    def __init__(self, *, device: torch.device | None = None) -> None:
        self.device = device


class GivenInputs:
    """An evaluation whose features, of fakes and of each split, are given; so are images and labels, where set."""

    seed, num_classes, discriminator = 0, 0, None

    def __init__(self, fake_NF: Tensor, **splits: Tensor) -> None:
        self.fake_NF, self.splits = fake_NF, splits
        self.fakes: ImageData | None = None
        self.images: dict[str, ImageData] = {}

    def with_labels(self, fake_labels_N: Tensor, **labels: Tensor) -> "GivenInputs":
        """Make it the evaluation of a conditional GAN; the images are black."""
        self.num_classes = 1 + max(int(labels_N.max()) for labels_N in labels.values())
        self.fakes = black(fake_labels_N)
        self.images = {split: black(labels_N) for split, labels_N in labels.items()}
        return self

    def with_images(self, num_classes: int, fakes: ImageData, **images: ImageData) -> "GivenInputs":
        """Give it images."""
        self.num_classes, self.fakes, self.images = num_classes, fakes, images
        return self

    def real_images(self, split: str, num: int | None) -> ImageData:
        return first(self.images[split], num)

    def fake_images(self, num: int) -> ImageData:
        assert self.fakes is not None, "the test gave no images"
        return first(self.fakes, num)

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        return self.splits[split][:num]

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        return self.fake_NF[:num]

    def fake_class_logits(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        return self.fake_NF[:num]

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        return f"{metric}_toy"

    def protocol(self, extractor: Part[FeatureExtractor] | None, split: str | None) -> Settings:
        return {"extractor": "toy", "data_sha256": f"hash of {split}"}


def black(labels_N: Tensor) -> ImageData:
    return ImageData(torch.zeros(len(labels_N), 1, 16, 16, dtype=torch.uint8), labels_N)


def first(data: ImageData, num: int | None) -> ImageData:
    return ImageData(data.images_NCHW[:num], None if data.labels_N is None else data.labels_N[:num])


@pytest.fixture(scope="session")
def toy_features() -> Part[FeatureExtractor]:
    return Part("features.toy", ToyFeatures)


@pytest.fixture(scope="session")
def given_inputs() -> type[GivenInputs]:
    return GivenInputs


@pytest.fixture(scope="session")
def normal() -> Callable[..., Tensor]:
    """Normal noise of a shape and a seed."""

    def draw(num: int, width: int, *, seed: int) -> Tensor:
        return torch.randn(num, width, generator=torch.Generator().manual_seed(seed))

    return draw


@dataclass(frozen=True)
class Digits:
    """Pixels (N, 64) in 0..1 of real digits: a reference, and changes of other digits that stand for fakes."""

    reference_NF: Tensor
    fakes: Mapping[str, Tensor]


@pytest.fixture(scope="session")
def real_digits() -> Digits:
    data = digits(size=8).load("train")
    assert data.labels_N is not None
    rng = torch.Generator().manual_seed(1)
    rows_N = torch.randperm(len(data), generator=rng)
    pixels_NF = data.images_NCHW.flatten(1)[rows_N] / 255
    perfect_NF, labels_N = pixels_NF[898:1796], data.labels_N[rows_N][898:1796]
    fakes = {
        "perfect": perfect_NF,
        "noise": (perfect_NF + 0.2 * torch.randn(perfect_NF.shape, generator=rng)).clamp(0, 1),
        "blur": torch.nn.functional.avg_pool2d(perfect_NF.view(-1, 1, 8, 8), 3, 1, 1).flatten(1),
        "half of the classes": perfect_NF[labels_N < 5],
        "duplicates": perfect_NF[:40].repeat(23, 1)[:898],
    }
    return Digits(pixels_NF[:898], fakes)
