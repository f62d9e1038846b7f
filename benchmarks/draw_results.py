"""Draw the pictures of docs/results.md from the committed records: `python benchmarks/draw_results.py`.

It writes docs/images/robustness.png and docs/images/forgetting_grid.png. Every run is shown by itself, since three
seeds have no mean here.
"""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.bench.analysis import build_table
from ganzoo.bench.record import RunRecord
from ganzoo.bench.results import Results, read_results
from ganzoo.bench.table import Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
DISTANCE = "fd_efflite0_64px"
BASELINE, VARIANT = "uncond_", "ssgan_"  # what the names of paired rows begin with; the rest is what they share
PAIR_COLORS = ("#0072b2", "#d55e00")
LABEL_CHARACTERS = 10  # of a line
COLORS = ("#555555", "#0072b2", "#d55e00", "#009e73", "#cc79a7")  # of the rows of the grid on forgetting
PROBE = "metric/probe_block3"
REALS, PRESENT, EARLIER = (f"metric/memory_{of}" for of in ("held_out_reals", "present_fakes", "earlier_fakes"))

Curve = dict[int, float]
Pair = tuple[float | None, float | None]


def pairs(cells: Mapping[str, Mapping[str, Cell]]) -> dict[str, dict[int, Pair]]:
    """Return the values that the runs of one seed reached without and with rotation.

    Args:
        cells: by row and key of the column.

    Returns:
        By what the two rows share, then by seed: the distances; None for a run that has none.
    """
    found = {}
    for name in cells:
        if name.startswith(BASELINE):
            shared = name.removeprefix(BASELINE)
            values = [
                {run.seed: run.value for run in cells[f"{kind}{shared}"][DISTANCE].runs} for kind in (BASELINE, VARIANT)
            ]
            found[shared] = {seed: (values[0].get(seed), values[1].get(seed)) for seed in values[0] | values[1]}
    return found


def draw_robustness(results: Results) -> None:
    """Draw the distances of all runs, with a line between those of one seed: at equal updates and equal D images."""
    import matplotlib.pyplot as plt

    table = build_table(results, is_compute_matched=True)
    assert table.matched is not None
    (num_steps,) = {row.cost.num_steps for row in table.rows if row.cost is not None}
    views = {
        f"after {num_steps:,} generator updates": {row.name: row.cells for row in table.rows},
        f"when D had seen {table.matched.num_d_images:,} images": table.matched.cells,
    }
    figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained", sharey=True)
    for axes, (title, cells) in zip(panels, views.items(), strict=True):
        conditions = pairs(cells)
        for place, seeds in enumerate(conditions.values()):
            for pair in seeds.values():
                at = (place - 0.18, place + 0.18)
                if None not in pair:
                    axes.plot(at, pair, color="0.75", linewidth=1, zorder=1)
                for x, y, color in zip(at, pair, PAIR_COLORS, strict=True):
                    axes.plot([x], [y], "o", color=color, markersize=5)
        axes.set_xticks(range(len(conditions)), [_condition(results, shared) for shared in conditions])
        _finish(axes, title)
    panels[0].set_ylabel(f"{DISTANCE}; lower is better")
    panels[0].set_ylim(bottom=0)
    for label, color in zip(("unconditional", "SSGAN"), PAIR_COLORS, strict=True):
        panels[1].plot([], [], "o", color=color, label=label)
    panels[1].legend(frameon=False, loc="lower right", title="lines join the runs of one seed")
    figure.savefig(IMAGES / "robustness.png", dpi=130)


def balanced(record: RunRecord, fakes: str) -> Curve:
    """Return by step how well D tells held-out real images from these fakes, as the mean of both accuracies.

    Each alone moves with the threshold between real and fake, which is set anew at every evaluation.

    Args:
        record: of a run.
        fakes: key of the curve of the accuracy on them.
    """
    reals, found = (dict(record.curves.get(key, ())) for key in (REALS, fakes))
    return {step: (value + reals[step]) / 2 for step, value in found.items()}


def draw_forgetting(results: Results) -> None:
    """Draw the accuracies of the discriminators over training, a line for every run."""
    import matplotlib.pyplot as plt

    views: dict[str, Callable[[RunRecord], Curve]] = {
        "linear probe of D's last block": lambda record: dict(record.curves[PROBE]),
        "real images and present fakes": lambda record: balanced(record, PRESENT),
        "real images and earlier fakes": lambda record: balanced(record, EARLIER),
    }
    figure, panels = plt.subplots(1, 3, figsize=(11, 4.6), layout="constrained", sharex=True)
    for axes, (title, curve_of) in zip(panels, views.items(), strict=True):
        for row, color in zip(results.labels, COLORS, strict=True):
            for curve in filter(None, map(curve_of, results.of_row(row))):
                axes.plot(curve.keys(), curve.values(), color=color, linewidth=1.2, marker="o", markersize=3)
        axes.set_xlabel("generator updates")
        _finish(axes, title)
    panels[0].set_ylabel("accuracy")
    panels[1].sharey(panels[2])
    for axes in panels[1:]:
        axes.set_ylim(0.5, 1)
        axes.set_ylabel("balanced accuracy")
    lines = [panels[0].plot([], [], color=color, marker="o", markersize=3)[0] for color in COLORS]
    labels = list(results.labels.values())
    figure.legend(lines, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.savefig(IMAGES / "forgetting_grid.png", dpi=130)


def _condition(results: Results, shared: str) -> str:
    """Return the words of a label that a row shares with another: all parts but the first."""
    parts = results.labels[f"{BASELINE}{shared}"].split(", ")[1:]
    return "\n".join(textwrap.fill(part, LABEL_CHARACTERS) for part in parts)


def _finish(axes: "Axes", title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.grid(visible=True, axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    draw_robustness(read_results(ROOT / "benchmarks/results/robustness"))
    draw_forgetting(read_results(ROOT / "benchmarks/results/forgetting"))
