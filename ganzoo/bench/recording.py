"""From the folder of a run that ended to its record, and to the picture beside it."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import msgspec

from ganzoo.bench.plan import PlannedRun
from ganzoo.bench.record import Point, RunRecord
from ganzoo.diagnostics.flag import flags_of
from ganzoo.diagnostics.row_keys import RowKey
from ganzoo.metrics.base import Measurement
from ganzoo.runs.folder import Row, RunFolder, read_rows, write_atomically
from ganzoo.runs.json_files import convert

NUM_CURVE_POINTS = 60
COUNTERS = ("step", "num_real_images", "num_d_images")
MAX_PICTURE_BYTES = 60_000
GRID_SIZE = 8  # a run's sample grid has as many rows, and as many columns
PICTURE_SIZES = ((8, 8), (6, 8), (4, 8), (3, 8), (2, 8), (1, 8), (1, 4), (1, 2), (1, 1))


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a record takes from `result.json`; the fields are those of `RunRecord`, but for these.

    Args:
        status: "finished", or how the run failed.
    """

    status: str
    reason: str | None = None
    step: int
    num_real_images: int
    num_d_images: int
    seconds: float
    num_threads: int | None = None
    metrics: tuple[Measurement, ...] = ()


def make_record(planned: PlannedRun, *, grid: str, results: Path, result: RunResult | None = None) -> RunRecord:
    """Return the record of a run that ended, and put its last samples beside it.

    Args:
        planned: the run.
        grid: name of the grid.
        results: the folder that the record goes to.
        result: of a run that broke down before it could write its own.

    Raises:
        UserError: the run folder is damaged.
    """
    run, row = planned.folder, planned.built.row
    environment, timings = run.environment(), read_rows(run.timing_path)
    if result is None:
        where, remedy = str(run.result_path), "the run folder is damaged: bring the file back"
        result = convert(run.result(), RunResult, where=where, what="result of a run", remedy=remedy)
    return RunRecord(
        grid=grid,
        row=row.name,
        label=row.label,
        seed=planned.seed,
        recipe=row.recipe,
        status="finished" if result.status == "finished" else "failed",
        reason=result.reason,
        operative=run.operative_path.read_text(encoding="utf-8"),
        environment=environment,
        metrics=result.metrics,
        flags=tuple(flags_of(run.result() or {}, where=run.result_path)),
        curves=curves(run.metrics()),
        counters={key: getattr(result, key) for key in COUNTERS},
        seconds=result.seconds,
        num_threads=result.num_threads or cast(int, environment["num_threads"]),
        peak_memory_bytes=max((int(timing["peak_memory_bytes"]) for timing in timings), default=0),
        num_parameters=planned.built.num_parameters,
        samples=_copy_samples(run, results / f"{planned.name}.png"),
    )


def failed_result(run: RunFolder, *, reason: str) -> RunResult:
    """Return the result of a run that broke down before it could write its own.

    Args:
        run: its folder.
        reason: why it broke down.
    """
    counted = next((row for row in reversed(run.metrics()) if "num_d_images" in row), {})
    timings = read_rows(run.timing_path)
    return RunResult(
        status="failed",
        reason=reason,
        seconds=timings[-1]["seconds"] if timings else 0.0,
        **{key: int(counted.get(key, 0)) for key in COUNTERS},  # type: ignore[arg-type]
    )


def curves(rows: Sequence[Row]) -> dict[str, tuple[Point, ...]]:
    """Return the curves of a run's rows: six digits, at most 60 points each, but every point of a metric.

    Args:
        rows: of `metrics.jsonl`.
    """
    found: dict[str, list[Point]] = {}
    for row in rows:
        for key, value in row.items():
            if key not in COUNTERS:
                shown = value if _is_metric(key) else float(f"{value:.6g}")
                found.setdefault(key, []).append((int(row["step"]), shown))
    return {key: tuple(points if _is_metric(key) else _thinned(points)) for key, points in found.items()}


def _is_metric(key: str) -> bool:
    return RowKey.parse(key).group == "metric"


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Return evenly chosen points, first and last among them."""
    last, keep = len(points) - 1, NUM_CURVE_POINTS - 1
    return points if last <= keep else [points[round(i * last / keep)] for i in range(NUM_CURVE_POINTS)]


def _copy_samples(run: RunFolder, path: Path) -> str | None:
    """Copy the last sample grid, cut to as many images as 60 kB hold, and return its name; None if there is none."""
    pictures = sorted(run.samples_path.glob("step-*.png"))
    if not pictures:
        return None
    from PIL import Image

    content = b""
    with Image.open(pictures[-1]) as picture:
        for num_rows, num_columns in PICTURE_SIZES:
            # Images are two pixels apart, and none follow the last.
            width = (picture.width + 2) * num_columns // GRID_SIZE - 2
            height = (picture.height + 2) * num_rows // GRID_SIZE - 2
            buffer = io.BytesIO()
            picture.crop((0, 0, width, height)).save(buffer, "PNG", optimize=True)
            content = buffer.getvalue()
            if len(content) <= MAX_PICTURE_BYTES:
                break
    write_atomically(path, content)
    return path.name
