"""Pictures of a run: a grid of samples and the curves. N: images; C, H, W: image, here uint8 in 0..255."""

import io
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from ganzoo.diagnostics.panels import Line, Panel, panels
from ganzoo.diagnostics.row_keys import Rows, Series, series
from ganzoo.metrics.base import Metric
from ganzoo.runs.folder import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MIN_GRID_WIDTH_PIXELS = 640
SEPARATOR_PIXELS = 2
SEPARATOR_VALUE = 255
EDGE = 0.02  # the share of an axis beyond its first and last value, so that the frame cuts no point
SMALL = 0.01  # below it numbers are shown as `5e-05`
LARGE = 20_000  # from here on numbers are shown as `20k`, `1M`
LINE_CHARACTERS = 42  # of a title or of an axis's name
LEGEND_CHARACTERS = 20  # names up to this length stand in two columns


def save_grid(images_NCHW: Tensor, path: Path, *, num_columns: int | None = None) -> None:
    """Save images as one PNG, row by row; small images are enlarged.

    Args:
        images_NCHW: uint8 images in 0..255 with 1 or 3 channels; at least one.
        path: the file.
        num_columns: images in a row; by default about as many as there are rows.
    """
    from PIL import Image

    grid_HWC = make_grid(images_NCHW, num_columns=num_columns)
    picture = Image.fromarray(grid_HWC[:, :, 0] if grid_HWC.shape[2] == 1 else grid_HWC)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())


def make_grid(
    images_NCHW: Tensor, *, num_columns: int | None = None
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the grid of `save_grid` as uint8 (H, W, C).

    Image i is in row i // num_columns and column i % num_columns. The images are 2 pixels apart, and enlarged by a
    whole factor so that the grid is at least 640 pixels wide.
    """
    from torchvision.utils import make_grid as frame

    num, channels, _, width = images_NCHW.shape
    columns = math.ceil(math.sqrt(num)) if num_columns is None else min(num_columns, num)
    factor = max(1, math.ceil(MIN_GRID_WIDTH_PIXELS / (columns * width)))
    large_NCHW = images_NCHW.detach().cpu().repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    grid_CHW = frame(large_NCHW, nrow=columns, padding=SEPARATOR_PIXELS, pad_value=SEPARATOR_VALUE)
    # A single image is not framed, and a grey one gets three channels.
    edge = SEPARATOR_PIXELS if num > 1 else 0
    height, width = grid_CHW.shape[1] - edge, grid_CHW.shape[2] - edge
    return np.asarray(grid_CHW[:channels, edge:height, edge:width].permute(1, 2, 0), np.uint8)


def save_curves(
    rows: Rows,
    path: Path,
    *,
    title: str,
    chance: Mapping[str, float] | None = None,
    metrics: Sequence[type[Metric]] = (),
    higher_is_better: Mapping[str, bool] | None = None,
) -> None:
    """Draw losses, accuracies, measurements of the networks and metrics over generator updates as one PNG.

    A panel without data is left out; if there are no rows, the figure says so.

    Args:
        rows: of `metrics.jsonl`.
        path: the file.
        title: of the figure.
        chance: the accuracy of guessing, by key (`d/rotation/accuracy_real`); drawn as a dotted line.
        metrics: those of the run, which know which of their numbers share a panel.
        higher_is_better: the direction of measurements, by name; a panel of others names no direction.
    """
    from matplotlib.figure import Figure

    shown = panels(rows, chance=chance or {}, metrics=metrics, higher_is_better=higher_is_better)
    num_columns = 2 if len(shown) <= 4 else 3
    num_rows = max(1, math.ceil(len(shown) / num_columns))
    figure = Figure(figsize=(5 * num_columns, 0.5 + 3.5 * num_rows))
    figure.set_layout_engine("constrained", h_pad=0.12, w_pad=0.12)
    figure.suptitle(title, fontsize=13, fontweight="bold")
    if not shown:
        figure.text(0.5, 0.45, "no rows were logged", ha="center", va="center", color="0.4")
    last_step = max((step for panel in shown for line in panel.lines for step, _ in series(rows, line.key)), default=1)
    for number, panel in enumerate(shown):
        draw_panel(figure.add_subplot(num_rows, num_columns, number + 1), panel, rows, last_step=last_step)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, buffer.getvalue())


def draw_panel(axes: "Axes", panel: Panel, rows: Rows, *, last_step: int) -> None:
    """Draw the curves of one panel.

    Args:
        axes: empty.
        panel: the curves.
        rows: of `metrics.jsonl`.
        last_step: generator updates at the right edge.
    """
    for number, line in enumerate(panel.lines):
        # The first curve is wider, so that it can be seen below an equal one.
        is_under = number == 0 and len(panel.lines) > 1 and not panel.scale
        _draw(axes, series(rows, line.key), line, size=1.6 if is_under else 1.0)
    for value, label in panel.marks.items():
        axes.axhline(value, color="0.35", linestyle=":", linewidth=1.2, label=label)
    _scale(axes, panel)
    _finish(axes, panel, last_step)
    if panel.scale:
        _add_color_scale(axes, panel)


def _scale(axes: "Axes", panel: Panel) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    if panel.is_share:
        axes.set_ylim(-EDGE, 1 + EDGE)
    elif panel.is_log and axes.dataLim.minposy < math.inf:
        axes.set_yscale("log")
        # A panel may span less than a power of ten.
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    elif panel.has_zero and axes.dataLim.y0 >= 0:
        top = max(axes.dataLim.y1, *panel.marks) if panel.marks else axes.dataLim.y1
        if 0 < top < math.inf:
            axes.set_ylim(-EDGE * top, (1 + 2 * EDGE) * top)
        if top < SMALL:
            axes.yaxis.set_major_formatter("{x:g}")


def _draw(axes: "Axes", values: Series, line: Line, *, size: float) -> None:
    """Draw a curve: its points too if they are few, and the value of a single point."""
    steps, heights = [step for step, _ in values], [value for _, value in values]
    axes.plot(
        steps,
        heights,
        color=line.color,
        linestyle=line.style,
        linewidth=1.4 * size,
        marker="o" if len(values) <= 25 else "",
        markersize=3.5 * size,
        label=line.label or None,
    )
    if len(values) == 1:
        axes.annotate(
            f"{heights[0]:.4g}",
            (steps[0], heights[0]),
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
        )


def _finish(axes: "Axes", panel: Panel, last_step: int) -> None:
    axes.set_xlim(-EDGE * last_step, (1 + EDGE) * last_step)
    if panel.better:
        axes.set_ylabel(f"{panel.better} is better", fontsize=9)
    show_whole_numbers(axes)
    finish(axes, title=panel.name, x="generator updates")


def show_whole_numbers(axes: "Axes") -> None:
    """Number the horizontal axis by a few whole numbers, or by thousands or millions."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    if axes.get_xlim()[1] < LARGE:
        axes.xaxis.set_major_formatter("{x:,.0f}")
    else:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def finish(axes: "Axes", *, title: str, x: str) -> None:
    """Give axes a title, a name of the horizontal axis, a grid and, if curves have names, a legend below."""
    from matplotlib.transforms import ScaledTranslation

    axes.set_title(_balanced(title), fontsize=10, loc="left")
    axes.set_xlabel(_balanced(x), fontsize=9)
    axes.grid(visible=True, color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    names = axes.get_legend_handles_labels()[1]
    if names:
        # Below the name of the axis, where it hides no curve.
        points = 25 + 11 * len(axes.get_xlabel().splitlines())
        below = ScaledTranslation(0, -points / 72, axes.figure.dpi_scale_trans)
        longest = max(len(line) for name in names for line in name.splitlines())
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(0, 0),
            bbox_transform=axes.transAxes + below,
            ncols=2 if longest <= LEGEND_CHARACTERS else 1,
            fontsize=9,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=2.2,
            columnspacing=1.0,
        )


def _balanced(text: str) -> str:
    """Return a text in lines of about the same length, broken between words."""
    num_lines = math.ceil(len(text) / LINE_CHARACTERS)
    width = math.ceil(len(text) / max(1, num_lines)) + 4
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def _add_color_scale(axes: "Axes", panel: Panel) -> None:
    """Draw the colours of all lines in order, with the numbers of the first and the last."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    num = len(panel.lines)
    norm = BoundaryNorm([i + 0.5 for i in range(num + 1)], num)
    colors = ScalarMappable(norm, ListedColormap([line.color for line in panel.lines]))
    bar = axes.figure.colorbar(colors, ax=axes, ticks=[1, num], fraction=0.04, pad=0.02)
    bar.minorticks_off()
    bar.ax.tick_params(labelsize=9, length=0)
    bar.set_label(panel.scale, fontsize=9, labelpad=-8)
