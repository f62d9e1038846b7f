"""Weights over a run of five generator updates, by hand."""

import pytest

from ganzoo.pretext.weighted_task import WeightedTask
from ganzoo.schedule import Schedule

BY_HAND: dict[Schedule, list[float]] = {
    "constant": [0.2, 0.2, 0.2, 0.2, 0.2],
    "linear": [0.2, 0.15, 0.1, 0.05, 0.0],
    "cosine": [0.2, 0.1 * (1 + 0.5**0.5), 0.1, 0.1 * (1 - 0.5**0.5), 0.0],
}


@pytest.mark.parametrize("schedule", BY_HAND)
def test_each_weight_follows_its_own_schedule(schedule: Schedule) -> None:
    falling_for_g = WeightedTask(alpha=0.2, beta=3.0, alpha_schedule=schedule, beta_schedule="constant", num_steps=5)
    assert [falling_for_g.g_weight(step) for step in range(5)] == pytest.approx(BY_HAND[schedule])
    assert [falling_for_g.d_weight(step) for step in range(5)] == [3.0] * 5
    falling_for_d = WeightedTask(alpha=3.0, beta=0.2, alpha_schedule="constant", beta_schedule=schedule, num_steps=5)
    assert [falling_for_d.d_weight(step) for step in range(5)] == pytest.approx(BY_HAND[schedule])
    assert [falling_for_d.g_weight(step) for step in range(5)] == [3.0] * 5


@pytest.mark.parametrize("schedule", BY_HAND)
def test_a_run_of_one_step_has_the_full_weights(schedule: Schedule) -> None:
    task = WeightedTask(alpha=0.2, beta=1.0, alpha_schedule=schedule, beta_schedule=schedule, num_steps=1)
    assert (task.g_weight(0), task.d_weight(0)) == (0.2, 1.0)


@pytest.mark.parametrize(("alpha", "beta"), [(-0.1, 1.0), (0.2, -1.0)])
def test_a_negative_weight_is_refused(alpha: float, beta: float) -> None:
    with pytest.raises(ValueError, match=f"^{'alpha' if alpha < 0 else 'beta'} must not be negative"):
        WeightedTask(alpha=alpha, beta=beta, alpha_schedule="constant", beta_schedule="constant", num_steps=5)
