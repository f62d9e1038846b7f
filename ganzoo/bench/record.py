"""The record of one run of a grid: a small JSON file that holds all that a table shows of the run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from ganzoo.diagnostics.flag import Flag, flag_of_sentence
from ganzoo.errors import UserError
from ganzoo.metrics.base import Measurement
from ganzoo.runs.folder import Json, write_atomically
from ganzoo.runs.json_files import convert, read_json

WHAT, REMEDY = "record of a run", "remove the file, and `ganzoo bench` makes it anew"  # for messages

Point = tuple[int, float]
Form = TypeVar("Form")


class RunRecord(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="format_version", tag=2
):
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
        environment: the content of the run folder's `env.json`.
        metrics: of the final generator; empty if the run failed.
        flags: signs of a run gone wrong, and metrics that could not be computed.
        curves: (step, value) pairs by the key of `metrics.jsonl`; thinned, but for those of metrics.
        counters: `step` (generator updates), `num_real_images`, `num_d_images`.
        seconds: of training, without samples and evaluations; records of earlier versions include evaluations made
            during training.
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
    metrics: tuple[Measurement, ...]
    flags: tuple[Flag, ...]
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


class _Format1(msgspec.Struct):
    """What records of format 1 have instead of flags: sentences."""

    health: tuple[str, ...]


def run_name(row: str, seed: int) -> str:
    """Return the name of a run: of its folder, and of its record without the ending."""
    return f"{row}-seed{seed}"


def read_record(path: Path) -> RunRecord:
    """Read one record, of format 1 or 2.

    Raises:
        UserError: it is unreadable, of another format, or no record.
    """

    def decoded(form: type[Form]) -> Form:
        return convert(value, form, where=str(path), what=WHAT, remedy=REMEDY)

    value = read_json(path, dict, what=WHAT, remedy=REMEDY)
    if value.get("format_version") == 1:
        flags = [flag_of_sentence(sentence) for sentence in decoded(_Format1).health]
        value = {**value, "format_version": 2, "flags": msgspec.to_builtins(flags)}
        del value["health"]
    elif value.get("format_version") != 2:
        version = value.get("format_version")
        raise UserError(f"has the format {version}; this ganzoo reads records of the formats 1 and 2", where=str(path))
    return decoded(RunRecord)


def read_records(folder: Path) -> list[RunRecord]:
    """Read all records of a folder of results, in the order of their names.

    Raises:
        UserError: one is unreadable.
    """
    return [read_record(path) for path in sorted(folder.glob("*-seed*.json"))]


def write_record(record: RunRecord, folder: Path) -> Path:
    """Write a record as `ROW-seedN.json`, a line for each field and each curve, and return its path."""
    lines = []
    for key, value in msgspec.to_builtins(record, enc_hook=float).items():
        text = json.dumps(value)
        if isinstance(value, dict) and key == "curves" and value:
            text = "{\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "\n  }"
        lines.append(f'  "{key}": {text}')
    path = folder / f"{record.name}.json"
    write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path
