"""Distances between all pairs of two feature sets, block by block. N, M: images; n, m: of a block; F: features.

They are computed in float64 as |x|^2 + |y|^2 - 2 x.y, and never stored for all pairs at once.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK_SIZE = 2048  # images of either set in a block: 34 MB of distances, and as much for the features at F = 2048
ROUNDING = 1e-12  # error of a squared distance in units of |x|^2 + |y|^2, with room to spare
TIE = 1e-9  # squared distances that differ by less than this share of themselves count as equal


def squared_distances(x_NF: Tensor, y_MF: Tensor) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield for every block its rows of x, its rows of y, and the squared distances (n, m), float64, at least 0.

    A distance that float64 cannot distinguish from 0 is exactly 0, so that equal rows have distance 0.
    """
    for rows in blocks(len(x_NF)):
        x_nF = x_NF[rows].double()
        for columns in blocks(len(y_MF)):
            yield rows, columns, block_distances(x_nF, y_MF[columns].double())


def squared_radii(x_NF: Tensor, k: int) -> Tensor:
    """Return the squared distance (N,) of each image to its k-th nearest among the others; N must exceed k."""
    nearest_Nk = torch.full((len(x_NF), k), torch.inf, dtype=torch.float64)

    def keep_nearest(rows: slice, distances_nm: Tensor) -> None:
        nearest_Nk[rows] = torch.cat([nearest_Nk[rows], distances_nm], dim=1).topk(k, dim=1, largest=False).values

    for rows in blocks(len(x_NF)):
        x_nF = x_NF[rows].double()
        keep_nearest(rows, block_distances(x_nF, x_nF).fill_diagonal_(torch.inf))  # no image is its own neighbour
        # Distances are symmetric: a block above the diagonal is used for its rows and for its columns.
        for columns in blocks(len(x_NF), first=rows.stop):
            distances_nm = block_distances(x_nF, x_NF[columns].double())
            keep_nearest(rows, distances_nm)
            keep_nearest(columns, distances_nm.T)
    return nearest_Nk.amax(1)


def nearest_squared_distances(x_NF: Tensor, y_MF: Tensor) -> Tensor:
    """Return the squared distance (N,) of each row of x to the nearest row of y."""
    nearest_N = torch.full((len(x_NF),), torch.inf, dtype=torch.float64)
    for rows, _, distances_nm in squared_distances(x_NF, y_MF):
        nearest_N[rows] = torch.minimum(nearest_N[rows], distances_nm.amin(1))
    return nearest_N


def blocks(num: int, *, first: int = 0) -> Iterator[slice]:
    """Yield consecutive slices of at most BLOCK_SIZE that cover first..num."""
    for start in range(first, num, BLOCK_SIZE):
        yield slice(start, min(start + BLOCK_SIZE, num))


def block_distances(x_nF: Tensor, y_mF: Tensor) -> Tensor:
    """Return the squared distances (n, m) of all pairs of two float64 blocks."""
    norms_nm = x_nF.square().sum(1, keepdim=True) + y_mF.square().sum(1)
    distances_nm = torch.addmm(norms_nm, x_nF, y_mF.T, alpha=-2)
    distances_nm[distances_nm <= ROUNDING * norms_nm] = 0
    return distances_nm
