"""How the curve of a measurement is drawn, and when it is a sign of a run gone wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.metrics.base import Metric


@dataclass(frozen=True)
class Curve:
    """The curve of one measurement over training.

    Args:
        panel: the curves of equal panels share axes; its title.
        label: what the legend of a shared panel calls it; empty if it stands alone. What it shows decides the colour
            where other panels show it too, such as "held-out images".
        collapsed_below: a value below which the generated images reach hardly any of the data, so that a run which ends
            there bears a flag; None if there is no such value.
    """

    panel: str
    label: str = ""
    collapsed_below: float | None = None


def curve_of(name: str, metrics: "Sequence[type[Metric]]") -> Curve:
    """Return what the metric that a measurement belongs to says of its curve; by default it stands alone.

    Args:
        name: of the measurement, with `/SPLIT` where a run has it for several reference splits.
        metrics: those of the run.
    """
    measured, slash, split = name.partition("/")
    answers = (metric.curve(measured) for metric in metrics)
    found = next((curve for curve in answers if curve is not None), Curve(panel=measured))
    return replace(found, panel=f"{found.panel}{slash}{split}")
