"""The formats of a table: Markdown that reads well as text, CSV with every run, LaTeX (booktabs), an HTML fragment."""

import csv
import io
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence

from ganzoo.bench.analysis import Cell, Table
from ganzoo.bench.text_table import Sheet
from ganzoo.bench.text_tables import sheets

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
CsvLine = dict[str, str | int | float | None]


def markdown(table: Table) -> str:
    """Return all sheets as Markdown, columns aligned."""
    return "\n".join(_markdown_sheet(sheet) for sheet in sheets(table))


def markdown_summary(table: Table, names: Sequence[str] = ("Results",)) -> str:
    """Return some sheets alone, the first without its title: what stands in a README.

    Args:
        table: whose.
        names: of the sheets.

    Raises:
        UserError: a name that no sheet has.
    """
    return "\n".join(_markdown_sheet(sheet, has_title=i > 0) for i, sheet in enumerate(sheets(table, names)))


def _markdown_sheet(sheet: Sheet, *, has_title: bool = True) -> str:
    lines = [f"### {sheet.title}", ""] if has_title else []
    if sheet.header:
        cells = [[_escape_markdown(cell) for cell in row] for row in (sheet.header, *sheet.rows)]
        widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(sheet.header))]
        rule = [
            "-" * width if side == "l" else "-" * (width - 1) + ":"
            for width, side in zip(widths, sheet.alignments, strict=True)
        ]
        for row in [cells[0], rule, *cells[1:]]:
            padded = [
                cell.ljust(width) if side == "l" else cell.rjust(width)
                for cell, width, side in zip(row, widths, sheet.alignments, strict=True)
            ]
            lines.append(f"| {' | '.join(padded)} |")
        lines.append("")
    for note in sheet.notes:
        wrapped = textwrap.fill(
            _escape_markdown(note), WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
        lines.append(wrapped)
    return "\n".join([*lines, ""]) if sheet.notes else "\n".join(lines)


def _escape_markdown(text: str) -> str:
    # Names such as fd_x_64px keep their underscores: inside a word they mean nothing to Markdown.
    return re.sub(r"([|*<`])", r"\\\1", text)


def latex(table: Table) -> str:
    """Return all sheets as LaTeX tables; long cells are broken, and what is too wide even so is drawn smaller."""
    needs = r"% needs \usepackage{booktabs} and \usepackage{graphicx}"
    return "\n".join([needs, *(_latex_sheet(sheet) for sheet in sheets(table))])


def _latex_sheet(sheet: Sheet) -> str:
    # The empty group keeps a note's "[1]" from being read as the item's label.
    notes = [f"  \\item {{}}{escape_latex(note)}" for note in sheet.notes]
    below = ["\\begin{itemize}\\footnotesize\\itemsep=0pt", *notes, "\\end{itemize}"] if notes else []
    if not sheet.header:
        return "\n".join([f"\\paragraph{{{escape_latex(sheet.title)}}}", *below, ""])
    head, *rows = [" & ".join(_latex_cell(cell) for cell in row) + r" \\" for row in (sheet.header, *sheet.rows)]
    lines = [
        r"\begin{table}",
        r"\centering\footnotesize",
        rf"\caption{{{escape_latex(sheet.title)}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{sheet.alignments}}}",
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


HTML = """<div class="ganzoo-table">
<style>
.ganzoo-table { font: 14px/1.45 system-ui, sans-serif; color: #222; }
.ganzoo-table .wide { overflow-x: auto; }
.ganzoo-table table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.ganzoo-table caption, .ganzoo-table h3 { text-align: left; font-size: 17px; font-weight: 600; margin: 1.4em 0 .4em; }
.ganzoo-table caption { margin: 0; padding: 1.2em 0 .5em; white-space: nowrap; }
.ganzoo-table th, .ganzoo-table td { padding: .3em .7em; text-align: left; vertical-align: top; }
.ganzoo-table th:first-child { padding-left: 0; }
.ganzoo-table .r, .ganzoo-table thead th { white-space: nowrap; }
.ganzoo-table .r { text-align: right; }
.ganzoo-table thead th { border-top: 2px solid #222; border-bottom: 1px solid #222; font-weight: 600; }
.ganzoo-table tbody th { font-weight: 400; }
.ganzoo-table tbody tr:last-child > * { border-bottom: 2px solid #222; }
.ganzoo-table ul { margin: .6em 0; padding-left: 1.2em; font-size: 13px; color: #444; max-width: 70em; }
.ganzoo-table li { overflow-wrap: anywhere; }
</style>
{% for sheet in sheets %}
{% if sheet.header %}<div class="wide"><table>
<caption>{{ sheet.title }}</caption>
<thead><tr>{% for cell in sheet.header %}<th scope="col"{% if sheet.alignments[loop.index0] == "r" %} class="r"{% endif %}>{{ cell }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in sheet.rows %}<tr>{% for cell in row %}{% if loop.first %}<th scope="row">{{ cell }}</th>{% else %}<td{% if sheet.alignments[loop.index0] == "r" %} class="r"{% endif %}>{{ cell | unbroken }}</td>{% endif %}{% endfor %}</tr>
{% endfor %}</tbody>
</table></div>
{% else %}<h3>{{ sheet.title }}</h3>
{% endif %}{% if sheet.notes %}<ul>
{% for note in sheet.notes %}<li>{{ note }}</li>
{% endfor %}</ul>
{% endif %}{% endfor %}</div>
"""  # noqa: E501


def html(table: Table) -> str:
    """Return all sheets as one HTML fragment with its own style."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True)
    environment.filters["unbroken"] = unbroken
    return environment.from_string(HTML).render(sheets=sheets(table)) + "\n"


def unbroken(text: str) -> str:
    """Let a narrow column break a cell between words, not between a word or number and its sign."""
    return re.sub(r" (?=[±=↑↓]|to \d)|(?<=[±=]) ", "\N{NO-BREAK SPACE}", text)


def comma_separated(table: Table) -> str:
    """Return one line for every run of every cell, and one for every cell, unrounded; `kind` says which.

    Costs are a line for each row and quantity; published numbers come as the kind "reported".
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_FIELDS, lineterminator="\n")
    writer.writeheader()
    for row in table.rows:
        writer.writerows(line for key, cell in row.cells.items() for line in _cell_lines("final", row.name, key, cell))
        if row.cost is not None:
            c = row.cost
            quantities = {
                "num_steps": c.num_steps, "num_d_images": c.num_d_images, "seconds": c.seconds,
                "num_parameters_g": c.num_parameters_g, "num_parameters_d": c.num_parameters_d,
                "num_parameters_tasks": c.num_parameters_tasks, "peak_memory_bytes": c.peak_memory_bytes,
            }  # fmt: skip
            for name, value in quantities.items():
                writer.writerow({"kind": "cost", "row": row.name, "metric": name, "value": value})
    if table.matched is not None:
        for name, cells in table.matched.cells.items():
            for key, cell in cells.items():
                writer.writerows(_cell_lines(f"{table.matched.num_d_images} D images", name, key, cell))
    for column in table.reported:
        for name, number in column.numbers.items():
            metric, reason = column.source.metric, f"{column.source.citation}: {column.source.protocol}"
            writer.writerow(
                {"kind": "reported", "row": name, "metric": metric, "value": number.value,
                 "standard_error": number.error, "reason": reason}
            )  # fmt: skip
    return buffer.getvalue()


def _cell_lines(view: str, row: str, metric: str, cell: Cell) -> Iterator[CsvLine]:
    head: CsvLine = {"view": view, "row": row, "metric": metric}
    for run in cell.runs:
        yield {
            **head, "kind": "run", "seed": run.seed, "value": run.measured, "standard_error": run.standard_error,
            "trouble": run.trouble, "reason": run.reason,
        }  # fmt: skip
    s, c = cell.summary, cell.comparison
    line: CsvLine = {
        **head, "kind": "summary", "num_runs": s.num_runs, "num_lost": s.num_lost, "mean": s.mean,
        "half_width": s.half_width, "deviation": s.deviation, "median": s.median, "lowest": s.lowest,
        "highest": s.highest, "sampling_error": cell.sampling_error,
    }  # fmt: skip
    if c is not None:
        line |= {
            "test": c.test, "difference": c.difference, "difference_half_width": c.half_width,
            "effect_size": c.effect_size, "superiority": c.superiority, "p_value": c.p_value,
            "adjusted_p_value": c.adjusted_p_value, "verdict": c.verdict,
        }  # fmt: skip
    yield line


FORMATS: dict[str, Callable[[Table], str]] = {"md": markdown, "csv": comma_separated, "tex": latex, "html": html}


def format_names(names: Sequence[str] = tuple(FORMATS)) -> str:
    """Return the names of all formats as a sentence has them."""
    return f"{', '.join(names[:-1])} and {names[-1]}"
