"""The kernel distance against a double loop and torch-fidelity. N: images; F: features."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_kid import kid_features_to_metric

from ganzoo.metrics import kernel_distance as module
from ganzoo.metrics.kernel_distance import subset_distances

FIDELITY = {
    "kid_kernel": "poly",
    "kid_kernel_poly_degree": 3,
    "kid_kernel_poly_gamma": None,
    "kid_kernel_poly_coef0": 1,
}


def features(num: int, seed: int, shift: float = 0.0) -> Tensor:
    return torch.randn(num, 12, generator=torch.Generator().manual_seed(seed)) + shift


def by_double_loop(x_NF: Tensor, y_NF: Tensor) -> float:
    """The unbiased estimate as its definition says: sums over pairs of different images."""
    x, y = x_NF.double().numpy(), y_NF.double().numpy()
    num, num_features = x.shape

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / num_features + 1) ** 3)

    within = sum(k(z[i], z[j]) for z in (x, y) for i in range(num) for j in range(num) if i != j)
    between = sum(k(x[i], y[j]) for i in range(num) for j in range(num))
    return within / (num * (num - 1)) - 2 * between / num**2


def whole(x_NF: Tensor, y_NF: Tensor, num_subsets: int = 1) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return subset_distances(x_NF, y_NF, num_subsets=num_subsets, subset_size=len(x_NF), rng=rng)


def test_it_equals_a_double_loop() -> None:
    x, y = features(25, 1), features(25, 2, shift=0.3)
    assert float(whole(x, y)) == pytest.approx(by_double_loop(x, y), rel=1e-10)


def test_it_equals_torch_fidelity_on_the_whole_sets() -> None:
    x, y = features(200, 3), features(200, 4, shift=0.3)
    theirs = kid_features_to_metric(
        x.double(), y.double(), kid_subsets=1, kid_subset_size=200, rng_seed=0, verbose=False, **FIDELITY
    )
    assert float(whole(x, y)) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)


def test_subsets_average_to_the_whole_and_agree_with_torch_fidelity_within_their_error() -> None:
    x, y = features(400, 5), features(400, 6, shift=0.3)
    values = subset_distances(x, y, num_subsets=300, subset_size=100, rng=torch.Generator().manual_seed(0))
    error = float(values.std()) / 300**0.5
    assert float(values.mean()) == pytest.approx(float(whole(x, y)), abs=4 * error)
    theirs = kid_features_to_metric(
        x.double(), y.double(), kid_subsets=300, kid_subset_size=100, rng_seed=0, verbose=False, **FIDELITY
    )
    assert float(values.mean()) == pytest.approx(theirs["kernel_inception_distance_mean"], abs=6 * error)


def test_both_ways_of_summing_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = features(60, 7), features(60, 8)

    def values() -> Tensor:
        return subset_distances(x, y, num_subsets=5, subset_size=30, rng=torch.Generator().manual_seed(1))

    by_table = values()
    monkeypatch.setattr(module, "TABLE_SIZE", 1)
    assert torch.allclose(values(), by_table, rtol=1e-10)


def test_two_samples_of_one_distribution_are_near_zero_on_either_side() -> None:
    values = torch.cat([whole(features(300, 2 * i), features(300, 2 * i + 1)) for i in range(20)])
    assert abs(float(values.mean())) < 4 * float(values.std()) / 20**0.5
    assert (values < 0).any()
    assert (values > 0).any()
