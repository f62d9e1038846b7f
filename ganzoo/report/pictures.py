"""Pictures as addresses that a page can hold. They are separate images, so that no style of the page changes them."""

import base64
import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.bench.columns import Column
from ganzoo.bench.record import RunRecord
from ganzoo.bench.statistics import MIN_SEEDS
from ganzoo.bench.table import Row, Table
from ganzoo.diagnostics.panels import STYLES, Panel
from ganzoo.diagnostics.plots import EDGE, draw_panel, finish, show_whole_numbers
from ganzoo.diagnostics.row_keys import Rows, is_logged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 3.6  # inches: about what a phone shows, so that text keeps its size there
LABEL_CHARACTERS = 18  # in a line
MAX_POINTS = 300  # of a curve; more cannot be told apart at this size
MAX_PNG_BYTES = 60_000
WEBP_QUALITY = 85
ROW_COLORS = ("#555555", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3b08")
ROW_MARKS = (("o", "D"), ("s", "P"), ("^", "*"), ("v", "X"))  # of a run and of a mean; others for every eight rows
HEIGHT = 3.2  # inches, with a legend of so many lines
LEGEND_LINES = 4
LINE_HEIGHT = 0.19  # inches


def data_uri(content: bytes, kind: str) -> str:
    """Return a file as an address that holds it, such as `data:image/png;base64,...`."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def image_uri(path: Path) -> str:
    """Return a PNG as an address; a large one is compressed as WebP, with loss."""
    content = path.read_bytes()
    if len(content) <= MAX_PNG_BYTES:
        return data_uri(content, "png")
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(buffer, "WEBP", quality=WEBP_QUALITY)
    return data_uri(buffer.getvalue(), "webp")


def panel_picture(panel: Panel, rows: Rows, *, last_step: int) -> str:
    """Return the curves of one panel of a run."""
    figure, axes = _new_figure(3.0)
    draw_panel(axes, panel, _thinned(rows), last_step=last_step)
    return _svg(figure)


def points_picture(table: Table, column: Column) -> str:
    """Return the value of every run in a column, with a line of points for each row; a cross is a run in trouble.

    The name of the axis counts the runs without a number, such as those that failed.
    """
    rows = [row for row in table.rows if column.key in row.cells]
    figure, axes = _new_figure(1.0 + 0.42 * len(rows))
    for place, row in enumerate(rows):
        color = ROW_COLORS[table.rows.index(row) % len(ROW_COLORS)]
        for run in row.cells[column.key].runs:
            if run.measured is not None:
                style = {"marker": "x"} if run.trouble else {"marker": "o", "alpha": 0.75}
                axes.plot([run.measured], [place], color=color, markersize=6, **style)
        mean = row.cells[column.key].summary.mean
        if mean is not None:
            axes.plot([mean, mean], [place - 0.3, place + 0.3], color=color, linewidth=1.6)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    has_means = any(row.cells[column.key].summary.mean is not None for row in rows)
    runs = [run for row in rows for run in row.cells[column.key].runs]
    num_missing = sum(run.measured is None for run in runs)
    words = [f"{'higher' if column.higher_is_better else 'lower'} is better"]
    words += ["a bar is a mean"] if has_means else []
    if num_missing:
        words.append(f"{num_missing} of {len(runs)} runs {'has' if num_missing == 1 else 'have'} no number")
    # Long labels leave little room; the heading of the section says more.
    finish(axes, title=f"{column.key}: runs", x="; ".join(words))
    return _svg(figure)


def curves_picture(
    table: Table, records: Mapping[str, Sequence[RunRecord]], key: str, *, title: str, is_share: bool = False
) -> str | None:
    """Return a curve over generator updates, or None without data.

    A row of five runs or more is drawn as their mean, with their range as a band. If there are fewer runs, or one
    failed, every run is a line: a mean of the runs that are left would depend on luck.

    Args:
        table: of the grid.
        records: the runs of every row.
        key: of the curve.
        title: stands above it.
        is_share: whether the axis runs from 0 to 1.
    """
    figure, axes = _new_figure(_height(table))
    drawn: dict[str, None] = {}
    curves = {
        row.name: [dict(record.curves[key]) for record in records[row.name] if key in record.curves]
        for row in table.rows
    }
    if all(len(run) < 2 for runs in curves.values() for run in runs):
        return None
    for place, row in enumerate(table.rows):
        runs = curves[row.name]
        color = ROW_COLORS[place % len(ROW_COLORS)]
        # Rows may be equal, such as those of D at its first weights: dashes let the one below show.
        style = STYLES[(place + place // len(ROW_COLORS)) % len(STYLES)]
        steps = sorted(set.intersection(*map(set, runs))) if runs else []
        num_finished = sum(record.status == "finished" for record in records[row.name])
        if min(len(runs), num_finished) < max(MIN_SEEDS, len(records[row.name])) or len(steps) < 2:
            for number, run in enumerate(runs):
                label = _label(row) if number == 0 else None
                # A run that ended after its first point is a dot.
                mark = "." if len(run) == 1 else ""
                axes.plot(
                    sorted(run), [run[s] for s in sorted(run)], style, marker=mark, color=color, linewidth=1.3,
                    label=label,
                )  # fmt: skip
            drawn |= {"every run": None} if runs else {}
            continue
        values = [[run[step] for run in runs] for step in steps]
        axes.plot(steps, [sum(v) / len(v) for v in values], style, color=color, linewidth=1.6, label=_label(row))
        low, high = [min(v) for v in values], [max(v) for v in values]
        axes.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0)
        drawn["mean and range of runs"] = None
    if is_share:
        axes.set_ylim(-EDGE, 1 + EDGE)
    show_whole_numbers(axes)
    finish(axes, title=title, x=f"generator updates; {', or '.join(drawn)}")
    return _svg(figure)


def cost_picture(table: Table, column: Column) -> str | None:
    """Return the values of every row against the number of images that its D saw; None without sound runs.

    Points are runs; a large mark is their mean, where the table has one.
    """
    figure, axes = _new_figure(_height(table))
    has_means = False
    for place, row in enumerate(table.rows):
        if row.cost is None or column.key not in row.cells:
            continue
        cell = row.cells[column.key]
        values = [run.value for run in cell.runs if run.value is not None]
        if values:
            color, cost, mean = ROW_COLORS[place % len(ROW_COLORS)], row.cost.num_d_images, cell.summary.mean
            label = _label(row) if mean is None else None
            small, large = ROW_MARKS[place // len(ROW_COLORS) % len(ROW_MARKS)]
            axes.plot([cost] * len(values), values, small, color=color, alpha=0.6, markersize=5, label=label)
            if mean is not None:
                has_means = True
                axes.plot([cost], [mean], large, color=color, markersize=7, label=_label(row))
    if not axes.lines:
        return None
    axes.set_xlim(left=0)
    show_whole_numbers(axes)
    means = "; large marks are means" if has_means else ""
    finish(axes, title=f"{column.key} against cost", x=f"images seen by D; points are runs{means}")
    return _svg(figure)


def _label(row: Row) -> str:
    return textwrap.fill(row.label, LABEL_CHARACTERS)


def _height(table: Table) -> float:
    """Return the height of a picture whose legend shows all rows in two columns, so that the curves keep their room."""
    num_lines = sum(len(_label(row).splitlines()) for row in table.rows)
    return HEIGHT + LINE_HEIGHT * max(0, -(-num_lines // 2) - LEGEND_LINES)


def _new_figure(height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: "Figure") -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return data_uri(buffer.getvalue(), "svg+xml")


def _thinned(rows: Rows) -> Rows:
    """Return at most 300 logged rows, evenly spaced and with the last one, and all rows of samples and evaluations."""
    logged = [i for i, row in enumerate(rows) if is_logged(row)]
    every = -(-len(logged) // MAX_POINTS) or 1
    dropped = {i for place, i in enumerate(reversed(logged)) if place % every}
    return [row for i, row in enumerate(rows) if i not in dropped]
