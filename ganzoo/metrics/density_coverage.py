"""Density and coverage of generated images. N, M: images (real, generated); n, m: of a block; F: features."""

import torch
from torch import Tensor

from ganzoo.component import Part
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.neighbour_balls import NeighbourBalls
from ganzoo.metrics.neighbours import TIE, squared_distances, squared_radii
from ganzoo.registry import register


@register("metrics")
class density_coverage(NeighbourBalls):
    """How many real balls a fake lies in, divided by k, and the share of real balls with a fake inside; higher better.

    A real image's ball reaches to its k-th nearest neighbour among the real images. Density is about 1 where fakes are
    distributed as the real images are, and may exceed 1 where they crowd around common ones; coverage lies in 0..1. An
    outlier's large ball matters little to either. Coverage rises with the number of generated images: compare at equal
    numbers; at equal numbers of both and no difference between them it is about 1 - 2^-k. `density_<label>` and
    `coverage_<label>` are deterministic and bear no standard error.

    Source: Naeem et al., arXiv:2002.09797, k = 5. The balls are open, as in the authors' program: a set has density 1
    against itself. More than k copies of one real image have balls of radius 0, which nothing lies in.

    Args:
        features: the extractor, e.g. `@features.efficientnet_lite0`.
        reference_split: the split that the real images come from.
        num_real: how many real images, a random choice that is always the same; None for all of the split.
        num_fake: how many generated images.
        k: which neighbour a ball reaches to.
    """

    measures = ("density", "coverage")

    def __init__(
        self,
        *,
        features: Part[FeatureExtractor],
        reference_split: str = "train",
        num_real: int | None = None,
        num_fake: int = 10_000,
        k: int = 5,
    ) -> None:
        super().__init__(features=features, reference_split=reference_split, num_real=num_real, num_fake=num_fake, k=k)

    def shares(self, real_NF: Tensor, fake_MF: Tensor) -> tuple[float, float]:
        """Return density and coverage."""
        return ball_statistics(real_NF, fake_MF, k=self.k)


def ball_statistics(real_NF: Tensor, fake_MF: Tensor, *, k: int) -> tuple[float, float]:
    """Return density (at least 0) and coverage (0..1); N must exceed k."""
    # Rounding must not put an image on the edge of an open ball inside.
    radii_N = squared_radii(real_NF, k) * (1 - TIE)
    num_inside, covered_N = 0, torch.zeros(len(real_NF), dtype=torch.bool)
    for rows, _, distances_nm in squared_distances(real_NF, fake_MF):
        inside_nm = distances_nm < radii_N[rows, None]
        num_inside += int(inside_nm.sum())
        covered_N[rows] |= inside_nm.any(1)
    return num_inside / (k * len(fake_MF)), float(covered_N.double().mean())
