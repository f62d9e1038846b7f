"""Distances between all pairs of two feature sets, block by block. N, M: images; n, m: of a block; F: features.

They are computed in float64 as |x|^2 + |y|^2 - 2 x.y, and never stored for all pairs at once.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK_SIZE = (
    2048  # images of either set in a block: 34 MB of distances, and as much for each set's features at F = 2048
)
ROUNDING = 1e-12  # error of a squared distance in units of |x|^2 + |y|^2, with room to spare
TIE = 1e-9  # squared distances that differ by less than this share of themselves count as equal


def squared_distances(x_NF: Tensor, y_MF: Tensor) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield for every block its rows of x, its rows of y, and the squared distances (n, m), float64, at least 0.

    Equal rows have distance 0 exactly: what cannot be told from 0 in float64 is 0.
    """
    for start in range(0, len(x_NF), BLOCK_SIZE):
        x_nF = x_NF[start : start + BLOCK_SIZE].double()
        x_squared_n1 = x_nF.square().sum(1, keepdim=True)
        for other in range(0, len(y_MF), BLOCK_SIZE):
            y_mF = y_MF[other : other + BLOCK_SIZE].double()
            norms_nm = x_squared_n1 + y_mF.square().sum(1)
            distances_nm = torch.addmm(norms_nm, x_nF, y_mF.T, alpha=-2)
            distances_nm[distances_nm <= ROUNDING * norms_nm] = 0
            yield slice(start, start + len(x_nF)), slice(other, other + len(y_mF)), distances_nm


def squared_radii(x_NF: Tensor, k: int) -> Tensor:
    """Return the squared distance (N,) of each image to its k-th nearest among the others; N must exceed k."""
    radii_N = torch.empty(len(x_NF), dtype=torch.float64)
    nearest_nk = torch.empty(0, k, dtype=torch.float64)
    for rows, columns, distances_nm in squared_distances(x_NF, x_NF):
        if rows == columns:
            distances_nm.fill_diagonal_(torch.inf)  # an image is no neighbour of itself
        if columns.start == 0:
            nearest_nk = torch.full((len(distances_nm), k), torch.inf, dtype=torch.float64)
        nearest_nk = torch.cat([nearest_nk, distances_nm], dim=1).topk(k, dim=1, largest=False).values
        radii_N[rows] = nearest_nk[:, -1]
    return radii_N


def nearest_squared_distances(x_NF: Tensor, y_MF: Tensor) -> Tensor:
    """Return the squared distance (N,) of each row of x to the nearest row of y."""
    nearest_N = torch.full((len(x_NF),), torch.inf, dtype=torch.float64)
    for rows, _, distances_nm in squared_distances(x_NF, y_MF):
        nearest_N[rows] = torch.minimum(nearest_N[rows], distances_nm.amin(1))
    return nearest_N
