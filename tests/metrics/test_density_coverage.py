"""Density and coverage against prdc, closed cases, and changes of real digits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from torch import Tensor

from ganzoo.errors import UserError
from ganzoo.metrics.density_coverage import ball_statistics, density_coverage
from ganzoo.metrics.precision_recall import shares_covered


def prdc(real_NF: Tensor, fake_NF: Tensor, k: int) -> tuple[float, float]:
    theirs = compute_prdc(real_NF.numpy().astype(np.float64), fake_NF.numpy().astype(np.float64), nearest_k=k)
    return theirs["density"], theirs["coverage"]


@pytest.mark.parametrize("k", [1, 5, 10])
def test_it_agrees_with_prdc(k: int, normal: Callable[..., Tensor]) -> None:
    real_NF, fake_NF = normal(400, 16, seed=1), normal(500, 16, seed=2) * 0.8 + 0.3
    assert ball_statistics(real_NF, fake_NF, k=k) == pytest.approx(prdc(real_NF, fake_NF, k), abs=1e-12)


def test_it_agrees_with_prdc_on_real_digits(real_digits: Any) -> None:
    for fake_NF in real_digits.fakes.values():
        theirs = prdc(real_digits.reference_NF, fake_NF, 5)
        assert ball_statistics(real_digits.reference_NF, fake_NF, k=5) == pytest.approx(theirs, abs=1e-12)


def test_by_hand_on_a_line() -> None:
    # k = 1. Open balls around 0, 1, 3, 10 of radii 1, 1, 2, 7. The fake 4 lies in the last two, 2.5 in that of 3 alone
    # (and 0.5 in the first two), 20 in none: 5 of 4 fakes, and all four balls.
    real_NF, fake_NF = torch.tensor([[0.0], [1], [3], [10]]), torch.tensor([[4.0], [2.5], [0.5], [20]])
    assert ball_statistics(real_NF, fake_NF, k=1) == (5 / 4, 1.0)
    # On the edge of the ball of 10 is outside; 3 itself is inside its own.
    assert ball_statistics(real_NF, torch.tensor([[3.0]]), k=1) == (1.0, 0.25)


@pytest.mark.parametrize("k", [1, 5])
def test_a_set_has_density_and_coverage_1_against_itself(k: int, normal: Callable[..., Tensor]) -> None:
    x_NF = normal(100, 8, seed=1)
    assert ball_statistics(x_NF, x_NF, k=k) == (1.0, 1.0)


def test_sets_far_apart_share_nothing(normal: Callable[..., Tensor]) -> None:
    assert ball_statistics(normal(100, 8, seed=1), normal(100, 8, seed=2) + 100, k=5) == (0.0, 0.0)


def test_equal_distributions_have_the_expected_coverage(normal: Callable[..., Tensor]) -> None:
    # Naeem et al., equation 7: 1 - (N-1)...(N-k) / ((2N-1)...(2N-k)); its mean over sets, of deviation about 0.01.
    num, k = 500, 3
    expected = 1 - np.prod([(num - i) / (2 * num - i) for i in range(1, k + 1)])
    values = [ball_statistics(normal(num, 4, seed=i), normal(num, 4, seed=100 + i), k=k) for i in range(20)]
    density, coverage = np.mean(values, axis=0)
    assert coverage == pytest.approx(expected, abs=0.015)
    assert density == pytest.approx(1, abs=0.03)


def test_one_outliers_ball_raises_precision_and_hardly_density(normal: Callable[..., Tensor]) -> None:
    # All fakes lie in the outlier's ball and in no other: one of k.
    real_NF = torch.cat([normal(200, 8, seed=1), torch.full((1, 8), 12.0)])
    fake_NF = normal(200, 8, seed=2) + 8
    assert shares_covered(real_NF, fake_NF, k=5)[0] == 1.0
    assert ball_statistics(real_NF, fake_NF, k=5) == (0.2, pytest.approx(1 / 201))


def test_real_digits_lose_density_by_noise_and_coverage_by_dropped_classes_and_duplicates(real_digits: Any) -> None:
    values = {
        name: ball_statistics(real_digits.reference_NF, fake_NF, k=5) for name, fake_NF in real_digits.fakes.items()
    }
    density, coverage = values["perfect"]
    assert density == pytest.approx(1, abs=0.1)
    assert coverage > 0.9
    assert values["noise"][0] < density - 0.4
    for name in ("half of the classes", "duplicates"):
        assert values[name][0] > density - 0.2
        assert values[name][1] < coverage - 0.3


def test_its_measurements_name_extractor_k_and_numbers(
    toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    inputs = given_inputs(normal(80, 8, seed=1), test=normal(70, 8, seed=2))
    first, second = density_coverage(features=toy_features, reference_split="test", num_fake=60, k=4).measure(inputs)
    assert (first.name, second.name) == ("density_toy", "coverage_toy")
    assert (first.value, second.value) == ball_statistics(inputs.splits["test"], inputs.fake_NF[:60], k=4)
    assert first.standard_error is None
    assert first.protocol == second.protocol
    assert first.protocol.items() >= {"num_real": 70, "num_fake": 60, "k": 4, "data_sha256": "hash of test"}.items()


def test_too_few_images_are_refused(toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match="k must be at least 1"):
        density_coverage(features=toy_features, k=0)
    inputs = given_inputs(normal(10, 8, seed=1), train=normal(5, 8, seed=2))
    with pytest.raises(UserError, match=r"asks for 6 images of the split 'train', which has 5; lower .*\.k"):
        density_coverage(features=toy_features, num_fake=10).measure(inputs)
