"""Pictures as text that a page can hold. They are images of their own, so that no style of the page touches them."""

import base64
import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.bench.columns import Column
from ganzoo.bench.record import RunRecord
from ganzoo.bench.table import Table
from ganzoo.panels import Panel
from ganzoo.plots import draw_panel, finish, show_whole_numbers
from ganzoo.run_folder import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 3.6  # inches: about what a phone shows, so that text keeps its size there
LABEL_CHARACTERS = 18  # of a line
MAX_POINTS = 300  # of a curve; more cannot be told apart at this size
MAX_PNG_BYTES = 60_000
WEBP_QUALITY = 85
ROW_COLORS = ("#555555", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3b08")


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


def panel_picture(panel: Panel, rows: Sequence[Mapping[str, Json]], *, last_step: int) -> str:
    """Return the curves of one panel of a run."""
    figure, axes = _new_figure(3.0)
    draw_panel(axes, panel, _thinned(rows), last_step=last_step)
    return _svg(figure)


def points_picture(table: Table, column: Column) -> str:
    """Return the value of every run under a column, a line of points for each row; a cross is a run in trouble."""
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
    axes.set_yticks(range(len(rows)), [textwrap.fill(row.label, LABEL_CHARACTERS) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    has_means = any(row.cells[column.key].summary.mean is not None for row in rows)
    better = "higher" if column.higher_is_better else "lower"
    finish(axes, title=f"{column.key}: every run", x=f"{better} is better{'; a bar is a mean' if has_means else ''}")
    return _svg(figure)


def curves_picture(table: Table, records: Mapping[str, Sequence[RunRecord]], key: str, *, title: str) -> str | None:
    """Return a curve over generator updates: the mean over runs, with their range as a band; None without data.

    Args:
        table: of the grid.
        records: the runs of every row.
        key: of the curve.
        title: stands above it.
    """
    figure, axes = _new_figure(3.2)
    for place, row in enumerate(table.rows):
        runs = [dict(record.curves[key]) for record in records[row.name] if key in record.curves]
        steps = sorted(set.intersection(*(set(run) for run in runs))) if runs else []
        if len(steps) < 2:
            continue
        color, values = ROW_COLORS[place % len(ROW_COLORS)], [[run[step] for run in runs] for step in steps]
        axes.plot(steps, [sum(v) / len(v) for v in values], color=color, linewidth=1.6, label=row.label)
        low, high = [min(v) for v in values], [max(v) for v in values]
        axes.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0)
    if not axes.lines:
        return None
    show_whole_numbers(axes)
    finish(axes, title=title, x="generator updates; mean and range of runs")
    return _svg(figure)


def cost_picture(table: Table, column: Column) -> str | None:
    """Return the quality of every row against the images that its D saw; None without sound runs."""
    figure, axes = _new_figure(3.2)
    for place, row in enumerate(table.rows):
        if row.cost is None or column.key not in row.cells:
            continue
        values = [run.value for run in row.cells[column.key].runs if run.value is not None]
        if values:
            color, cost = ROW_COLORS[place % len(ROW_COLORS)], row.cost.num_d_images
            axes.plot([cost] * len(values), values, "o", color=color, alpha=0.35, markersize=5)
            axes.plot([cost], [sum(values) / len(values)], "D", color=color, markersize=7, label=row.label)
    if not axes.lines:
        return None
    axes.set_xlim(left=0)
    show_whole_numbers(axes)
    finish(axes, title=f"{column.key} against cost", x="images seen by D; points are runs, diamonds their means")
    return _svg(figure)


def _new_figure(height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: "Figure") -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return data_uri(buffer.getvalue(), "svg+xml")


def _thinned(rows: Sequence[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
    """Return at most so many logged rows, evenly spaced, the last among them, and all rows of another kind."""
    logged = [i for i, row in enumerate(rows) if "learning_rate" in row]
    every = -(-len(logged) // MAX_POINTS) or 1
    dropped = {i for place, i in enumerate(reversed(logged)) if place % every}
    return [row for i, row in enumerate(rows) if i not in dropped]
