"""Pictures of a run: a grid of samples and the curves. N: images; C, H, W: image, here uint8 in 0..255."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from ganzoo.run_folder import Json, write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MIN_GRID_WIDTH_PIXELS = 640
SEPARATOR_PIXELS = 2
SEPARATOR_VALUE = 255
Series = list[tuple[int, float]]
Line = tuple[str, str, str, str]  # key of the row, label, colour, line style

METRIC = "metric/"
LOSSES, LOGITS, ACCURACY = "losses", "mean logit of D", "accuracy of the pretext task"

REAL_COLOR, FAKE_COLOR = "#1f77b4", "#d95f02"
D_COLOR, G_COLOR = "#4c3a8f", "#2a9d5c"
OTHER_COLORS = ("#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")


def save_grid(images_NCHW: Tensor, path: Path, *, num_columns: int | None = None) -> None:
    """Save images as one PNG, row by row, each pixel a square block where they are small.

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

    Image i stands in row i // num_columns and column i % num_columns, enlarged by a whole factor so that the grid is at
    least 640 pixels wide, and the images are 2 pixels apart.
    """
    images_NHWC = images_NCHW.detach().cpu().numpy().transpose(0, 2, 3, 1)
    num, height, width, channels = images_NHWC.shape
    columns = math.ceil(math.sqrt(num)) if num_columns is None else min(num_columns, num)
    rows = math.ceil(num / columns)
    factor = max(1, math.ceil(MIN_GRID_WIDTH_PIXELS / (columns * width)))
    large_NHWC = images_NHWC.repeat(factor, axis=1).repeat(factor, axis=2)
    pitch_y, pitch_x = height * factor + SEPARATOR_PIXELS, width * factor + SEPARATOR_PIXELS
    shape = (rows * pitch_y - SEPARATOR_PIXELS, columns * pitch_x - SEPARATOR_PIXELS, channels)
    grid_HWC = np.full(shape, SEPARATOR_VALUE, np.uint8)
    for i in range(num):
        top, left = i // columns * pitch_y, i % columns * pitch_x
        grid_HWC[top : top + height * factor, left : left + width * factor] = large_NHWC[i]
    return grid_HWC


def save_curves(
    rows: Sequence[Mapping[str, Json]], path: Path, *, title: str, chance: Mapping[str, float] | None = None
) -> None:
    """Draw losses, logits, accuracies and metrics over generator updates as one PNG.

    A panel without data is left out; without any rows the figure says so.

    Args:
        rows: of `metrics.jsonl`.
        path: the file.
        title: stands above the panels.
        chance: what guessing would reach, by key (`d/rotation/accuracy_real`); drawn as a dotted line.
    """
    from matplotlib.figure import Figure

    panels = _panels(rows)
    num_columns = 2 if len(panels) <= 4 else 3
    num_rows = max(1, math.ceil(len(panels) / num_columns))
    figure = Figure(figsize=(5 * num_columns, 0.5 + 3.2 * num_rows))
    figure.set_layout_engine("constrained", h_pad=0.12, w_pad=0.12)
    figure.suptitle(title, fontsize=13, fontweight="bold")
    if not panels:
        figure.text(0.5, 0.45, "no rows were logged", ha="center", va="center", color="0.4")
    last_step = max((step for _, lines in panels for line in lines for step, _ in _series(rows, line[0])), default=1)
    for number, (name, lines) in enumerate(panels):
        axes = figure.add_subplot(num_rows, num_columns, number + 1)
        is_accuracy, is_metric = name == ACCURACY, lines[0][0].startswith(METRIC)
        for key, label, color, style in lines:
            _draw(axes, _series(rows, key), label=label, color=color, style=style)
        if is_accuracy:
            for value in sorted({v for k, v in (chance or {}).items() if any(k == line[0] for line in lines)}):
                axes.axhline(value, color="0.35", linestyle=":", linewidth=1.2, label=f"chance {value:.3g}")
            axes.set_ylim(0.0, 1.02)
        if is_metric and axes.get_ylim()[0] > 0:
            axes.set_ylim(bottom=0)  # so that a distance is seen against the 0 of a perfect generator
        _finish(axes, name, last_step, has_legend=len(lines) > 1 or is_accuracy)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, buffer.getvalue())


def _panels(rows: Sequence[Mapping[str, Json]]) -> list[tuple[str, list[Line]]]:
    """Return the panels that have data: each its name and lines."""
    keys = list(dict.fromkeys(key for row in rows for key, value in row.items() if _number(value) is not None))
    losses: list[Line] = [("d/loss", "D, total", D_COLOR, "-"), ("g/loss", "G, total", G_COLOR, "-")]
    logits: list[Line] = [("d/logits_real", "real", REAL_COLOR, "-"), ("d/logits_fake", "generated", FAKE_COLOR, "-")]
    accuracies: list[Line] = []
    tasks = list(dict.fromkeys(key.split("/")[1] for key in keys if key.count("/") == 2))
    styles = ("-", "--", "-.")
    for key in keys:
        role, _, report = key.partition("/")
        task, _, name = report.rpartition("/")
        if not task:
            continue
        style = styles[tasks.index(task) % len(styles)]
        if name == "loss":
            losses.append((key, f"{role.upper()}, {task}", D_COLOR if role == "d" else G_COLOR, "--"))
        elif name.startswith("accuracy"):
            source = name.removeprefix("accuracy").strip("_")
            color = {"real": REAL_COLOR, "fake": FAKE_COLOR}.get(source, OTHER_COLORS[len(accuracies) % 5])
            word = {"fake": "generated"}.get(source, source)
            accuracies.append((key, f"{task}, {word}".rstrip(", "), color, style))
    metrics: list[tuple[str, list[Line]]] = [
        (key.removeprefix(METRIC), [(key, "", OTHER_COLORS[0], "-")]) for key in keys if key.startswith(METRIC)
    ]
    named = [(LOSSES, losses), (LOGITS, logits), (ACCURACY, accuracies)]
    kept = [(name, [line for line in lines if line[0] in keys]) for name, lines in named]
    return [(name, lines) for name, lines in kept if lines] + metrics


def _series(rows: Sequence[Mapping[str, Json]], key: str) -> Series:
    """Return the (step, value) pairs of a key."""
    found: Series = []
    for row in rows:
        step, value = row.get("step"), _number(row.get(key))
        if isinstance(step, int) and value is not None:
            found.append((step, value))
    return found


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _draw(axes: "Axes", series: Series, *, label: str, color: str, style: str) -> None:
    """Draw a line, with points where they are few enough to be told apart, and the value of a point that is alone."""
    steps, values = [step for step, _ in series], [value for _, value in series]
    marker = "o" if len(series) <= 25 else ""
    axes.plot(steps, values, color=color, linestyle=style, linewidth=1.4, marker=marker, markersize=3.5, label=label)
    if len(series) == 1:
        axes.annotate(
            f"{values[0]:.4g}",
            (steps[0], values[0]),
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
        )


def _finish(axes: "Axes", name: str, last_step: int, *, has_legend: bool) -> None:
    axes.set_title(name, fontsize=11, loc="left")
    axes.set_xlabel("generator updates", fontsize=9)
    axes.set_xlim(0, last_step * 1.02)
    axes.grid(visible=True, color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    if has_legend:
        axes.legend(fontsize=8, frameon=False)
