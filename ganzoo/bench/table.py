"""The table of a grid, typed and unrounded: columns with their protocol, rows, and cells with all their runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ganzoo.bench.columns import Column
from ganzoo.bench.conditions import Mismatch
from ganzoo.bench.cost import Cost
from ganzoo.bench.published import ReportedColumn
from ganzoo.bench.statistics import Comparison, Summary, Value
from ganzoo.bench.task_accuracy import TaskAccuracy

Trouble = Literal["", "failed", "collapsed", "without a value"]


@dataclass(frozen=True, kw_only=True)
class RunValue:
    """One run in a cell.

    Args:
        seed: of the run.
        measured: its number; None if there is none.
        standard_error: of measuring it, over the `error_source` of the column; None where there is none.
        trouble: why the run counts as worse than every value; empty if it does not.
        reason: the same as a sentence.
    """

    seed: int
    measured: float | None
    standard_error: float | None
    trouble: Trouble
    reason: str

    @property
    def value(self) -> Value:
        """The number as statistics take it: None for a run in trouble."""
        return None if self.trouble else self.measured


@dataclass(frozen=True, kw_only=True)
class Cell:
    """All runs of a row under a column.

    Args:
        runs: by seed.
        summary: of them.
        comparison: with the baseline; None for the baseline itself, or where there are fewer than five seeds.
        sampling_error: root mean square of the runs' standard errors; None where there are none.
        is_marked: whether runs of the cell were made or measured under other conditions than the rest.
    """

    runs: tuple[RunValue, ...]
    summary: Summary
    comparison: Comparison | None
    sampling_error: float | None
    is_marked: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the grid.

    Args:
        name: of the row.
        label: what it is called.
        seeds: that have a record.
        cells: by key of the column; a metric without a run has none.
        cost: None without a run.
        tasks: the accuracies of D in its pretext tasks at the end of training.
        troubles: runs that failed or collapsed, as sentences.
    """

    name: str
    label: str
    seeds: tuple[int, ...]
    cells: Mapping[str, Cell]
    cost: Cost | None
    tasks: tuple[TaskAccuracy, ...]
    troubles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Matched:
    """The same runs at an equal number of images seen by D.

    Args:
        num_d_images: that number.
        cells: by row and key of the column.
        missing: cells that stay blank because a curve is missing: label of the row and key.
    """

    num_d_images: int
    cells: Mapping[str, Mapping[str, Cell]]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The table of a grid.

    Args:
        grid: its name.
        title: of the grid.
        baseline: name of the row that the others are compared with.
        columns: in order.
        rows: in order, also those without a run.
        planned_seeds: of every row.
        total_seconds: of all runs, failed ones included.
        proof: lines that say in which parameters the rows differ.
        mismatches: conditions that differ between runs, if mixed runs are allowed.
        reported: published numbers.
        matched: the compute-matched view; None if it was not asked for.
    """

    grid: str
    title: str
    baseline: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    planned_seeds: tuple[int, ...]
    total_seconds: float
    proof: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]
    reported: tuple[ReportedColumn, ...]
    matched: Matched | None

    def cells(self) -> Iterator[tuple[Row, Column, Cell]]:
        """Yield every cell that is not blank, row by row."""
        for row in self.rows:
            yield from ((row, column, row.cells[column.key]) for column in self.columns if column.key in row.cells)
