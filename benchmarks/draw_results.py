"""Draw the pictures of docs/results.md from the records there are: `python benchmarks/draw_results.py`.

It writes docs/images/robustness.png. Every run is shown by itself: three seeds have no mean here.
"""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.bench.results import Results, read_results
from ganzoo.bench.table import Cell, Table, build_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
DISTANCE = "fd_efflite0_64px"
BASELINE, VARIANT = "uncond_", "ssgan_"  # what the names of paired rows begin with; the rest is what they share
LABEL_CHARACTERS = 10  # of a line
Pair = tuple[float | None, float | None]


def pairs(cells: Mapping[str, Mapping[str, Cell]]) -> dict[str, dict[int, Pair]]:
    """Return what the runs of one seed reached without and with rotation.

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
    """Draw the distances of all runs, those of one seed joined: at equal updates, and at equal numbers of D images."""
    import matplotlib.pyplot as plt

    table: Table = build_table(results, is_compute_matched=True)
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
                for x, y, color in zip(at, pair, ("#0072b2", "#d55e00"), strict=True):
                    axes.plot([x], [y], "o", color=color, markersize=5)
        axes.set_xticks(range(len(conditions)), [_condition(results, shared) for shared in conditions])
        _finish(axes, title)
    panels[0].set_ylabel(f"{DISTANCE}; lower is better")
    panels[0].set_ylim(bottom=0)
    for label, color in (("unconditional", "#0072b2"), ("SSGAN", "#d55e00")):
        panels[1].plot([], [], "o", color=color, label=label)
    panels[1].legend(frameon=False, loc="lower right", title="lines join the runs of one seed")
    figure.savefig(IMAGES / "robustness.png", dpi=130)


def _condition(results: Results, shared: str) -> str:
    """Return what two rows share in words, from the label of one: its parts but the first."""
    parts = results.labels[f"{BASELINE}{shared}"].split(", ")[1:]
    return "\n".join(textwrap.fill(part, LABEL_CHARACTERS) for part in parts)


def _finish(axes: "Axes", title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.grid(visible=True, axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    draw_robustness(read_results(ROOT / "benchmarks/results/robustness"))
