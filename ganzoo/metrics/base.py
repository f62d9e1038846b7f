"""The contract of a metric. N: images; F: feature width; K: classes."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ganzoo.data.base import DataSpec
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.registry import Component, Part


@dataclass(frozen=True)
class Measurement:
    """One number with all that is needed to compare it.

    Args:
        name: what it is called, extractor included, e.g. `fd_efflite0_64px`.
        value: the number.
        standard_error: of the value over sampling seeds or subsets; None where it is one deterministic number.
        higher_is_better: the direction.
        protocol: the settings behind it; only numbers of equal protocols, but for the seed, are comparable.
    """

    name: str
    value: float
    standard_error: float | None
    higher_is_better: bool
    protocol: Settings


class MetricInputs(Protocol):
    """What an evaluation offers to its metrics: each feature set is computed once and shared."""

    seed: int

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        """Return float32 features (N, F) of `num` images of a split, chosen at random but always the same; None: all.

        Raises:
            UserError: the split has fewer images.
        """

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 features (N, F) of `num` generated images, the same ones for every metric."""

    def fake_class_logits(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 logits (N, K) of the extractor's classifier for the images of `fake_features`."""

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        """Return what a metric ("fd", "kd") of these features is called."""

    def protocol(self, extractor: Part[FeatureExtractor], split: str | None) -> Settings:
        """Return the part of a protocol that the evaluation knows: extractor, weights, data, BN handling, EMA, seed.

        Without a split, for a metric that looks at no real image, the data are left out.
        """


class Metric(Component):
    """A measure of the generated images, or of the networks."""

    kind = "metrics"

    def extractors(self) -> list[Part[FeatureExtractor]]:
        """Return the extractors it needs, so that a run can refuse before step 0 if one is missing."""
        raise NotImplementedError

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a data set that lacks what it compares with, so that a run can refuse before step 0.

        Raises:
            UserError: the split is missing, or has too few images.
        """

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the numbers.

        Raises:
            UserError: the images or features there are do not suffice.
        """
        raise NotImplementedError
