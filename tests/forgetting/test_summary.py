"""Curves made by hand come to the numbers worked out by hand."""

import pytest

from ganzoo.forgetting.loop import Curve, Point
from ganzoo.forgetting.summary import Difference, Spread, student_t, summarize

# Two classes, two cycles, four updates a task, measured every two: switches at 4 (cycle 1), 8 and 12 (cycle 2).
STEPS = [0, 2, 4, 6, 8, 10, 12, 14, 16]
CLASSES = [0, 0, 1, 1, 0, 0, 1, 1, 1]


def curve(arm: str, seed: int, accuracies: list[float]) -> Curve:
    points = tuple(Point(*values) for values in zip(STEPS, CLASSES, accuracies, strict=True))
    return Curve(arm, seed, points, num_d_images=0)


ALONE = [
    curve("alone", 0, [0.1, 0.8, 0.4, 0.7, 0.3, 0.6, 0.5, 0.7, 0.8]),
    curve("alone", 1, [0.9, 0.8, 0.6, 0.7, 0.3, 0.6, 0.5, 0.7, 0.8]),
    curve("alone", 2, [0.5, 0.8, 0.5, 0.7, 0.3, 0.6, 0.5, 0.7, 0.9]),
]
HELPED = [
    curve("help", 0, [0.0, 0.9, 0.5, 0.8, 0.4, 0.7, 0.6, 0.8, 0.9]),  # 0.1 above everywhere but at step 0
    curve("help", 1, [0.0, 1.0, 0.8, 0.9, 0.5, 0.8, 0.7, 0.9, 1.0]),  # 0.2
    curve("help", 2, [0.0, 0.8, 0.5, 0.7, 0.3, 0.6, 0.5, 0.7, 0.9]),  # 0
]


def near(spread: Spread) -> tuple[object, object, object]:
    return pytest.approx(spread.mean), pytest.approx(spread.lowest), pytest.approx(spread.highest)


def test_numbers_of_hand_made_curves() -> None:
    alone, helped = summarize([*ALONE, *HELPED], num_steps_per_task=4, num_classes=2)
    assert (alone.arm, helped.arm) == ("alone", "help")
    assert near(alone.at_switch[0]) == (0.5, 0.4, 0.6)  # step 4 alone: nothing switches at 0
    assert near(alone.at_switch[1]) == (0.4, 0.4, 0.4)  # steps 8 and 12, not the end at 16
    assert near(alone.after_switch[0]) == (0.7, 0.7, 0.7)
    assert near(alone.after_switch[1]) == (0.65, 0.65, 0.65)
    assert near(alone.lowest) == (0.3, 0.3, 0.3)  # not the 0.1 of the untrained network
    assert near(alone.peak) == ((0.8 + 0.8 + 0.9) / 3, 0.8, 0.9)
    assert near(alone.mean) == ((4.8 + 5.0 + 5.0) / 24, 0.6, 0.625)
    assert alone.above_alone is None


def test_the_area_between_curves_is_the_mean_difference_by_seed_with_its_t_interval() -> None:
    _, helped = summarize([*ALONE, *HELPED], num_steps_per_task=4, num_classes=2)
    assert helped.above_alone is not None
    # Differences 0.1, 0.2 and 0: mean 0.1, standard error 0.1 / sqrt(3), and 4.303 is the table's t at 2 degrees.
    assert helped.above_alone.mean == pytest.approx(0.1)
    assert helped.above_alone.high - 0.1 == pytest.approx(4.303 * 0.1 / 3**0.5, rel=1e-3)
    assert helped.above_alone.low + helped.above_alone.high == pytest.approx(0.2)


def test_equal_differences_have_an_interval_of_no_width() -> None:
    assert student_t([0.25, 0.25, 0.25]) == Difference(0.25, 0.25, 0.25)
