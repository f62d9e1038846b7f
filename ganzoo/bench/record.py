"""What is kept of one run of a grid: one small JSON file that a table can be made from, and a picture beside it."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, cast

from ganzoo.bench.record_types import check_record
from ganzoo.diagnostics.flags import flags_of
from ganzoo.errors import UserError
from ganzoo.runs.folder import Json, Row, RunFolder, read_rows, write_atomically

FORMAT_VERSION = 1
NUM_CURVE_POINTS = 60
METRIC = "metric/"
COUNTERS = ("step", "num_real_images", "num_d_images")
MAX_PICTURE_BYTES = 60_000
GRID_SIZE = 8  # a run's sample grid has as many rows, and as many columns
PICTURE_SIZES = ((8, 8), (6, 8), (4, 8), (3, 8), (2, 8), (1, 8), (1, 4), (1, 2), (1, 1))

Point = tuple[int, float]


@dataclass(frozen=True, kw_only=True)
class MeasurementRecord:
    """One number of a run, as its `result.json` has it.

    Args:
        name: what it is called, extractor included.
        value: the number.
        standard_error: over sampling seeds or subsets; None where there is none.
        error_source: what the standard error is over, such as "sampling seeds"; empty where there is none.
        higher_is_better: the direction.
        protocol: the settings behind it; the sampling seed `eval_seed` is among them.
    """

    name: str
    value: float
    standard_error: float | None
    error_source: str = ""
    higher_is_better: bool
    protocol: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run of a grid, finished or failed.

    Args:
        grid: name of the grid.
        row: name of the row.
        label: what a table calls the row.
        seed: `experiment.seed`.
        recipe: the row's recipe, as the grid names it.
        status: whether the run came to its last step.
        reason: why it failed; None if it finished.
        operative: the complete configuration.
        environment: what the run folder's `env.json` says.
        metrics: of the final generator; empty if the run failed.
        health: signs of a run gone wrong, and metrics that could not be computed, as sentences.
        curves: (step, value) pairs by the key of `metrics.jsonl`; thinned, but for those of metrics.
        counters: `step` (generator updates), `num_real_images`, `num_d_images`.
        seconds: of training, without samples and evaluations; records of earlier versions hold those on the way.
        num_threads: CPU threads.
        peak_memory_bytes: of the process, or of the device where that is a GPU.
        num_parameters: trained ones of the `generator`, the `discriminator` and the heads of all `tasks`.
        samples: name of the picture beside the record, or None.
    """

    grid: str
    row: str
    label: str
    seed: int
    recipe: str
    status: Literal["finished", "failed"]
    reason: str | None
    operative: str
    environment: Mapping[str, Json]
    metrics: tuple[MeasurementRecord, ...]
    health: tuple[str, ...]
    curves: Mapping[str, tuple[Point, ...]]
    counters: Mapping[str, int]
    seconds: float
    num_threads: int
    peak_memory_bytes: int
    num_parameters: Mapping[str, int]
    samples: str | None

    @property
    def name(self) -> str:
        """`ROW-seedN`: the name of the run folder, of the record's file and of the picture."""
        return run_name(self.row, self.seed)

    def to_json(self) -> dict[str, Json]:
        """Return the record as it is written."""
        return {"format_version": FORMAT_VERSION, **cast(dict[str, Json], asdict(self))}

    @classmethod
    def from_json(cls, value: Mapping[str, Json], *, where: str = "") -> "RunRecord":
        """Return the record that `to_json` gave.

        Args:
            value: an object of JSON.
            where: the file, for messages.

        Raises:
            UserError: another format, or not what a record holds.
        """
        version = value.get("format_version")
        if version != FORMAT_VERSION:
            raise UserError(
                f"has the format {version}; this ganzoo reads records of format {FORMAT_VERSION}", where=where
            )
        names = {field.name for field in fields(cls)}
        if names != value.keys() - {"format_version"}:
            wrong = sorted(names ^ (value.keys() - {"format_version"}))
            raise UserError(f"is no record of a run: '{wrong[0]}' is missing or unknown", where=where)
        check_record(value, where=where)
        return cls(
            **{
                **{name: value[name] for name in names},
                "metrics": _measurements(value["metrics"]),
                "health": tuple(cast(list[str], value["health"])),
                "curves": {
                    key: tuple((step, y) for step, y in points)
                    for key, points in cast(dict[str, list[Point]], value["curves"]).items()
                },
            }  # type: ignore[arg-type]
        )


def _measurements(value: Json) -> tuple[MeasurementRecord, ...]:
    return tuple(MeasurementRecord(**m) for m in cast(list[dict[str, Json]], value))  # type: ignore[arg-type]


def run_name(row: str, seed: int) -> str:
    """Return the name of a run: of its folder, and of its record without the ending."""
    return f"{row}-seed{seed}"


def read_record(path: Path) -> RunRecord:
    """Read one record.

    Raises:
        UserError: it is unreadable or no record.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot be read ({error}); remove it, and `ganzoo bench` makes it anew", where=str(path)
        ) from error
    if not isinstance(value, dict):
        raise UserError("is no record of a run", where=str(path))
    return RunRecord.from_json(value, where=str(path))


def read_records(folder: Path) -> list[RunRecord]:
    """Read all records of a folder of results, in the order of their names.

    Raises:
        UserError: one is unreadable.
    """
    return [read_record(path) for path in sorted(folder.glob("*-seed*.json"))]


def write_record(record: RunRecord, folder: Path) -> Path:
    """Write a record as `ROW-seedN.json`, a line for each field and each curve, and return its path."""
    lines = []
    for key, value in record.to_json().items():
        text = json.dumps(value)
        if isinstance(value, dict) and key == "curves" and value:
            text = "{\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "\n  }"
        lines.append(f'  "{key}": {text}')
    path = folder / f"{record.name}.json"
    write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def make_record(
    run: RunFolder,
    *,
    grid: str,
    row: str,
    label: str,
    recipe: str,
    seed: int,
    num_parameters: Mapping[str, int],
    result: Mapping[str, Json] | None = None,
    results: Path,
) -> RunRecord:
    """Return the record of a run that ended, and put its last samples beside it.

    Args:
        run: its folder.
        grid: name of the grid.
        row: name of the row.
        label: what a table calls the row.
        recipe: the row's recipe.
        seed: of the run.
        num_parameters: trained ones of `generator`, `discriminator`, `tasks`.
        result: of a run that broke down before it could write its own.
        results: the folder that the record goes to.
    """
    rows, timings = run.metrics(), read_rows(run.timing_path)
    result, environment = result or run.result(), run.environment()
    assert result is not None
    return RunRecord(
        grid=grid,
        row=row,
        label=label,
        seed=seed,
        recipe=recipe,
        status="finished" if result["status"] == "finished" else "failed",
        reason=cast(str | None, result.get("reason")),
        operative=run.operative_path.read_text(encoding="utf-8"),
        environment=environment,
        metrics=_measurements(result.get("metrics", [])),
        health=tuple(flag.text for flag in flags_of(result)),
        curves=curves(rows),
        counters={key: cast(int, result[key]) for key in COUNTERS},
        seconds=cast(float, result["seconds"]),
        num_threads=cast(int, result.get("num_threads", environment["num_threads"])),
        peak_memory_bytes=max((int(timing["peak_memory_bytes"]) for timing in timings), default=0),
        num_parameters=num_parameters,
        samples=_copy_samples(run, results / f"{run_name(row, seed)}.png"),
    )


def failed_result(run: RunFolder, *, reason: str) -> dict[str, Json]:
    """Return the result of a run that broke down before it could write its own.

    Args:
        run: its folder.
        reason: why it broke down.
    """
    counted = next((row for row in reversed(run.metrics()) if "num_d_images" in row), {})
    timings = read_rows(run.timing_path)
    return {
        "status": "failed",
        "reason": reason,
        **{key: counted.get(key, 0) for key in COUNTERS},
        "seconds": timings[-1]["seconds"] if timings else 0.0,
    }


def curves(rows: Sequence[Row]) -> dict[str, tuple[Point, ...]]:
    """Return the curves of a run's rows: six digits, at most 60 points each, but every point of a metric.

    Args:
        rows: of `metrics.jsonl`.
    """
    found: dict[str, list[Point]] = {}
    for row in rows:
        for key, value in row.items():
            if key not in COUNTERS:
                shown = value if key.startswith(METRIC) else float(f"{value:.6g}")
                found.setdefault(key, []).append((int(row["step"]), shown))
    return {key: tuple(points if key.startswith(METRIC) else _thinned(points)) for key, points in found.items()}


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
