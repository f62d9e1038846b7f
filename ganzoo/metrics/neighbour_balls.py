"""What metrics of the balls around images share. N, M: images (real, generated); F: features."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ganzoo.errors import check_at_least
from ganzoo.metrics.base import Curve, Measurement, MetricInputs
from ganzoo.metrics.feature_distance import FeatureDistance


class NeighbourBalls(FeatureDistance):
    """Base of the metrics that ask whose balls an image lies in; a ball reaches to an image's k-th nearest neighbour.

    Args:
        k: which neighbour the ball of an image reaches to.
    """

    measures: ClassVar[tuple[str, str]]
    """The names of its two numbers, without the extractor's label."""

    collapsed_below: ClassVar[Mapping[str, float]] = {}
    """By name: the value below which the generated images reach hardly any of the data."""

    k: int

    @classmethod
    def curve(cls, name: str) -> Curve | None:
        """Return the panel of all shares in the features of one extractor."""
        measure, _, label = name.partition("_")
        if measure not in cls.measures:
            return None
        return Curve(f"shares, {label}", measure, collapsed_below=cls.collapsed_below.get(measure))

    def __post_init__(self) -> None:
        check_at_least(1, k=self.k)
        super().__post_init__()

    @property
    def least_num(self) -> int:
        """The fewest images that have a k-th neighbour."""
        return self.k + 1

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
