"""Precision and recall of generated images. N, M: images (real, generated); n, m: of a block; F: features."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ganzoo.component import Part
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.neighbour_balls import NeighbourBalls
from ganzoo.metrics.neighbours import TIE, squared_distances, squared_radii
from ganzoo.registry import register


@register("metrics")
class precision_recall(NeighbourBalls):
    """The share of fakes that are among the reals, and of reals that are among the fakes; both in 0..1, higher better.

    A set covers the union of the balls around its images, each reaching to the image's k-th nearest neighbour in the
    set. Precision is the share of generated images that the real set covers; recall is the share of real images that
    the generated set covers. One outlier's large ball raises either (`metrics.density_coverage` is robust to it). The
    balls shrink as images grow in number: compare at equal numbers, and let both sets have the same number, as in the
    source. `precision_<label>` and `recall_<label>` are deterministic and bear no standard error.

    Source: Kynkaanniemi et al., arXiv:1904.06991, equations 1 and 2 (there on VGG-16 features, 50,000 images, k = 3).
    The balls are closed, as there: an image at distance 0 of another is always covered.

    Args:
        features: the extractor, e.g. `@features.efficientnet_lite0`.
        reference_split: the split that the real images come from.
        num_real: how many real images, a random choice that is always the same; None for all of the split.
        num_fake: how many generated images.
        k: which neighbour a ball reaches to.
    """

    measures = ("precision", "recall")
    collapsed_below: ClassVar[Mapping[str, float]] = {"recall": 0.05}  # they reach one real image in twenty

    def __init__(
        self,
        *,
        features: Part[FeatureExtractor],
        reference_split: str = "train",
        num_real: int | None = None,
        num_fake: int = 10_000,
        k: int = 3,
    ) -> None:
        super().__init__(features=features, reference_split=reference_split, num_real=num_real, num_fake=num_fake, k=k)

    def shares(self, real_NF: Tensor, fake_MF: Tensor) -> tuple[float, float]:
        """Return precision and recall."""
        return shares_covered(real_NF, fake_MF, k=self.k)


def shares_covered(real_NF: Tensor, fake_MF: Tensor, *, k: int) -> tuple[float, float]:
    """Return the share of fakes that the reals cover, and that of reals that the fakes cover; N, M must exceed k."""
    # Rounding must not put an image on the edge of a closed ball outside.
    real_radii_N, fake_radii_M = (squared_radii(x_NF, k) * (1 + TIE) for x_NF in (real_NF, fake_MF))
    covered_N, covered_M = torch.zeros(len(real_NF), dtype=torch.bool), torch.zeros(len(fake_MF), dtype=torch.bool)
    for rows, columns, distances_nm in squared_distances(real_NF, fake_MF):
        covered_M[columns] |= (distances_nm <= real_radii_N[rows, None]).any(0)
        covered_N[rows] |= (distances_nm <= fake_radii_M[columns]).any(1)
    return float(covered_M.double().mean()), float(covered_N.double().mean())
