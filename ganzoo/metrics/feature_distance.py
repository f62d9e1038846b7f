"""What metrics share that compare features of real and of generated images. N: images; F: features."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.component import DeclaredArguments, Part
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError, check_at_least
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.metrics.base import Metric, MetricInputs

CHUNK_SIZE = 4096  # images checked at once, to bound the memory


@dataclass(frozen=True)
class FeaturePair:
    """Finite features (N, F) of real and of generated images, and the protocol so far."""

    real_NF: Tensor
    fake_NF: Tensor
    protocol: Settings


class FeatureDistance(DeclaredArguments, Metric):
    """Base of the metrics that compare two sets of features.

    A subclass declares only the parameters that it adds.

    Args:
        features: the extractor, e.g. `@features.efficientnet_lite0`.
        reference_split: the split that the real images come from.
        num_real: how many real images, a random choice that is always the same; None for all of the split.
        num_fake: how many generated images.
    """

    features: Part[FeatureExtractor]
    reference_split: str = "train"
    num_real: int | None = None
    num_fake: int = 10_000

    def __post_init__(self) -> None:
        check_at_least(self.least_num, num_real=self.num_real, num_fake=self.num_fake)

    @property
    def least_num(self) -> int:
        """The fewest images of either kind that give a number."""
        return 2

    def extractors(self) -> list[Part[FeatureExtractor]]:
        """Return its one extractor."""
        return [self.features]

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a missing split, or one of too few images."""
        least, limit = self._least_real
        self.check_split(spec, "reference_split", self.reference_split, least=least, limit=limit)

    def feature_pair(self, inputs: MetricInputs) -> FeaturePair:
        """Return both sets of features.

        Raises:
            UserError: too few real images, or features that are NaN or infinite.
        """
        real_NF = inputs.real_features(self.features, self.reference_split, self.num_real)
        least, limit = self._least_real
        self.check_num_images(self.reference_split, len(real_NF), least=least, limit=limit)
        fake_NF = inputs.fake_features(self.features, self.num_fake)
        self._check_finite(real_NF, "real")
        self._check_finite(fake_NF, "generated")
        protocol = inputs.protocol(self.features, self.reference_split)
        return FeaturePair(real_NF, fake_NF, {**protocol, "num_real": len(real_NF), "num_fake": len(fake_NF)})

    def _check_finite(self, features_NF: Tensor, images: str) -> None:
        chunks = torch.split(features_NF, CHUNK_SIZE)
        num_broken = sum(int((~torch.isfinite(chunk_NF).all(1)).sum()) for chunk_NF in chunks)
        if num_broken:
            raise UserError(
                f"{self.features.name} gives NaN or infinite features for {num_broken} of {len(features_NF)} "
                f"{images} images; its weights or the device's arithmetic are broken, try --device cpu"
            )

    @property
    def _least_real(self) -> tuple[int, str]:
        """How many real images the split must have, and the parameter to lower if it has fewer."""
        return self.num_real or self.least_num, self._limiting_parameter()

    def _limiting_parameter(self) -> str:
        """Return that parameter; a subclass may name another one if `num_real` is None."""
        return "num_real"
