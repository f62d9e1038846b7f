"""The panels of curves that a run has: which curves share one, and in which colours and styles; `plots` draws them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ganzoo.diagnostics.row_keys import RowKey, Rows, keys
from ganzoo.metrics.base import Metric, curve_of

LOSSES, LOGITS, ACCURACY = "losses", "mean logit of D", "accuracy of the pretext task"
AUGMENTATION, LEARNING_RATE = "augmentation", "learning rate"
GRADIENTS, DISTANCE = "norm of the gradient", "distance between generated images / real ones"
UNSEEN, GAP = "mean logit of D, without augmentation", "D's gap: training to held-out / to generated"
SIGMA_NORMALIZED = "largest singular value, normalised"
NETWORKS = {"discriminator": "D", "task_modules": "D", "generator": "G"}

REAL_COLOR, HELD_OUT_COLOR, FAKE_COLOR, EARLIER_COLOR = "#1f77b4", "#17a2b8", "#d95f02", "#b07aa1"
D_COLOR, G_COLOR = "#4c3a8f", "#2a9d5c"
OTHER_COLORS = ("#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")
IMAGE_COLORS = {
    "training images": REAL_COLOR,
    "held-out images": HELD_OUT_COLOR,
    "generated now": FAKE_COLOR,
    "generated earlier": EARLIER_COLOR,
}
METRIC_COLORS = (*OTHER_COLORS, D_COLOR)
STYLES = ("-", "--", "-.", ":")  # of curves in one panel, so that equal ones do not hide each other
MAX_NAMED_LAYERS = 4


@dataclass(frozen=True)
class Line:
    """One curve: the key of its rows, its name in the legend (empty: none), its colour and its line style."""

    key: str
    label: str
    color: str
    style: str = "-"


@dataclass(frozen=True)
class Panel:
    """Curves that share axes.

    Args:
        name: stands above them.
        lines: at least one.
        marks: values drawn as dotted lines, with their names in the legend.
        is_share: whether the axis runs from 0 to 1.
        is_log: whether the axis is logarithmic.
        has_zero: whether the axis starts at 0, so that heights can be compared.
        better: "lower" or "higher"; empty if neither.
        scale: the name of the colour scale; empty if the colours have no order.
    """

    name: str
    lines: list[Line]
    marks: Mapping[float, str] = field(default_factory=dict)
    is_share: bool = False
    is_log: bool = False
    has_zero: bool = False
    better: str = ""
    scale: str = ""


def panels(
    rows: Rows,
    *,
    chance: Mapping[str, float],
    metrics: Sequence[type[Metric]] = (),
    higher_is_better: Mapping[str, bool] | None = None,
) -> list[Panel]:
    """Return the panels that have data, in the order in which they are drawn.

    Args:
        rows: of `metrics.jsonl`.
        chance: the accuracy of guessing, by key (`d/rotation/accuracy_real`).
        metrics: those of the run, which know which of their numbers share a panel.
        higher_is_better: the direction of measurements, by name; a panel of others names no direction.
    """
    made = [
        *_training_panels(rows, chance=chance),
        *_sigma_panels(rows),
        Panel(SIGMA_NORMALIZED, [Line("health/normalized_sigma", "", D_COLOR)]),
        Panel(DISTANCE, [Line("health/pairwise_distance", "", FAKE_COLOR)], marks={1.0: "real images"}, has_zero=True),
        Panel(
            UNSEEN,
            [
                Line("health/d_logit_train", "training images", REAL_COLOR),
                Line("health/d_logit_held_out", "held-out images", HELD_OUT_COLOR, "--"),
                Line("health/d_logit_fake", "generated", FAKE_COLOR, "-."),
            ],
        ),
        Panel(GAP, [Line("health/d_gap_share", "", D_COLOR)], marks={0.0: "knows no image by heart"}),
        *_metric_panels(keys(rows, "metric/*"), metrics=metrics, higher_is_better=higher_is_better or {}),
    ]
    known = {str(key) for key in keys(rows)}
    kept = [(panel, [line for line in panel.lines if line.key in known]) for panel in made]
    return [replace(panel, lines=lines) for panel, lines in kept if lines]


def _training_panels(rows: Rows, *, chance: Mapping[str, float]) -> list[Panel]:
    """Return the panels of the values that logged rows hold."""
    losses = [Line("d/loss", "D, total", D_COLOR), Line("g/loss", "G, total", G_COLOR, "--")]
    logits = [Line("d/logits_real", "real", REAL_COLOR), Line("d/logits_fake", "generated", FAKE_COLOR, "--")]
    augmentation = [
        Line(str(key), key.name, OTHER_COLORS[i % len(OTHER_COLORS)], STYLES[i % len(STYLES)])
        for i, key in enumerate(keys(rows, "augment/*"))
    ]
    accuracies: list[Line] = []
    reports = [key for key in keys(rows, "[dg]/*") if key.owner]
    tasks = list(dict.fromkeys(key.owner for key in reports))
    for key in reports:
        if key.name == "loss":
            color, style = (D_COLOR, "-.") if key.group == "d" else (G_COLOR, ":")
            losses.append(Line(str(key), f"{key.group.upper()}, {key.owner}", color, style))
        elif key.name.startswith("accuracy"):
            source = key.name.removeprefix("accuracy").strip("_")
            color = {"real": REAL_COLOR, "fake": FAKE_COLOR}.get(source, OTHER_COLORS[len(accuracies) % 5])
            word = {"fake": "generated"}.get(source, source)
            style = STYLES[(2 * tasks.index(key.owner) + (source == "fake")) % len(STYLES)]
            accuracies.append(Line(str(key), f"{key.owner}, {word}".rstrip(", "), color, style))
    rates = [_learning_rate(key) for pattern in ("[dg]/learning_rate*", "learning_rate") for key in keys(rows, pattern)]
    guesses = sorted({value for key, value in chance.items() if any(key == line.key for line in accuracies)})
    return [
        Panel(LOSSES, losses),
        Panel(LOGITS, logits),
        Panel(ACCURACY, accuracies, marks={value: f"chance {value:.3g}" for value in guesses}, is_share=True),
        Panel(AUGMENTATION, augmentation, has_zero=True),
        Panel(GRADIENTS, [Line("d/grad_norm", "D", D_COLOR), Line("g/grad_norm", "G", G_COLOR, "--")], is_log=True),
        Panel(LEARNING_RATE, rates, has_zero=True),
    ]


def _learning_rate(key: RowKey) -> Line:
    """Return the curve of one group of an optimizer; rows of earlier versions have `learning_rate`, which is G's."""
    number = key.name.removeprefix("learning_rate").strip("_")
    label = ("D" if key.group == "d" else "G") + (f", group {number}" if number else "")
    style = STYLES[(key.group != "d") + 2 * bool(number)]
    return Line(str(key), label, D_COLOR if key.group == "d" else G_COLOR, style)


def _sigma_panels(rows: Rows) -> list[Panel]:
    """Return a panel of singular values for each network; colours go from dark at its first layer to light."""
    found: dict[str, list[RowKey]] = {}
    for key in keys(rows, "sigma/*"):
        found.setdefault(NETWORKS.get(key.name.split(".")[0], "others"), []).append(key)
    return [
        Panel(
            f"largest singular value of each layer of {network}",
            _sigma_lines(layers),
            has_zero=True,
            scale="layer" if len(layers) > MAX_NAMED_LAYERS else "",
        )
        for network, layers in found.items()
    ]


def _sigma_lines(layers: Sequence[RowKey]) -> list[Line]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    colors = colormaps["viridis"].resampled(len(layers) + 1)  # one more than needed: its yellow is hard to see
    last = len(layers) - 1
    # A dozen names would take the curves' room: the legend names a few layers, evenly spaced in depth.
    named = {round(i * last / (MAX_NAMED_LAYERS - 1)) for i in range(MAX_NAMED_LAYERS)}
    lines = []
    for i, key in enumerate(layers):
        network, _, layer = key.name.partition(".")
        name = layer if network in NETWORKS else key.name
        label = f"{i + 1}: {name}" if i in named or last < MAX_NAMED_LAYERS else ""
        lines.append(Line(str(key), label, to_hex(colors(i))))
    return lines


def _metric_panels(
    found: Sequence[RowKey], *, metrics: Sequence[type[Metric]], higher_is_better: Mapping[str, bool]
) -> list[Panel]:
    """Return the panels of measurements: each has its own, or shares one if its metric says so."""
    made: dict[str, Panel] = {}
    for key in found:
        curve, is_higher = curve_of(key.subject, metrics), higher_is_better.get(key.name)
        better = "" if is_higher is None else "higher" if is_higher else "lower"
        lines = made.setdefault(curve.panel, Panel(curve.panel, [], has_zero=True, better=better)).lines
        color = IMAGE_COLORS.get(curve.label, METRIC_COLORS[len(lines) % len(METRIC_COLORS)])
        lines.append(Line(str(key), curve.label, color, STYLES[len(lines) % len(STYLES)]))
    return list(made.values())
