"""What the distances share: names, protocols, and which images they refuse. N: images; F: features."""

import pytest
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.component import Part
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.metrics.base import Measurement, Metric
from ganzoo.metrics.kernel_distance import subset_distances
from ganzoo.randomness import make_generator


class Given:
    """Inputs of features that a test gives."""

    seed = 4

    def __init__(self, real_NF: Tensor, fake_NF: Tensor) -> None:
        self.real_NF, self.fake_NF = real_NF, fake_NF

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        return self.real_NF[:num]

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        return self.fake_NF[:num]

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        return f"{metric}_given"

    def protocol(self, extractor: Part[FeatureExtractor], split: str) -> Settings:
        return {"reference_split": split}


def build(name: str, **arguments: object) -> Metric:
    features = registry.part("features.efficientnet_lite0")
    if name == "frechet_distance":
        arguments = {"allow_singular": True, **arguments}
    metric = registry.part(f"metrics.{name}", features=features, **arguments)()
    assert isinstance(metric, Metric)
    return metric


def noise(num: int, seed: int) -> Tensor:
    return torch.randn(num, 6, generator=torch.Generator().manual_seed(seed))


def measure(name: str, real_NF: Tensor, fake_NF: Tensor, **arguments: object) -> Measurement:
    (measurement,) = build(name, **arguments).measure(Given(real_NF, fake_NF))
    return measurement


def test_the_kernel_distance_is_the_mean_over_subsets_with_its_standard_error() -> None:
    real, fake = noise(40, 0), noise(50, 1)
    found = measure("kernel_distance", real, fake, num_fake=50, num_subsets=7, subset_size=20)
    rng = make_generator(4, "metrics/kernel_distance")
    values = subset_distances(real, fake, num_subsets=7, subset_size=20, rng=rng).numpy()
    assert found.value == pytest.approx(values.mean())
    assert found.standard_error == pytest.approx(values.std(ddof=1) / 7**0.5)
    assert found.name == "kd_given"
    assert not found.higher_is_better
    assert found.protocol == {
        "reference_split": "train",
        "num_real": 40,
        "num_fake": 50,
        "num_subsets": 7,
        "subset_size": 20,
    }


def test_one_subset_has_no_standard_error() -> None:
    found = measure("kernel_distance", noise(9, 0), noise(9, 1), num_fake=9, num_subsets=1, subset_size=9)
    assert found.standard_error is None


@pytest.mark.parametrize("kind", ["real", "generated"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_not_finite_are_counted_and_refused(kind: str, value: float) -> None:
    real, fake = noise(9, 0), noise(9, 1)
    broken = real if kind == "real" else fake
    broken[2:4, 1] = value
    with pytest.raises(UserError, match=f"for 2 of 9 {kind} images"):
        measure("frechet_distance", real, fake, num_fake=9)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("frechet_distance", {"num_real": 101}, r"asks for 101 images .* has 100; lower .*\.num_real"),
        ("frechet_distance", {"reference_split": "tran"}, "did you mean 'train'"),
        ("frechet_distance", {"reference_split": "test"}, "has the splits train; set it to one of them"),
        ("kernel_distance", {"subset_size": 101}, r"asks for 101 images .* has 100; lower .*\.subset_size"),
        ("kernel_distance", {"num_real": 101, "subset_size": 9}, r"lower .*\.num_real"),
    ],
)
def test_a_data_set_without_the_images_is_refused(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build(name, **arguments).check_data(DataSpec((1, 8, 8), 0, {"train": 100}))


def test_where_only_the_files_tell_the_images_are_counted_when_they_are_there() -> None:
    metric = build("kernel_distance", subset_size=10, num_fake=20)
    metric.check_data(DataSpec((1, 8, 8), 0, {"train": None}))
    with pytest.raises(UserError, match="has 9"):
        metric.measure(Given(noise(9, 0), noise(20, 1)))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("frechet_distance", {"num_fake": 1}),
        ("frechet_distance", {"num_real": 1}),
        ("kernel_distance", {"num_fake": 999}),
        ("kernel_distance", {"num_real": 999}),
        ("kernel_distance", {"num_subsets": 0}),
        ("kernel_distance", {"subset_size": 1}),
    ],
)
def test_numbers_from_which_nothing_can_be_computed_are_refused(name: str, arguments: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(arguments))):
        build(name, **arguments)
