"""The picture of a forgetting experiment: every arm's curve beside that of `alone`, with a band over the seeds."""

import io
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from ganzoo.forgetting.experiment import ALONE
from ganzoo.forgetting.loop import Curve
from ganzoo.forgetting.summary import is_switch
from ganzoo.runs.folder import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, which everyone can distinguish, also with colour blindness.
ALONE_COLOR = "0.35"
COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def save_forgetting(
    curves: Sequence[Curve], path: Path, *, title: str, num_steps_per_task: int, num_classes: int
) -> None:
    """Draw one PNG with a panel for each arm except `alone`, which is in all panels.

    Args:
        curves: of every arm under every seed.
        path: the file.
        title: the text above the panels.
        num_steps_per_task: updates between switches.
        num_classes: tasks of a cycle.
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(curve.arm for curve in curves))
    by_arm = {name: [curve for curve in curves if curve.arm == name] for name in names}
    helped = [name for name in names if name != ALONE]
    num_tasks = curves[0].points[-1].step // num_steps_per_task
    figure = Figure(figsize=(min(16.0, max(8.0, 0.6 * num_tasks)), 0.9 + 2.7 * len(helped)))
    figure.set_layout_engine("constrained", h_pad=0.08)
    figure.suptitle(title, fontsize=13, fontweight="bold")
    first: Axes | None = None
    for number, name in enumerate(helped):
        axes = figure.add_subplot(len(helped), 1, number + 1, sharex=first, sharey=first)
        first = first or axes
        _draw_switches(axes, by_arm[ALONE][0], num_steps_per_task, num_classes, labelled=number == 0)
        _draw(axes, by_arm[ALONE], color=ALONE_COLOR, style="--")
        _draw(axes, by_arm[name], color=COLORS[number % len(COLORS)], style="-")
        _finish(axes, num_seeds=len(by_arm[name]), is_last=number == len(helped) - 1)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, buffer.getvalue())


def _draw(axes: "Axes", curves: Sequence[Curve], *, color: str, style: str) -> None:
    """Draw the mean over seeds and the band from the lowest to the highest seed."""
    steps = [point.step for point in curves[0].points]
    columns = list(zip(*([point.accuracy for point in curve.points] for curve in curves), strict=True))
    lowest, highest = [min(column) for column in columns], [max(column) for column in columns]
    axes.fill_between(steps, lowest, highest, color=color, alpha=0.2, linewidth=0)
    mean = [fmean(column) for column in columns]
    axes.plot(steps, mean, color=color, linestyle=style, linewidth=1.5, label=curves[0].arm.replace("_", " "))


def _draw_switches(axes: "Axes", curve: Curve, num_steps_per_task: int, num_classes: int, *, labelled: bool) -> None:
    """Mark the switches, more heavily where a cycle begins, and name the positive classes above the first panel."""
    last_step = curve.points[-1].step
    for point in curve.points:
        if is_switch(point, num_steps_per_task, last_step):
            starts_cycle = point.step % (num_steps_per_task * num_classes) == 0
            axes.axvline(point.step, color="0.2" if starts_cycle else "0.8", linewidth=1.4 if starts_cycle else 0.8)
    if labelled:
        for start in range(0, last_step, num_steps_per_task):
            axes.text(
                start + num_steps_per_task / 2,
                1.02,
                str(start // num_steps_per_task % num_classes),
                transform=axes.get_xaxis_transform(),
                ha="center",
                fontsize=8,
                color="0.35",
            )
        axes.set_title("positive class", fontsize=9, color="0.35", loc="left", pad=18)
    axes.axhline(0.5, color="0.35", linestyle=":", linewidth=1.0)
    axes.set_xlim(0, last_step)


def _finish(axes: "Axes", *, num_seeds: int, is_last: bool) -> None:
    axes.set_ylabel("test accuracy", fontsize=9)
    axes.grid(visible=True, axis="y", color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, labelbottom=is_last)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), alignment="left")
    if is_last:
        axes.set_xlabel(
            f"updates (lines: means of {num_seeds} seeds; bands: lowest to highest seed; vertical: switches, heavy "
            "where a cycle begins; dotted: chance)",
            fontsize=8,
        )
