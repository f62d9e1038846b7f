"""Weights over a run of five generator updates, by hand."""

import pytest

from ganzoo.pretext.schedule import Schedule, scheduled_weight


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.2, 0.2, 0.2, 0.2, 0.2]),
        ("linear", [0.2, 0.15, 0.1, 0.05, 0.0]),
        ("cosine", [0.2, 0.1 * (1 + 0.5**0.5), 0.1, 0.1 * (1 - 0.5**0.5), 0.0]),
    ],
)
def test_weight_at_every_step(schedule: Schedule, expected: list[float]) -> None:
    weights = [scheduled_weight(0.2, schedule, step=step, num_steps=5) for step in range(5)]
    assert weights == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_a_run_of_one_step_has_the_full_weight(schedule: Schedule) -> None:
    assert scheduled_weight(0.2, schedule, step=0, num_steps=1) == 0.2
