"""The formats of a table: Markdown that reads well as text, CSV with every run, LaTeX (booktabs)."""

import csv
import io
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from ganzoo.bench.table import Cell, Table
from ganzoo.bench.text_table import TextTable
from ganzoo.bench.text_tables import text_tables

WIDTH = 118
LATEX_CELL_WIDTH = 20
CSV_FIELDS = (
    "kind", "view", "row", "metric", "seed", "value", "standard_error", "trouble", "reason", "num_runs", "num_lost",
    "mean", "half_width", "deviation", "median", "lowest", "highest", "sampling_error", "test", "difference",
    "difference_half_width", "effect_size", "superiority", "p_value", "adjusted_p_value", "verdict",
)  # fmt: skip
TEX_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "↑": r"$\uparrow$",
    "↓": r"$\downarrow$", "<": "$<$", ">": "$>$", "->": r"$\rightarrow$", "|": r"\textbar{}", "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip


def markdown(table: Table) -> str:
    """Return all that a table says as Markdown, columns aligned."""
    return "\n".join(_markdown_table(own) for own in text_tables(table))


def markdown_summary(table: Table, names: Sequence[str] = ("Results",)) -> str:
    """Return some of the tables of text alone, the first without its title, as a README shows them.

    Args:
        table: of a grid.
        names: of `TABLES`.

    Raises:
        UserError: a name that is not in `TABLES`.
    """
    return "\n".join(_markdown_table(own, has_title=i > 0) for i, own in enumerate(text_tables(table, names)))


def _markdown_table(table: TextTable, *, has_title: bool = True) -> str:
    lines = [f"### {table.title}", ""] if has_title else []
    if table.header:
        cells = [[_escape_markdown(cell) for cell in row] for row in (table.header, *table.rows)]
        widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(table.header))]
        rule = [
            "-" * width if side == "l" else "-" * (width - 1) + ":"
            for width, side in zip(widths, table.alignments, strict=True)
        ]
        for row in [cells[0], rule, *cells[1:]]:
            padded = [
                cell.ljust(width) if side == "l" else cell.rjust(width)
                for cell, width, side in zip(row, widths, table.alignments, strict=True)
            ]
            lines.append(f"| {' | '.join(padded)} |")
        lines.append("")
    for note in table.notes:
        wrapped = textwrap.fill(
            _escape_markdown(note), WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
        lines.append(wrapped)
    return "\n".join([*lines, ""]) if table.notes else "\n".join(lines)


def _escape_markdown(text: str) -> str:
    # Names such as fd_x_64px keep their underscores: inside a word they mean nothing to Markdown.
    return re.sub(r"([|*<`])", r"\\\1", text)


def latex(table: Table) -> str:
    """Return all that a table says as LaTeX; long cells are broken, and a table that is still too wide is shrunk."""
    needs = r"% needs \usepackage{booktabs} and \usepackage{graphicx}"
    return "\n".join([needs, *(_latex_table(own) for own in text_tables(table))])


def _latex_table(table: TextTable) -> str:
    # The empty group keeps a note's "[1]" from being read as the item's label.
    notes = [f"  \\item {{}}{escape_latex(note)}" for note in table.notes]
    below = ["\\begin{itemize}\\footnotesize\\itemsep=0pt", *notes, "\\end{itemize}"] if notes else []
    if not table.header:
        return "\n".join([f"\\paragraph{{{escape_latex(table.title)}}}", *below, ""])
    head, *rows = [" & ".join(_latex_cell(cell) for cell in row) + r" \\" for row in (table.header, *table.rows)]
    lines = [
        r"\begin{table}",
        r"\centering\footnotesize",
        rf"\caption{{{escape_latex(table.title)}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{table.alignments}}}",
        r"\toprule",
        head,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}}",
        *below,
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def _latex_cell(text: str) -> str:
    """Return a cell, over several lines if it is long."""
    lines = textwrap.wrap(unbroken(text), LATEX_CELL_WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    escaped = r" \\ ".join(escape_latex(line) for line in lines)
    return escaped if len(lines) == 1 else rf"\begin{{tabular}}[t]{{@{{}}l@{{}}}}{escaped}\end{{tabular}}"


def escape_latex(text: str) -> str:
    """Return text as LaTeX shows it."""
    pattern = "|".join(re.escape(key) for key in sorted(TEX_ESCAPES, key=len, reverse=True))
    escaped = re.sub(pattern, lambda match: TEX_ESCAPES[match[0]], text)
    return re.sub(r"(?<![\w}])-(?=\d)", "$-$", escaped)


def unbroken(text: str) -> str:
    """Let a narrow column break a cell between words, not between a word or number and its sign."""
    return re.sub(r" (?=[±=↑↓]|to \d)|(?<=[±=]) ", "\N{NO-BREAK SPACE}", text)


def comma_separated(table: Table) -> str:
    """Return one line for every run of every cell, and one for every cell, unrounded; `kind` says which.

    Costs are a line for each row and quantity; published numbers come as the kind "reported".
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_FIELDS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in table.rows:
        writer.writerows(line for key, cell in row.cells.items() for line in _cell_lines("final", row.name, key, cell))
        for name, value in asdict(row.cost).items() if row.cost is not None else ():
            if isinstance(value, int | float):
                writer.writerow({"kind": "cost", "row": row.name, "metric": name, "value": value})
    if table.matched is not None:
        view = f"{table.matched.num_d_images} D images"
        for name, cells in table.matched.cells.items():
            writer.writerows(line for key, cell in cells.items() for line in _cell_lines(view, name, key, cell))
    for column in table.reported:
        for name, number in column.numbers.items():
            metric, reason = column.source.metric, f"{column.source.citation}: {column.source.protocol}"
            writer.writerow(
                {"kind": "reported", "row": name, "metric": metric, "value": number.value,
                 "standard_error": number.error, "reason": reason}
            )  # fmt: skip
    return buffer.getvalue()


def _cell_lines(view: str, row: str, metric: str, cell: Cell) -> Iterator[dict[str, object]]:
    head = {"view": view, "row": row, "metric": metric}
    for run in cell.runs:
        yield {**head, "kind": "run", **asdict(run), "value": run.measured}
    line = {**asdict(cell.summary), **head, "kind": "summary", "sampling_error": cell.sampling_error}
    if cell.comparison is not None:
        # Both a mean and a difference have an interval.
        line = {**asdict(cell.comparison), **line, "difference_half_width": cell.comparison.half_width}
    yield line


FORMATS: dict[str, Callable[[Table], str]] = {"md": markdown, "csv": comma_separated, "tex": latex}
"""By name; `html` is made by `ganzoo.report.table_fragment`."""
