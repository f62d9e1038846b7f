"""Distances in blocks, against all pairs at once."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganzoo.metrics import neighbours
from ganzoo.metrics.neighbours import nearest_squared_distances, squared_distances, squared_radii


@pytest.fixture(params=[7, 30, 2048])
def _block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that leave a rest, blocks that fit, and one block."""
    monkeypatch.setattr(neighbours, "BLOCK_SIZE", request.param)


def all_pairs(x_NF: Tensor, y_MF: Tensor) -> Tensor:
    return (x_NF.double()[:, None] - y_MF.double()).square().sum(2)


@pytest.mark.usefixtures("_block_size")
def test_blocks_cover_every_pair_once_with_the_distance_of_the_difference(normal: Callable[..., Tensor]) -> None:
    x_NF, y_MF = normal(30, 5, seed=1) + 10, normal(60, 5, seed=2) + 10
    table_NM, times_NM = torch.zeros(30, 60, dtype=torch.float64), torch.zeros(30, 60)
    for rows, columns, distances_nm in squared_distances(x_NF, y_MF):
        table_NM[rows, columns] = distances_nm
        times_NM[rows, columns] += 1
    torch.testing.assert_close(table_NM, all_pairs(x_NF, y_MF), rtol=1e-10, atol=1e-11)
    assert torch.equal(times_NM, torch.ones(30, 60))


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize("k", [1, 3, 8])
def test_radii_reach_to_the_kth_smallest_distance_to_another(k: int, normal: Callable[..., Tensor]) -> None:
    x_NF = normal(61, 5, seed=1)
    # The smallest distance of all is that to itself.
    expected_N = all_pairs(x_NF, x_NF).sort(1).values[:, k]
    torch.testing.assert_close(squared_radii(x_NF, k), expected_N, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("_block_size")
def test_nearest_distances_are_row_minima(normal: Callable[..., Tensor]) -> None:
    x_NF, y_MF = normal(31, 5, seed=1), normal(50, 5, seed=2)
    nearest_N = nearest_squared_distances(x_NF, y_MF)
    torch.testing.assert_close(nearest_N, all_pairs(x_NF, y_MF).amin(1), rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("_block_size")
def test_copies_are_at_distance_0_exactly_however_far_from_the_origin(normal: Callable[..., Tensor]) -> None:
    x_NF = normal(50, 64, seed=1) + 1000
    assert torch.equal(nearest_squared_distances(x_NF, x_NF), torch.zeros(50, dtype=torch.float64))
    assert torch.equal(squared_radii(x_NF.repeat(3, 1), 2), torch.zeros(150, dtype=torch.float64))
