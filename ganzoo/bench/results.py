"""The results of a grid as a folder holds them: `proof.json`, and one record for each run."""

from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from ganzoo.bench.conditions import Mismatch, check_records
from ganzoo.bench.proof import Proof
from ganzoo.bench.record import RunRecord, read_records
from ganzoo.errors import UserError
from ganzoo.runs.json_files import read_json

PROOF = "proof.json"


@dataclass(frozen=True, kw_only=True)
class Results:
    """What was run of a grid so far.

    Args:
        path: the folder.
        proof: that its rows differ in their axes alone.
        records: of all runs that ended.
        mismatches: conditions that differ between records.
    """

    path: Path
    proof: Proof
    records: tuple[RunRecord, ...]
    mismatches: tuple[Mismatch, ...]

    @property
    def labels(self) -> dict[str, str]:
        """What a table calls each row, those without a run yet among them; in the order of a table."""
        planned = {name: self.proof.rows[name].label or name for name in self.proof.order}
        return {**planned, **{record.row: record.label for record in self.records}}

    def of_row(self, row: str) -> list[RunRecord]:
        """Return the records of a row, by seed."""
        return sorted((record for record in self.records if record.row == row), key=lambda record: record.seed)


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
    proof = _read_proof(path / PROOF)
    for record in records:
        if record.row not in proof.order:
            raise UserError(
                f"the row '{record.row}' is not in {PROOF}, which has {', '.join(proof.order)}; remove the record, or "
                "run the grid that it belongs to",
                where=str(path / f"{record.name}.json"),
            )
    if not proof.seeds:
        proof = replace(proof, seeds=tuple(sorted({record.seed for record in records})))
    return Results(path=path, proof=proof, records=tuple(records), mismatches=tuple(check_records(records, proof)))


def _read_proof(path: Path) -> Proof:
    """Return a proof; one of an earlier version gets the title and the order that it lacks."""
    remedy = "`ganzoo bench GRID` writes it anew"
    if not path.exists():
        raise UserError(f"'{path}' is missing; `ganzoo bench GRID` writes it before it runs anything")
    proof = read_json(path, Proof, what="proof of a grid", remedy=remedy)
    order = tuple(dict.fromkeys(proof.order or (proof.baseline, *proof.rows)))
    if not proof.rows.keys() >= {*order}:
        raise UserError(f"is no proof of a grid: $.rows lacks one of {', '.join(order)}; {remedy}", where=str(path))
    return replace(proof, title=proof.title or proof.grid, order=order)
