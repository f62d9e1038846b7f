"""The numbers of curves. Accuracies are fractions in [0, 1]; that of the untrained network, at step 0, never counts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ganzoo.forgetting.experiment import ALONE
from ganzoo.forgetting.loop import Curve, Point

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """The mean over seeds of a number, and its lowest and highest value."""

    mean: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Difference:
    """A mean over seeds of paired differences with its Student-t interval of 95 %."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class ArmSummary:
    """The numbers of one arm over its seeds.

    Args:
        arm: its name.
        at_switch: for each cycle, the mean accuracy on the new class at a switch, before any update on it.
        after_switch: for each cycle, the same at the first measurement after the switch.
        lowest: the lowest accuracy of a curve.
        peak: the highest accuracy of a curve.
        mean: the mean accuracy over a whole curve.
        above_alone: the mean difference in accuracy between the arm's curve and that of `alone` under the same seed;
            None for `alone`.
    """

    arm: str
    at_switch: tuple[Spread, ...]
    after_switch: tuple[Spread, ...]
    lowest: Spread
    peak: Spread
    mean: Spread
    above_alone: Difference | None


def summarize(curves: Sequence[Curve], *, num_steps_per_task: int, num_classes: int) -> list[ArmSummary]:
    """Return the numbers of every arm, in the order of the curves.

    Args:
        curves: of every arm under every seed, including `alone`, measured at the same steps.
        num_steps_per_task: updates between switches.
        num_classes: tasks of a cycle.
    """
    by_arm: dict[str, dict[int, Curve]] = {}
    for curve in curves:
        by_arm.setdefault(curve.arm, {})[curve.seed] = curve
    every = [list(by_seed.values()) for by_seed in by_arm.values()]
    return [
        ArmSummary(
            arm=own[0].arm,
            at_switch=_by_cycle(own, num_steps_per_task, num_classes, offset=0),
            after_switch=_by_cycle(own, num_steps_per_task, num_classes, offset=1),
            lowest=_spread([min(_accuracies(curve)) for curve in own]),
            peak=_spread([max(_accuracies(curve)) for curve in own]),
            mean=_spread([fmean(_accuracies(curve)) for curve in own]),
            above_alone=None if own[0].arm == ALONE else _above(own, by_arm[ALONE]),
        )
        for own in every
    ]


def _accuracies(curve: Curve) -> list[float]:
    return [point.accuracy for point in curve.points if point.step > 0]


def is_switch(point: Point, num_steps_per_task: int, last_step: int) -> bool:
    """Return whether the positive class changes at a point; it does not at the start and at the end."""
    return 0 < point.step < last_step and point.step % num_steps_per_task == 0


def _by_cycle(curves: Sequence[Curve], num_steps_per_task: int, num_classes: int, *, offset: int) -> tuple[Spread, ...]:
    """Return, for each cycle, the mean accuracy `offset` measurements after its switches."""
    points, num_steps_per_cycle = curves[0].points, num_steps_per_task * num_classes
    rows_by_cycle: dict[int, list[int]] = {}
    for row, point in enumerate(points):
        if is_switch(point, num_steps_per_task, points[-1].step):
            rows_by_cycle.setdefault(point.step // num_steps_per_cycle, []).append(row + offset)
    return tuple(
        _spread([fmean(curve.points[row].accuracy for row in rows) for curve in curves])
        for rows in rows_by_cycle.values()
    )


def _above(own: Sequence[Curve], alone: Mapping[int, Curve]) -> Difference:
    return student_t([fmean(_accuracies(curve)) - fmean(_accuracies(alone[curve.seed])) for curve in own])


def student_t(values: Sequence[float]) -> Difference:
    """Return the mean of independent values with its Student-t interval."""
    from scipy import stats

    mean, num = fmean(values), len(values)
    variance = sum((value - mean) ** 2 for value in values) / (num - 1)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, num - 1)) * math.sqrt(variance / num)
    return Difference(mean, mean - half, mean + half)


def _spread(values: Sequence[float]) -> Spread:
    return Spread(fmean(values), min(values), max(values))
