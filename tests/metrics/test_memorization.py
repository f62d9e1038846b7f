"""Memorization against scipy's rank test, closed cases, and copied digits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy.stats import mannwhitneyu
from torch import Tensor

from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.metrics.memorization import memorization, probability_of_less


@pytest.mark.parametrize("decimals", [0, 8])
def test_the_probability_is_scipys_rank_statistic_with_and_without_ties(
    decimals: int, normal: Callable[..., Tensor]
) -> None:
    x_N, y_M = (
        normal(90, 1, seed=1)[:, 0].round(decimals=decimals),
        normal(70, 1, seed=2)[:, 0].round(decimals=decimals),
    )
    value, error = probability_of_less(x_N, y_M + 1)
    assert value == pytest.approx(mannwhitneyu(y_M + 1, x_N).statistic / (90 * 70), abs=1e-12)
    # The error by its definition, from the table of all pairs.
    wins_NM = (x_N[:, None] < y_M + 1).double() + 0.5 * (x_N[:, None] == y_M + 1)
    expected = (wins_NM.mean(1).var() / 90 + wins_NM.mean(0).var() / 70).sqrt()
    assert error == pytest.approx(float(expected), rel=1e-9)


def test_the_standard_error_is_the_deviation_over_draws(normal: Callable[..., Tensor]) -> None:
    x_RN, y_RM = normal(400, 60, seed=1), normal(400, 40, seed=2) + 0.5
    results_R2 = torch.tensor([probability_of_less(x_N, y_M) for x_N, y_M in zip(x_RN, y_RM, strict=True)])
    # The deviation of 400 draws is itself known to 3.5 %.
    assert float(results_R2[:, 1].mean()) == pytest.approx(float(results_R2[:, 0].std()), rel=0.12)


def test_equal_samples_give_one_half_and_separate_ones_0_or_1() -> None:
    x_N = torch.arange(5.0)
    assert probability_of_less(x_N, x_N)[0] == 0.5
    assert probability_of_less(x_N, x_N + 10) == (1.0, 0.0)
    assert probability_of_less(x_N + 10, x_N) == (0.0, 0.0)


def test_digits_new_copied_and_noisy_are_told_apart(toy_features: Any, given_inputs: type, real_digits: Any) -> None:
    train_NF = real_digits.reference_NF
    held_out_NF, new_NF = real_digits.fakes["perfect"].chunk(2)
    metric = memorization(features=toy_features, num_fake=449)

    def copying(fake_NF: Tensor) -> tuple[float, float]:
        (measurement,) = metric.measure(given_inputs(fake_NF, train=train_NF, test=held_out_NF))
        return measurement.value, measurement.standard_error

    value, error = copying(new_NF)
    assert abs(value - 0.5) < 3 * error < 0.1
    assert copying(train_NF[:449])[0] == 1.0
    half_value, half_error = copying(torch.cat([train_NF[:225], new_NF[:224]]))
    assert half_value == pytest.approx(0.75, abs=3 * half_error)
    assert copying(real_digits.fakes["noise"][:449])[0] < 0.1


def test_its_measurement_names_both_splits(
    toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    inputs = given_inputs(normal(20, 8, seed=1), train=normal(30, 8, seed=2), test=normal(10, 8, seed=3))
    (measurement,) = memorization(features=toy_features, num_fake=20).measure(inputs)
    assert measurement.name == "copying_toy"
    assert not measurement.higher_is_better
    expected = {"data_sha256": "hash of train", "held_out_sha256": "hash of test", "num_held_out": 10, "num_real": 30}
    assert measurement.protocol.items() >= expected.items()


def test_without_a_held_out_split_it_is_refused(
    toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    with pytest.raises(
        UserError, match=r"memorization\.held_out_split is 'test' and the data set has the splits train"
    ):
        memorization(features=toy_features).check_data(DataSpec((1, 8, 8), 10, {"train": 100}))
    with pytest.raises(ValueError, match="must differ from reference_split"):
        memorization(features=toy_features, held_out_split="train")
    inputs = given_inputs(normal(20, 8, seed=1), train=normal(30, 8, seed=2), test=normal(1, 8, seed=3))
    with pytest.raises(UserError, match="needs 2 images of the split 'test'"):
        memorization(features=toy_features, num_fake=20).measure(inputs)
