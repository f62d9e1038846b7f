"""Schedules at points where they can be written down."""

import pytest

from ganzoo.schedule import Schedule, remaining


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", [1.0, 0.75, 0.5, 0.0, 0.0]),
        ("cosine", [1.0, (1 + 0.5**0.5) / 2, 0.5, 0.0, 0.0]),
    ],
)
def test_what_remains_at_the_start_a_quarter_half_the_end_and_beyond(schedule: Schedule, expected: list[float]) -> None:
    assert [remaining(schedule, p) for p in (0.0, 0.25, 0.5, 1.0, 1.5)] == pytest.approx(expected)
