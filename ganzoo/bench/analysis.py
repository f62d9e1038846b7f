"""From the records of a grid to its table; nothing is rounded here."""

import math
from collections.abc import Callable, Mapping, Sequence

from ganzoo.bench.columns import PROTOCOL, Column, choose_columns, find_columns
from ganzoo.bench.conditions import THE_PROOF, Mismatch
from ganzoo.bench.cost import common_budget, cost, metric_curve, value_at
from ganzoo.bench.published import ReportedColumn, reported_columns
from ganzoo.bench.record import RunRecord
from ganzoo.bench.results import Results
from ganzoo.bench.statistics import compare_rows, sampling_error, summarize
from ganzoo.bench.table import Cell, Matched, Row, RunValue, Table, Trouble
from ganzoo.bench.task_accuracy import task_accuracies
from ganzoo.errors import UserError
from ganzoo.metrics.base import Measurement

COLLAPSED = "collapsed"
"""The kind of a flag by which a run counts as worse than every value."""


def build_table(
    results: Results,
    *,
    metrics: Sequence[str] = (),
    has_reported: bool = False,
    is_compute_matched: bool = False,
    allow_mixed: bool = False,
) -> Table:
    """Make the table of a grid's results.

    Args:
        results: of one grid.
        metrics: names of the measurements to show; empty for those of the grid, or else all.
        has_reported: whether published numbers stand beside ours.
        is_compute_matched: whether to add the compute-matched view.
        allow_mixed: whether to show, with a mark, runs that were made or measured under different conditions.

    Raises:
        UserError: an unknown metric; numbers of different protocols in one column, or other conditions that differ;
            published numbers that no row names.
    """
    columns, mixed = find_columns(results.records)
    # Protocols are compared column by column, where a run may have two numbers of one name.
    mismatches = [m for m in results.mismatches if not m.key.startswith(PROTOCOL)] + mixed
    if mismatches and not allow_mixed:
        listed = "".join(f"\n  {mismatch}" for mismatch in mismatches)
        raise UserError(
            f"the runs in '{results.path}' were not made and measured alike, so they share no table; run the odd ones "
            f"again, or give --allow-mixed to have them marked:{listed}"
        )
    # A metric that the grid names and no run has measured yet has no protocol, and so no column.
    names = metrics or [name for name in results.proof.columns if any(name in (c.name, c.key) for c in columns)]
    columns = choose_columns(columns, names)

    def final_value(record: RunRecord, column: Column) -> RunValue | None:
        finished = [r for r in results.of_row(record.row) if r.status == "finished"]
        # A row that never has a metric is no worse for it, but a seed that lacks a metric of its row is.
        is_measured = not finished or any(_measurement(r, column) for r in finished)
        return _final_value(record, column) if is_measured else None

    cells = _cells(results, columns, final_value, mismatches)
    return Table(
        grid=results.proof.grid,
        title=results.proof.title,
        baseline=results.proof.baseline,
        columns=tuple(columns),
        rows=tuple(_row(results, name, cells[name]) for name in results.proof.order),
        planned_seeds=results.proof.seeds,
        total_seconds=sum(record.seconds for record in results.records),
        proof=tuple(results.proof.lines()),
        mismatches=tuple(mismatches),
        reported=_reported(results) if has_reported else (),
        matched=_matched(results, columns, cells, mismatches) if is_compute_matched else None,
    )


def _cells(
    results: Results,
    columns: Sequence[Column],
    value_of: Callable[[RunRecord, Column], RunValue | None],
    mismatches: Sequence[Mismatch],
) -> dict[str, dict[str, Cell]]:
    """Return the cells by row and column, compared with the baseline's."""
    cells: dict[str, dict[str, Cell]] = {row: {} for row in results.proof.order}
    for column in columns:
        runs: dict[str, list[RunValue]] = {}
        for row in results.proof.order:
            values = [value_of(record, column) for record in results.of_row(row)]
            runs[row] = [value for value in values if value is not None]
        by_seed = {row: {run.seed: run.value for run in own} for row, own in runs.items()}
        baseline = by_seed.pop(results.proof.baseline)
        compared = compare_rows(by_seed, baseline, higher_is_better=column.higher_is_better)
        marked = _marked(column, mismatches)
        for row, own in runs.items():
            if own:
                cells[row][column.key] = Cell(
                    runs=tuple(own),
                    summary=summarize([run.value for run in own], higher_is_better=column.higher_is_better),
                    comparison=compared.get(row),
                    sampling_error=sampling_error([run.standard_error for run in own]),
                    is_marked=any(record.name in marked for record in results.of_row(row)),
                )
    return cells


def _marked(column: Column, mismatches: Sequence[Mismatch]) -> set[str]:
    """Return the runs whose numbers in a column are marked: those that differ from the grid, or from most runs."""
    marked: set[str] = set()
    for mismatch in mismatches:
        is_protocol = mismatch.key.startswith(PROTOCOL)
        if is_protocol and not mismatch.key.startswith(f"{PROTOCOL}{column.key}."):
            continue
        groups = sorted(mismatch.values.values(), key=len, reverse=True)
        # Of two protocols neither is the right one, so every number is marked. Every run that departs from the grid is
        # marked too, even if most runs do.
        if not is_protocol:
            groups = [g for g in groups if g != (THE_PROOF,)] if (THE_PROOF,) in groups else groups[1:]
        marked |= {run for group in groups for run in group}
    return marked


def _trouble(record: RunRecord) -> tuple[Trouble, str]:
    """Return why a whole run counts as worst, or empty strings."""
    if record.status == "failed":
        return "failed", record.reason or "for a reason that was not recorded"
    collapsed = next((flag for flag in record.flags if flag.kind == COLLAPSED), None)
    return ("collapsed", collapsed.text) if collapsed is not None else ("", "")


def _measurement(record: RunRecord, column: Column) -> Measurement | None:
    own = [m for m in record.metrics if m.name == column.name]
    # Where protocols are mixed on purpose, the one number of that name may be of another split.
    return next((m for m in own if m.split == column.split), own[0] if own and column.key == column.name else None)


def _final_value(record: RunRecord, column: Column) -> RunValue:
    """Return the number of the last checkpoint; a run that lacks it counts as worst."""
    m = _measurement(record, column)
    return _run_value(record, m.value if m else None, m.standard_error if m else None)


def _run_value(record: RunRecord, measured: float | None, standard_error: float | None) -> RunValue:
    trouble, reason = _trouble(record)
    if measured is None or not math.isfinite(measured):
        measured = standard_error = None
        if not trouble:
            flags = "; ".join(flag.text for flag in record.flags)
            trouble, reason = "without a value", flags or "it is NaN, infinite or was not measured"
    return RunValue(seed=record.seed, measured=measured, standard_error=standard_error, trouble=trouble, reason=reason)


def _row(results: Results, name: str, cells: Mapping[str, Cell]) -> Row:
    records = results.of_row(name)
    troubles = []
    for record in records:
        trouble, reason = _trouble(record)
        others = [flag.text for flag in record.flags if flag.text != reason]
        sentences = ([f"failed: {reason}" if trouble == "failed" else reason] if trouble else []) + others
        troubles += [f"{results.labels[name]}, seed {record.seed}: {'; '.join(sentences)}"] if sentences else []
    return Row(
        name=name,
        label=results.labels[name],
        seeds=tuple(record.seed for record in records),
        cells=cells,
        cost=cost(records) if records else None,
        tasks=task_accuracies(records),
        troubles=tuple(troubles),
    )


def _reported(results: Results) -> tuple[ReportedColumn, ...]:
    named = {name: row.reported for name, row in results.proof.rows.items() if row.reported}
    if not named:
        raise UserError(
            f"no row of '{results.proof.grid}' names published numbers, such as row.reported = 'cifar10/ss' in the "
            "grid; leave out --reported"
        )
    return tuple(reported_columns({name: named[name] for name in results.proof.order if name in named}))


def _matched(
    results: Results,
    columns: Sequence[Column],
    final: Mapping[str, Mapping[str, Cell]],
    mismatches: Sequence[Mismatch],
) -> Matched | None:
    """Return every metric at the largest number of D images that all finished runs have spent.

    Args:
        results: of one grid.
        columns: in order.
        final: cells of the last checkpoints; a cell that a row lacks there is not missing here.
        mismatches: conditions that differ between runs.
    """
    budget = common_budget(results.records)
    if budget is None:
        return None

    def value(record: RunRecord, column: Column) -> float | None:
        return value_at(record, metric_curve(record, column.name, column.split), budget)

    def value_of(record: RunRecord, column: Column) -> RunValue | None:
        # A sound run that was not evaluated around that point is not worse but unknown. Then the whole row is unknown:
        # else only the runs would count that happened to be evaluated.
        own = results.of_row(record.row)
        if any(value(r, column) is None and not _trouble(r)[0] for r in own):
            return None
        return _run_value(record, value(record, column), None)

    cells = _cells(results, columns, value_of, mismatches)
    missing = [
        (results.labels[row], column.key)
        for column in columns
        for row in results.proof.order
        if column.key in final[row] and column.key not in cells[row]
    ]
    return Matched(num_d_images=budget, cells=cells, missing=tuple(missing))
