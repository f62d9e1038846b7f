"""The tables of what was found: values, values at an equal number of D images, and comparisons with the baseline.

Nothing is bold: the best of several numbers that no test can tell apart is no finding. Where a test was made, its
verdict stands in words.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from ganzoo.bench.number_format import fixed, p_text, summary_text
from ganzoo.bench.statistics import (
    ALPHA,
    BETTER,
    CONFIDENCE,
    MIN_SEEDS,
    NOT_DISTINGUISHABLE,
    PAIRED_T,
    RANK_SUM,
    WORSE,
)
from ganzoo.bench.table import Cell, Row, Table
from ganzoo.bench.text_table import TextTable

BASELINE = "baseline"
SHORT_VERDICTS = {BETTER: "better", WORSE: "worse", NOT_DISTINGUISHABLE: "n.d."}
MARK = "*"
PERCENT = f"{CONFIDENCE * 100:.0f} %"


def result_table(table: Table) -> TextTable:
    """Return the table that answers the question of the grid."""
    cells = {row.name: row.cells for row in table.rows}
    return _value_table(table, cells, title=table.title, notes=[*_legend(table, cells), *_run_notes(table)])


def matched_table(table: Table) -> TextTable:
    """Return the metrics at an equal number of D images."""
    if table.matched is None:
        return TextTable()
    matched = table.matched
    notes = [
        f"What each run had reached when D had seen {matched.num_d_images:,} images, the most that all finished runs "
        "share; interpolated linearly between evaluations during training, one evaluation each. A learning rate that "
        "decays is then at different points of its schedule.",
        *_legend(table, matched.cells)[1:],
    ]
    if any(cell.summary.num_lost for own in matched.cells.values() for cell in own.values()):
        notes.append("A run that failed or collapsed later is lost here too.")
    labels: dict[str, list[str]] = {}
    for label, key in matched.missing:
        labels.setdefault(label, []).append(key)
    notes += [f"{label}: not evaluated on both sides of that point: {', '.join(k)}." for label, k in labels.items()]
    title = f"At an equal number of D images: {matched.num_d_images:,}"
    return _value_table(table, matched.cells, title=title, notes=notes)


def _value_table(
    table: Table, cells: Mapping[str, Mapping[str, Cell]], *, title: str, notes: Sequence[str]
) -> TextTable:
    """Return a table of a line for each row and a column for each metric."""
    header = ("", *(f"{column.key} {'↑' if column.higher_is_better else '↓'}" for column in table.columns))
    rows = [
        (_label(table, row), *(_cell_text(cells[row.name].get(column.key)) for column in table.columns))
        for row in table.rows
    ]
    return TextTable(title, header, "l" * len(header), tuple(rows), tuple(notes))


def comparison_table(table: Table) -> TextTable:
    """Return every test that was made."""
    rows = []
    compared = [(row, column, cell.comparison) for row, column, cell in table.cells() if cell.comparison is not None]
    for row, column, c in compared:
        difference = ""
        if c.difference is not None and c.half_width is not None:
            difference = f"{fixed(c.difference, c.half_width, sign=True)} ± {fixed(c.half_width, c.half_width)}"
        effect = f"g = {c.effect_size:+.2f}" if c.effect_size is not None else ""
        effect = f"wins {c.superiority * 100:.0f} %" if c.superiority is not None else effect
        p_values = (p_text(c.p_value), p_text(c.adjusted_p_value))
        rows.append((row.label, column.key, difference, effect, c.test, *p_values, c.verdict))
    if not rows:
        return TextTable()
    baseline = next(row.label for row in table.rows if row.name == table.baseline)
    notes = [
        f"Difference: mean over seeds of the row minus {baseline}, ± the half-width of its {PERCENT} Student t "
        "interval, which is not widened for several rows.",
        "g: mean of the paired differences over their standard deviation, with Hedges' correction for few pairs; above "
        "0 where the row is better.",
    ]
    if any(row[4] == RANK_SUM for row in rows):
        notes.append(
            "wins: share of all pairs of one run of the row and one of the baseline in which the row's is better; the "
            "rank-sum test is exact up to 8 seeds, and counts lost runs as worst."
        )
    header = ("", "metric", "difference", "effect", "test", "p", "p (Holm)", "verdict")
    return TextTable(f"Against {baseline}", header, "lllllrrl", tuple(rows), tuple(notes))


def _label(table: Table, row: Row) -> str:
    return f"{row.label} ({BASELINE})" if row.name == table.baseline and row.label.lower() != BASELINE else row.label


def _cell_text(cell: Cell | None) -> str:
    if cell is None:
        return ""
    text = summary_text(cell.summary, _lost_text(cell))
    if cell.comparison is not None:
        text += f", {SHORT_VERDICTS[cell.comparison.verdict]}"
    return text + (f" {MARK}" if cell.is_marked else "")


def _lost_text(cell: Cell) -> str:
    """Return how many runs have no sound value, as in "1 of 5 failed"; the notes say why each is lost."""
    troubles = {run.trouble for run in cell.runs if run.trouble}
    word = troubles.pop() if len(troubles) == 1 else "lost"
    return f"{cell.summary.num_lost} of {cell.summary.num_runs} {word}" if cell.summary.num_lost else ""


def _legend(table: Table, cells: Mapping[str, Mapping[str, Cell]]) -> list[str]:
    """Return notes that explain the kinds of numbers that a table has."""
    there = [cell for own in cells.values() for cell in own.values()]
    notes = []
    nums = sorted({cell.summary.num_runs for cell in there})
    if nums:
        seeds = f"{nums[0]}" if len(nums) == 1 else f"{nums[0]} to {nums[-1]}"
        arrows = "↓: lower is better. ↑: higher is better." if table.columns else ""
        notes.append(f"Last checkpoints of runs with {seeds} training seed{'s' if seeds != '1' else ''}. {arrows}")
    if any(cell.summary.mean is not None for cell in there):
        notes.append(f"±: half-width of the {PERCENT} Student t interval of the mean over training seeds.")
    if any(cell.summary.num_runs < MIN_SEEDS for cell in there):
        notes.append(f"With fewer than {MIN_SEEDS} seeds there are values, or their range, and no test.")
    baseline = next(row.label for row in table.rows if row.name == table.baseline)
    compared = [cell.comparison for cell in there if cell.comparison is not None]
    tests = {comparison.test for comparison in compared}
    if compared:
        compared_of = Counter(key for own in cells.values() for key, cell in own.items() if cell.comparison is not None)
        num_rows = max(compared_of.values())
        correction = f", Holm's correction for the {num_rows} rows of each column" if num_rows > 1 else ""
        correction += " (several columns are several chances)" if len(compared_of) > 1 else ""
        names = " or ".join(f"{test} test" for test in (PAIRED_T, RANK_SUM) if test in tests)
        notes.append(
            f"better, worse, n.d. (not distinguishable): than {baseline}; {names}{correction}, level {ALPHA:.2g}."
        )
    if any(cell.summary.num_lost for cell in there):
        notes.append(
            "A run is lost if it failed, collapsed or has no value. It counts as worse than all others; its row has a "
            "median in place of a mean."
        )
    return notes


def _run_notes(table: Table) -> list[str]:
    """Return notes on missing runs, on runs in trouble, and on the mark."""
    notes = []
    missing = {row.name: [str(seed) for seed in table.planned_seeds if seed not in row.seeds] for row in table.rows}
    first = missing[table.baseline]
    is_shared = len(table.rows) > 1 and all(seeds == first for seeds in missing.values())
    if is_shared and first:
        notes.append(f"All rows: no run yet with seed {', '.join(first)}.")
    for row in table.rows:
        if missing[row.name] and not is_shared:
            notes.append(f"{row.label}: no run yet with seed {', '.join(missing[row.name])}.")
        notes += [f"{trouble}." for trouble in row.troubles]
    if table.mismatches:
        notes.append(f"{MARK}: made or measured under other conditions than the rest; not comparable.")
        notes += [f"Not alike: {mismatch}." for mismatch in table.mismatches]
    return notes
