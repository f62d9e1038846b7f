"""What metrics of the balls around images share. N, M: images (real, generated); F: features."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ganzoo.component import Part
from ganzoo.errors import check_at_least
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.base import Curve, Measurement, MetricInputs
from ganzoo.metrics.feature_distance import FeatureDistance


class NeighbourBalls(FeatureDistance):
    """Base of the metrics that ask which balls, each reaching to an image's k-th nearest neighbour, an image lies in.

    Args:
        features: the extractor.
        reference_split: the split that the real images come from.
        num_real: how many real images, a random choice that is always the same; None for all of the split.
        num_fake: how many generated images.
        k: which neighbour a ball reaches to.
    """

    measures: ClassVar[tuple[str, str]]
    """What its two numbers are called, without the extractor's label."""

    collapsed_below: ClassVar[Mapping[str, float]] = {}
    """Of a measure by name: the value below which the generated images reach hardly any of the data."""

    @classmethod
    def curve(cls, name: str) -> Curve | None:
        """Return the panel of all shares in the features of one extractor."""
        measure, _, label = name.partition("_")
        if measure not in cls.measures:
            return None
        return Curve(f"shares, {label}", measure, collapsed_below=cls.collapsed_below.get(measure))

    def __init__(
        self, *, features: Part[FeatureExtractor], reference_split: str, num_real: int | None, num_fake: int, k: int
    ) -> None:
        check_at_least(1, k=k)
        super().__init__(
            features=features, reference_split=reference_split, num_real=num_real, num_fake=num_fake, least_num=k + 1
        )
        self.k = k

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return both numbers."""
        pair = self.feature_pair(inputs)
        protocol = {**pair.protocol, "k": self.k}
        values = zip(self.measures, self.shares(pair.real_NF, pair.fake_NF), strict=True)
        return [
            Measurement(inputs.metric_name(self.features, name), value, None, True, protocol) for name, value in values
        ]

    def shares(self, real_NF: Tensor, fake_MF: Tensor) -> tuple[float, float]:
        """Return the numbers that `measures` names; N, M exceed k."""
        raise NotImplementedError

    def _limiting_parameter(self) -> str:
        return "k" if self.num_real is None else "num_real"
