"""The tables of text that a reader sees, in order, and those of them that say how the values came about."""

from collections.abc import Callable, Mapping, Sequence

from ganzoo.bench.number_format import significant, summary_text
from ganzoo.bench.result_tables import comparison_table, matched_table, result_table
from ganzoo.bench.statistics import MIN_SEEDS
from ganzoo.bench.table import Table
from ganzoo.bench.text_table import TextTable
from ganzoo.errors import UserError, nearest
from ganzoo.runs.folder import Json

CONDITIONS = "Conditions"
HASH_DIGITS = 12
ERROR_SOURCES = {
    "subsets": "Over subsets: they are drawn from the same images and overlap, so the error is too small.",
    "probe seeds": "Over probe seeds: the noise of the probe's training images alone, of one discriminator.",
}
"""What a reader should know of an error, by its source."""


def text_tables(table: Table, names: Sequence[str] = ()) -> list[TextTable]:
    """Return what a table says as tables of text, without empty ones.

    Args:
        table: of a grid.
        names: of `TABLES`, in the order wanted; all if none are given.

    Raises:
        UserError: a name that is not in `TABLES`.
    """
    for name in names:
        if name not in TABLES:
            hint = nearest(name, TABLES) or f"; there are {', '.join(TABLES)}"
            raise UserError(f"no table '{name}'{hint}")
    made = [TABLES[name](table) for name in names or TABLES]
    return [text_table for text_table in made if text_table.rows or text_table.notes]


def _reported_table(table: Table) -> TextTable:
    """Return published numbers, in a column for each source and protocol and never in a column of ours."""
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
    return TextTable("Reported by others", header, "l" * len(header), tuple(rows), tuple(notes))


def _task_table(table: Table) -> TextTable:
    """Return the accuracies of D in its pretext tasks at the end of training."""
    rows = []
    for row in table.rows:
        for accuracy in row.tasks:
            s = accuracy.summary
            lost = f"{s.num_lost} of {s.num_runs} lost" if s.num_lost else ""
            rows.append((row.label, accuracy.task, accuracy.what, summary_text(s, lost)))
    notes = ("Share of right answers during the last logged updates, of each task's own views, in training mode.",)
    return TextTable("Tasks", ("", "task", "on", "accuracy"), "llll", tuple(rows), notes if rows else ())


def _runs_table(table: Table) -> TextTable:
    """Return the number of every run."""
    seeds = sorted({seed for row in table.rows for seed in row.seeds})
    rows = []
    for row, column, cell in table.cells():
        texts = {run.seed: " ".join(filter(None, (significant(run.measured), run.trouble))) for run in cell.runs}
        rows.append((row.label, column.key, *(texts.get(seed, "") for seed in seeds)))
    header = ("", "metric", *(f"seed {seed}" for seed in seeds))
    return TextTable("Single runs", header, "l" * len(header), tuple(rows), ())


def _noise_table(table: Table) -> TextTable:
    """Return the noise of training and the noise of measuring, in columns of their own."""
    rows = []
    for row, column, cell in table.cells():
        # None gives an empty string.
        deviation, error = significant(cell.summary.deviation, 2), significant(cell.sampling_error, 2)
        if deviation or error:
            source = column.error_source if error else ""
            rows.append((row.label, column.key, str(cell.summary.num_runs), deviation, error, source))
    if not rows:
        return TextTable()
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
        return TextTable("Noise", header[:3] + header[4:], "llrrl", shorter, notes)
    notes = (
        "The first is the noise of training again, which intervals and tests are made of. The second is the noise of "
        "measuring one trained run (root mean square over runs); it is part of the first, and no measure of it.",
        *own,
    )
    return TextTable("Noise", header, "llrrrl", tuple(rows), notes)


def _cost_table(table: Table) -> TextTable:
    """Return the cost of one run of each row."""
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
    return TextTable("Cost", header, "lrrrrrrrl", tuple(rows), notes)


def _protocol_table(table: Table) -> TextTable:
    """Return how every column was measured: first the settings that all share, then the others of each column."""
    protocols = {column.key: {k: _setting(k, v) for k, v in column.protocol.items()} for column in table.columns}
    first = next(iter(protocols.values()), {})
    shared = {k: v for k, v in first.items() if all(p.get(k) == v for p in protocols.values())}
    notes = [f"All columns: {_listed(shared)}."] if shared and len(protocols) > 1 else []
    for key, protocol in protocols.items():
        own = {k: v for k, v in protocol.items() if len(protocols) == 1 or k not in shared}
        notes += [f"{key}: {_listed(own)}."] if own else []
    return TextTable("Protocols", (), "", (), tuple(notes))


def _setting(name: str, value: Json) -> str:
    text = str(value)
    return text[:HASH_DIGITS] if name.endswith("sha256") else text


def _listed(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in settings.items())


def _condition_table(table: Table) -> TextTable:
    return TextTable(CONDITIONS, (), "", (), tuple(line.strip() for line in table.proof))


TABLES: dict[str, Callable[[Table], TextTable]] = {
    "Results": result_table,
    "Reported": _reported_table,
    "Matched": matched_table,
    "Against": comparison_table,
    "Tasks": _task_table,
    "Runs": _runs_table,
    "Noise": _noise_table,
    "Cost": _cost_table,
    "Protocols": _protocol_table,
    CONDITIONS: _condition_table,
}
"""What a table can say, in order: what was found, how it was compared, what it cost, under which conditions."""
