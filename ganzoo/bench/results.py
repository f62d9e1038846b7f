"""The results of a grid as a folder holds them: `proof.json`, and one record for each run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ganzoo.bench.grid import Grid
from ganzoo.bench.proof import Mismatch, Proof, check_records
from ganzoo.bench.record import RunRecord, read_records
from ganzoo.errors import UserError
from ganzoo.runs.folder import Json, write_json

PROOF = "proof.json"


@dataclass(frozen=True, kw_only=True)
class Results:
    """What was run of a grid so far.

    Args:
        path: the folder.
        title: of the grid.
        proof: that its rows differ in their axes alone.
        rows: names of all rows in the order of a table, those without a run yet among them.
        labels: what a table calls each row.
        seeds: those planned for every row.
        columns: names of the measurements that a table shows; empty for all.
        reported: the published numbers that stand beside a row, such as "cifar10/ss", by its name.
        records: of all runs that ended.
        mismatches: conditions that differ between records.
    """

    path: Path
    title: str
    proof: Proof
    rows: tuple[str, ...]
    labels: Mapping[str, str]
    seeds: tuple[int, ...]
    columns: tuple[str, ...]
    reported: Mapping[str, str]
    records: tuple[RunRecord, ...]
    mismatches: tuple[Mismatch, ...]

    def of_row(self, row: str) -> list[RunRecord]:
        """Return the records of a row, by seed."""
        return sorted((record for record in self.records if record.row == row), key=lambda record: record.seed)


def write_proof(path: Path, grid: Grid, proof: Proof) -> None:
    """Write `proof.json`: the proof, and what a table needs of the grid.

    Args:
        path: the folder of results.
        grid: that was proven.
        proof: of it.
    """
    value = proof.to_json()
    rows = cast(dict[str, dict[str, Json]], value["rows"])
    for row in grid.rows:
        rows[row.name] |= {"label": row.label, "reported": row.reported}
    order: list[Json] = [row.name for row in grid.rows]  # an object of JSON has no order of its own
    columns: list[Json] = [*grid.columns]
    seeds: list[Json] = [*grid.seeds]
    write_json(path / PROOF, {**value, "title": grid.title, "order": order, "seeds": seeds, "columns": columns})


def read_results(path: Path) -> Results:
    """Read a folder of results.

    Raises:
        UserError: no such folder, no proof or no records in it, a damaged file, a record of a row that the grid lacks.
    """
    if not path.is_dir():
        beside = sorted(str(p.parent) for p in path.parent.glob(f"*/{PROOF}"))
        there = f"; there are {', '.join(beside)}" if beside else "; `ganzoo bench GRID` makes benchmarks/results/GRID"
        raise UserError(f"no folder '{path}'{there}")
    records = read_records(path)
    if not records:
        raise UserError(f"no records of runs in '{path}'; `ganzoo bench GRID` writes a ROW-seedN.json for each run")
    value = _read_proof(path / PROOF)
    try:
        described = cast(Mapping[str, dict[str, Json]], value["rows"])
        order = cast(Sequence[str], value.get("order") or [value["baseline"], *described])
        rows = tuple(dict.fromkeys(order))
        proof = Proof.from_json({**value, "rows": {row: described[row] for row in rows}})
        labels = {row: str(described[row].get("label") or row) for row in rows}
        reported = {row: str(described[row]["reported"]) for row in rows if described[row].get("reported")}
        seeds = tuple(cast(Sequence[int], value.get("seeds") or sorted({record.seed for record in records})))
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"is no proof of a grid ({error!r}); `ganzoo bench GRID` writes it anew", where=str(path / PROOF)
        ) from error
    for record in records:
        if record.row not in rows:
            raise UserError(
                f"the row '{record.row}' is not in {PROOF}, which has {', '.join(rows)}; remove the record, or run the "
                "grid that it belongs to",
                where=str(path / f"{record.name}.json"),
            )
    return Results(
        path=path,
        title=str(value.get("title") or proof.grid),
        proof=proof,
        rows=rows,
        labels={**labels, **{record.row: record.label for record in records}},
        seeds=seeds,
        columns=tuple(cast(Sequence[str], value.get("columns") or ())),
        reported=reported,
        records=tuple(records),
        mismatches=tuple(check_records(records, proof)),
    )


def _read_proof(path: Path) -> Mapping[str, Json]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"'{path}' is missing; `ganzoo bench GRID` writes it before it runs anything") from None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot be read ({error}); `ganzoo bench GRID` writes it anew", where=str(path)) from error
    if not isinstance(value, dict):
        raise UserError("is no proof of a grid; `ganzoo bench GRID` writes it anew", where=str(path))
    return value
