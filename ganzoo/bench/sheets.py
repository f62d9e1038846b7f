"""What a reader sees of a table: sheets of text with notes below them, the same in every format.

Nothing is bold. A verdict in words stands where a test was made, and the best of several numbers that nobody could tell
apart is no finding.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ganzoo.bench.columns import Column
from ganzoo.bench.numbers import fixed, p_text, significant, summary_text
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
from ganzoo.errors import UserError, nearest
from ganzoo.run_folder import Json

BASELINE, CONDITIONS = "baseline", "Conditions"
SHORT_VERDICTS = {BETTER: "better", WORSE: "worse", NOT_DISTINGUISHABLE: "n.d."}
MARK = "*"
PERCENT = f"{CONFIDENCE * 100:.0f} %"
HASH_DIGITS = 12
ERROR_SOURCES = {
    "subsets": "Over subsets: they are drawn from the same images and overlap, so the error is too small.",
    "probe seeds": "Over probe seeds: the noise of the probe's training images alone, of one discriminator.",
}
"""What to know of an error, by what it is over."""


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Args:
        title: a line above it.
        header: one heading for each column; empty if there are only notes.
        alignments: "l" or "r" for each column.
        rows: the cells; empty where there is nothing to say.
        notes: sentences below it.
    """

    title: str
    header: tuple[str, ...]
    alignments: str
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def sheets(table: Table, names: Sequence[str] = ()) -> list[Sheet]:
    """Return sheets of a table, without those that are empty.

    Args:
        table: whose.
        names: of `SHEETS`, in the order wanted; all if none are given.

    Raises:
        UserError: a name that no sheet has.
    """
    for name in names:
        if name not in SHEETS:
            hint = nearest(name, SHEETS) or f"; there are {', '.join(SHEETS)}"
            raise UserError(f"no sheet '{name}' of a table{hint}")
    found = [SHEETS[name](table) for name in names or SHEETS]
    return [sheet for sheet in found if sheet.rows or sheet.notes]


def _main_sheet(table: Table) -> Sheet:
    """Return the sheet that answers the question of the grid."""
    rows = [(_label(table, row), *(_cell_text(row.cells.get(c.key), c) for c in table.columns)) for row in table.rows]
    notes = [*_legend(table, {row.name: row.cells for row in table.rows}), *_run_notes(table)]
    header = ("", *(_heading(column) for column in table.columns))
    return Sheet(table.title, header, "l" * len(header), tuple(rows), tuple(notes))


def _reported_sheet(table: Table) -> Sheet:
    """Return published numbers, a column for each source and protocol: never in one with ours."""
    header = ("", *(f"reported {c.source.metric} [{i}]" for i, c in enumerate(table.reported, start=1)))
    rows, notes = [], []
    for row in table.rows:
        numbers = [column.numbers.get(row.name) for column in table.reported]
        texts = ["" if n is None else n.text for n in numbers]
        rows += [(row.label, *texts)] if any(texts) else []
    for i, column in enumerate(table.reported, start=1):
        memory = " (from memory)" if column.source.from_memory else ""
        notes.append(f"[{i}] {column.source.citation}{memory}: {column.source.protocol}.")
    if rows:
        notes.append("Measured by others in their own ways; not comparable with the numbers above, nor across columns.")
    return Sheet("Reported by others", header, "l" * len(header), tuple(rows), tuple(notes))


def _heading(column: Column) -> str:
    return f"{column.key} {'↑' if column.higher_is_better else '↓'}"


def _label(table: Table, row: Row) -> str:
    return f"{row.label} ({BASELINE})" if row.name == table.baseline and row.label.lower() != BASELINE else row.label


def _cell_text(cell: Cell | None, column: Column) -> str:
    if cell is None:
        return ""
    text = summary_text(cell.summary, _lost_text(cell))
    if cell.comparison is not None:
        text += f", {SHORT_VERDICTS[cell.comparison.verdict]}"
    return text + (f" {MARK}" if cell.is_marked else "")


def _lost_text(cell: Cell) -> str:
    """Return how many runs have no sound value, as in "1 of 5 failed"; why each is lost stands below the sheet."""
    troubles = {run.trouble for run in cell.runs if run.trouble}
    word = troubles.pop() if len(troubles) == 1 else "lost"
    return f"{cell.summary.num_lost} of {cell.summary.num_runs} {word}" if cell.summary.num_lost else ""


def _legend(table: Table, cells: Mapping[str, Mapping[str, Cell]]) -> list[str]:
    """Return what the numbers of a sheet are, as far as it has them."""
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
    """Return which runs are missing or in trouble, and what the mark means."""
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


def _matched_sheet(table: Table) -> Sheet:
    """Return the metrics at an equal number of D images."""
    if table.matched is None:
        return Sheet("", (), "", (), ())
    matched = table.matched
    header = ("", *(_heading(column) for column in table.columns))
    rows = [
        (_label(table, row), *(_cell_text(matched.cells[row.name].get(c.key), c) for c in table.columns))
        for row in table.rows
    ]
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
    return Sheet(title, header, "l" * len(header), tuple(rows), tuple(notes))


def _comparison_sheet(table: Table) -> Sheet:
    """Return every test that was made."""
    rows = []
    for row in table.rows:
        for column in table.columns:
            cell = row.cells.get(column.key)
            if cell is None or cell.comparison is None:
                continue
            c = cell.comparison
            difference = ""
            if c.difference is not None and c.half_width is not None:
                difference = f"{fixed(c.difference, c.half_width, sign=True)} ± {fixed(c.half_width, c.half_width)}"
            effect = f"g = {c.effect_size:+.2f}" if c.effect_size is not None else ""
            effect = f"wins {c.superiority * 100:.0f} %" if c.superiority is not None else effect
            p_values = (p_text(c.p_value), p_text(c.adjusted_p_value))
            rows.append((row.label, column.key, difference, effect, c.test, *p_values, c.verdict))
    if not rows:
        return Sheet("", (), "", (), ())
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
    return Sheet(f"Against {baseline}", header, "lllllrrl", tuple(rows), tuple(notes))


def _task_sheet(table: Table) -> Sheet:
    """Return what D knew of the pretext tasks in the end."""
    rows = []
    for row in table.rows:
        for accuracy in row.tasks:
            lost = (
                f"{accuracy.summary.num_lost} of {accuracy.summary.num_runs} lost" if accuracy.summary.num_lost else ""
            )
            rows.append((row.label, accuracy.task, accuracy.what, summary_text(accuracy.summary, lost)))
    notes = ("Share of right answers during the last logged updates, of each task's own views, in training mode.",)
    return Sheet("Tasks", ("", "task", "on", "accuracy"), "llll", tuple(rows), notes if rows else ())


def _runs_sheet(table: Table) -> Sheet:
    """Return the number of every run."""
    seeds = sorted({seed for row in table.rows for seed in row.seeds})
    rows = []
    for row in table.rows:
        for column in table.columns:
            cell = row.cells.get(column.key)
            if cell is None:
                continue
            texts = {run.seed: " ".join(filter(None, (significant(run.measured), run.trouble))) for run in cell.runs}
            rows.append((row.label, column.key, *(texts.get(seed, "") for seed in seeds)))
    header = ("", "metric", *(f"seed {seed}" for seed in seeds))
    return Sheet("Single runs", header, "l" * len(header), tuple(rows), ())


def _noise_sheet(table: Table) -> Sheet:
    """Return the two kinds of noise apart."""
    rows = []
    for row in table.rows:
        for column in table.columns:
            cell = row.cells.get(column.key)
            if cell is None or (cell.summary.deviation is None and cell.sampling_error is None):
                continue
            deviation = significant(cell.summary.deviation, 2) if cell.summary.deviation is not None else ""
            error = significant(cell.sampling_error, 2) if cell.sampling_error is not None else ""
            source = column.error_source if error else ""
            rows.append((row.label, column.key, str(cell.summary.num_runs), deviation, error, source))
    if not rows:
        return Sheet("", (), "", (), ())
    header = ("", "metric", "runs", "deviation over seeds", "error of one run", "error over")
    own = [ERROR_SOURCES[source] for source in dict.fromkeys(row[5] for row in rows) if source in ERROR_SOURCES]
    if all(row[3] == "" for row in rows):
        notes = (
            f"The noise of training again takes {MIN_SEEDS} sound runs of a row, and no row has them. What stands here "
            "is the noise of measuring one trained run (root mean square over runs): part of the first, and no "
            "measure of it.",
            *own,
        )
        shorter = tuple(row[:3] + row[4:] for row in rows)
        return Sheet("Noise", header[:3] + header[4:], "llrrl", shorter, notes)
    notes = (
        "The first is the noise of training again, which intervals and tests are made of. The second is the noise of "
        "measuring one trained run (root mean square over runs); it is part of the first, and no measure of it.",
        *own,
    )
    return Sheet("Noise", header, "llrrrl", tuple(rows), notes)


def _cost_sheet(table: Table) -> Sheet:
    """Return what one run of each row takes."""
    rows = []
    for row in table.rows:
        if row.cost is None:
            continue
        c = row.cost
        threads = " or ".join(str(num) for num in c.num_threads)
        place = f"{' or '.join(c.devices)}, {threads} thread{'s' if threads != '1' else ''}"
        parameters = (f"{num:,}" for num in (c.num_parameters_g, c.num_parameters_d, c.num_parameters_tasks))
        memory = f"{c.peak_memory_bytes / 2**20:,.0f}"
        rows.append(
            (row.label, f"{c.num_steps:,}", f"{c.num_d_images:,}", f"{c.seconds:,.0f}", *parameters, memory, place)
        )
    header = ("", "G steps", "D images", "seconds", "G parameters", "D", "tasks", "peak MiB", "on")
    notes = (
        "Of one run. D images are all that D saw, with views of pretext tasks and images of penalties; of a gradient "
        "penalty, whose backward pass is double, each counts as one.",
        "Seconds of training are a median over runs and depend on what else the machine did, so compare D images; in "
        "records of earlier versions evaluations on the way are in them. All runs together, failed ones included: "
        f"{table.total_seconds / 3600:.1f} hours.",
    )
    return Sheet("Cost", header, "lrrrrrrrl", tuple(rows), notes)


def _protocol_sheet(table: Table) -> Sheet:
    """Return how every column was measured: first what all share, then the rest of each."""
    protocols = {column.key: {k: _setting(k, v) for k, v in column.protocol.items()} for column in table.columns}
    first = next(iter(protocols.values()), {})
    shared = {k: v for k, v in first.items() if all(p.get(k) == v for p in protocols.values())}
    notes = [f"All columns: {_listed(shared)}."] if shared and len(protocols) > 1 else []
    for key, protocol in protocols.items():
        own = {k: v for k, v in protocol.items() if len(protocols) == 1 or k not in shared}
        notes += [f"{key}: {_listed(own)}."] if own else []
    return Sheet("Protocols", (), "", (), tuple(notes))


def _setting(name: str, value: Json) -> str:
    text = str(value)
    return text[:HASH_DIGITS] if name.endswith("sha256") else text


def _listed(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in settings.items())


def _condition_sheet(table: Table) -> Sheet:
    return Sheet(CONDITIONS, (), "", (), tuple(line.strip() for line in table.proof))


SHEETS: dict[str, Callable[[Table], Sheet]] = {
    "Results": _main_sheet,
    "Reported": _reported_sheet,
    "Matched": _matched_sheet,
    "Against": _comparison_sheet,
    "Tasks": _task_sheet,
    "Runs": _runs_sheet,
    "Noise": _noise_sheet,
    "Cost": _cost_sheet,
    "Protocols": _protocol_sheet,
    CONDITIONS: _condition_sheet,
}
"""What a table can say, in order: what was found, how it was compared, what it cost, under which conditions."""
