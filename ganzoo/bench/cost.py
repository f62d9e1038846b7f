"""The cost of a row's runs, and the values that runs had reached at an equal number of D images."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.bench.record import Point, RunRecord
from ganzoo.diagnostics.row_keys import RowKey


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one run of a row takes.

    Args:
        num_steps: generator updates.
        num_d_images: images that D saw, views of pretext tasks and images of penalties included.
        seconds: of training by the clock; the median over runs. Records of earlier versions include evaluations made
            during training.
        devices: every device that runs of the row used.
        num_threads: CPU threads; every number that runs of the row used.
        num_parameters_g: trained ones of the generator.
        num_parameters_d: of the discriminator without the tasks' heads.
        num_parameters_tasks: of those heads.
        peak_memory_bytes: the largest of all runs.
    """

    num_steps: int
    num_d_images: int
    seconds: float
    devices: tuple[str, ...]
    num_threads: tuple[int, ...]
    num_parameters_g: int
    num_parameters_d: int
    num_parameters_tasks: int
    peak_memory_bytes: int


def cost(records: Sequence[RunRecord]) -> Cost:
    """Return the cost of a row: of its finished runs, or of its failed ones if none finished; at least one record."""
    finished = [record for record in records if record.status == "finished"] or list(records)
    first = finished[0]
    devices = [str(r.environment.get("device_name") or r.environment.get("device")) for r in finished]
    return Cost(
        num_steps=max(record.counters["step"] for record in finished),
        num_d_images=max(record.counters["num_d_images"] for record in finished),
        seconds=statistics.median(record.seconds for record in finished),
        devices=tuple(dict.fromkeys(devices)),
        num_threads=tuple(dict.fromkeys(record.num_threads for record in finished)),
        num_parameters_g=first.num_parameters["generator"],
        num_parameters_d=first.num_parameters["discriminator"],
        num_parameters_tasks=first.num_parameters["tasks"],
        peak_memory_bytes=max(record.peak_memory_bytes for record in finished),
    )


def common_budget(records: Sequence[RunRecord]) -> int | None:
    """Return the largest number of D images that every finished run has spent; None if no run finished.

    A failed run does not lower it, or one early failure would shorten the comparison of all others.
    """
    return min((r.counters["num_d_images"] for r in records if r.status == "finished"), default=None)


def metric_curve(record: RunRecord, name: str, split: str) -> tuple[Point, ...]:
    """Return the (step, value) pairs of a metric during training; empty if there are none."""
    keys = (RowKey("metric", name, split=split), RowKey("metric", name))
    return next((record.curves[str(key)] for key in keys if str(key) in record.curves), ())


def value_at(record: RunRecord, curve: Sequence[Point], num_d_images: float) -> float | None:
    """Return the value of a metric when D had seen `num_d_images`; None where no two evaluations enclose that.

    D sees the same number of images in every step, so images are proportional to steps. Between evaluations the value
    is interpolated linearly; before the first and after the last nothing is known.
    """
    step = num_d_images * record.counters["step"] / max(record.counters["num_d_images"], 1)
    points = sorted(curve)
    for (step_a, value_a), (step_b, value_b) in zip(points, points[1:] or points, strict=False):
        if step_a <= step <= step_b or math.isclose(step, step_b):
            share = min(1.0, (step - step_a) / (step_b - step_a)) if step_b > step_a else 0.0
            # Not a + share * (b - a), which need not give b at 1.
            value = value_a * (1 - share) + value_b * share
            return value if math.isfinite(value) else None
    return None
