"""Precision and recall of generated images. N, M: images (real, generated); n, m: of a block; F: features."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ganzoo.metrics.neighbour_balls import NeighbourBalls
from ganzoo.metrics.neighbours import TIE, squared_distances, squared_radii
from ganzoo.registry import register


@register("metrics")
class precision_recall(NeighbourBalls):
    """The share of fakes that are among the reals, and of reals that are among the fakes; both in 0..1, higher better.

    A set covers the balls around its images; the ball of an image reaches to its k-th nearest neighbour in the set.
    Precision is the share of generated images that the real set covers. Recall is the share of real images that the
    generated set covers. The large ball of one outlier raises either (`metrics.density_coverage` is robust to it). The
    balls shrink as the number of images grows: compare at equal numbers, and use as many fakes as real images, as in
    the source. `precision_<label>` and `recall_<label>` are deterministic and have no standard error.

    Source: Kynkaanniemi et al., arXiv:1904.06991, equations 1 and 2 (there on VGG-16 features, 50,000 images, k = 3).
    The balls are closed, as there: an image at distance 0 of another is always covered.

    >>> x_NF = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    >>> shares_covered(x_NF, x_NF, k=1), shares_covered(x_NF, x_NF[:2], k=1)
    ((1.0, 1.0), (1.0, 0.5))
    """

    measures = ("precision", "recall")
    collapsed_below: ClassVar[Mapping[str, float]] = {"recall": 0.05}  # one real image in twenty

    k: int = 3

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
