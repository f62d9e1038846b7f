"""Draw docs/images/architecture.svg: `python docs/make_architecture.py`."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

PICTURE = Path(__file__).parent / "images/architecture.svg"
BOX_WIDTH, BOX_HEIGHT = 1.72, 0.9
DATA, CODE = ("#fdf3e1", "#b36b00"), ("#e6f0fa", "#0b5394")  # fill and edge


@dataclass(frozen=True)
class Stage:
    """One box.

    Args:
        name: what it is called.
        places: below the name: folders of the package or files of a run folder.
        column: from the left.
        row: from the top.
        is_data: whether it is a file and no code.
    """

    name: str
    places: str
    column: float
    row: int
    is_data: bool = False

    @property
    def center(self) -> tuple[float, float]:
        """Where its middle is."""
        return self.column * 2.15, -self.row * 1.65


STAGES = (
    Stage("recipe", "gin/", 0, 0, is_data=True),
    Stage("config", "ganzoo/config/", 1, 0),
    Stage("components", "ganzoo/losses/\nganzoo/pretext/ ...", 2, 0),
    Stage("Gan", "ganzoo/gan/", 3, 0),
    Stage("steps", "ganzoo/gan/steps.py", 3, 1),
    Stage("trainer", "ganzoo/training/", 2, 1),
    Stage("run folder", "ganzoo/runs/", 1, 1, is_data=True),
    Stage("evaluate", "ganzoo/evaluation/", 0, 1),
    Stage("result", "result.json\nganzoo/diagnostics/", 0, 2, is_data=True),
    Stage("table", "ganzoo/bench/", 1, 2),
    Stage("report", "ganzoo/report/", 2, 2),
)
ARROWS = (
    ("recipe", "config"),
    ("config", "components"),
    ("components", "Gan"),
    ("Gan", "steps"),
    ("steps", "trainer"),
    ("trainer", "run folder"),
    ("run folder", "evaluate"),
    ("evaluate", "result"),
    ("result", "table"),
    ("table", "report"),
)


def draw(axes: Axes) -> None:
    """Draw boxes and arrows."""
    by_name = {stage.name: stage for stage in STAGES}
    for stage in STAGES:
        fill, edge = DATA if stage.is_data else CODE
        x, y = stage.center
        corner = (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2)
        style = "round,pad=0,rounding_size=0.1"
        axes.add_patch(FancyBboxPatch(corner, BOX_WIDTH, BOX_HEIGHT, boxstyle=style, fc=fill, ec=edge, lw=1.2))
        axes.text(x, y + 0.2, stage.name, ha="center", va="center", fontsize=13, weight="bold", color="#1a1a1a")
        axes.text(
            x, y - 0.17, stage.places, ha="center", va="center", fontsize=8.5, family="monospace", color="#333333"
        )
    for start, end in ARROWS:
        (x0, y0), (x1, y1) = by_name[start].center, by_name[end].center
        across = (x1 > x0) - (x1 < x0)
        down = 0 if across else (y1 > y0) - (y1 < y0)
        tail = (x0 + across * BOX_WIDTH / 2, y0 + down * BOX_HEIGHT / 2)
        head = (x1 - across * BOX_WIDTH / 2, y1 - down * BOX_HEIGHT / 2)
        axes.annotate(
            "", head, tail, arrowprops={"arrowstyle": "-|>", "color": "#444444", "lw": 1.4, "shrinkA": 2, "shrinkB": 2}
        )
    x, y = by_name["report"].center
    for name, (fill, edge), offset in (("code", CODE, 0.2), ("on disk", DATA, -0.2)):
        axes.add_patch(FancyBboxPatch((x + 1.3, y + offset - 0.1), 0.3, 0.2, boxstyle="round,pad=0", fc=fill, ec=edge))
        axes.text(x + 1.75, y + offset, name, va="center", fontsize=10)
    axes.set_xlim(-1, 7.45)
    axes.set_ylim(-3.95, 0.65)
    axes.set_aspect("equal")
    axes.axis("off")


def main() -> None:
    """Write the picture; the same bytes every time."""
    with plt.rc_context({"svg.hashsalt": "architecture", "font.family": "DejaVu Sans"}):
        figure, axes = plt.subplots(figsize=(9.2, 5.1))
        draw(axes)
        figure.savefig(PICTURE, bbox_inches="tight", facecolor="white", metadata={"Date": None})


if __name__ == "__main__":
    main()
