"""Density and coverage of generated images. N, M: images (real, generated); n, m: of a block; F: features."""

import torch
from torch import Tensor

from ganzoo.metrics.neighbour_balls import NeighbourBalls
from ganzoo.metrics.neighbours import TIE, squared_distances, squared_radii
from ganzoo.registry import register


@register("metrics")
class density_coverage(NeighbourBalls):
    """How many real balls a fake lies in, divided by k, and the share of real balls with a fake inside; higher better.

    The ball of a real image reaches to its k-th nearest neighbour among the real images. Density is about 1 where fakes
    are distributed as the real images are; it exceeds 1 where they crowd around common images. Coverage lies in 0..1.
    The large ball of an outlier changes neither much. Coverage rises with the number of generated images, so compare at
    equal numbers. For as many fakes as real images, from the same distribution, it is about 1 - 2^-k.
    `density_<label>` and `coverage_<label>` are deterministic and have no standard error.

    Source: Naeem et al., arXiv:2002.09797, k = 5. The balls are open, as in the authors' program, so that a set has
    density 1 against itself. If a real image has more than k copies, their balls have radius 0 and contain nothing.

    >>> x_NF = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    >>> ball_statistics(x_NF, x_NF, k=1), ball_statistics(x_NF, x_NF + 100, k=1)
    ((1.0, 1.0), (0.0, 0.0))
    """

    measures = ("density", "coverage")
    k: int = 5

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
