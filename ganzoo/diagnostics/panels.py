"""Which curves of a run stand together in one panel, and how they are drawn; `plots` draws them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ganzoo.diagnostics.flags import Rows, keys, series
from ganzoo.metrics.base import Metric, curve_of, split_key

METRIC, HEALTH, SIGMA, AUGMENT = "metric/", "health/", "sigma/", "augment/"
LOSSES, LOGITS, ACCURACY = "losses", "mean logit of D", "accuracy of the pretext task"
AUGMENTATION = "augmentation"
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
    """One curve: the key of its rows, what the legend calls it (empty: nothing), its colour and line style."""

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
        marks: values drawn as dotted lines, with what the legend calls them.
        is_share: whether the axis runs from 0 to 1.
        is_log: whether the axis is logarithmic.
        has_zero: whether the axis shows 0, against which a distance is read.
        better: "lower" or "higher"; empty if neither is.
        scale: what the colours of the lines count; empty if they count nothing.
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
        chance: what guessing would reach, by key (`d/rotation/accuracy_real`).
        metrics: those of the run, which know what numbers of theirs stand together.
        higher_is_better: the direction of measurements, by name; of others none is said.
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
        *_metric_panels(keys(rows, METRIC), metrics=metrics, higher_is_better=higher_is_better or {}),
    ]
    known = {key for key in keys(rows, "") if series(rows, key)}
    kept = [(panel, [line for line in panel.lines if line.key in known]) for panel in made]
    return [replace(panel, lines=lines) for panel, lines in kept if lines]


def _training_panels(rows: Rows, *, chance: Mapping[str, float]) -> list[Panel]:
    """Return the panels of what every logged row has."""
    losses = [Line("d/loss", "D, total", D_COLOR), Line("g/loss", "G, total", G_COLOR, "--")]
    logits = [Line("d/logits_real", "real", REAL_COLOR), Line("d/logits_fake", "generated", FAKE_COLOR, "--")]
    augmentation = [
        Line(key, key.removeprefix(AUGMENT), OTHER_COLORS[i % len(OTHER_COLORS)], STYLES[i % len(STYLES)])
        for i, key in enumerate(keys(rows, AUGMENT))
    ]
    accuracies: list[Line] = []
    reports = [key.split("/") for key in [*keys(rows, "d/"), *keys(rows, "g/")] if key.count("/") == 2]
    tasks = list(dict.fromkeys(task for _, task, _ in reports))
    for role, task, name in reports:
        key, place = f"{role}/{task}/{name}", 2 * tasks.index(task)
        if name == "loss":
            color, style = (D_COLOR, "-.") if role == "d" else (G_COLOR, ":")
            losses.append(Line(key, f"{role.upper()}, {task}", color, style))
        elif name.startswith("accuracy"):
            source = name.removeprefix("accuracy").strip("_")
            color = {"real": REAL_COLOR, "fake": FAKE_COLOR}.get(source, OTHER_COLORS[len(accuracies) % 5])
            word = {"fake": "generated"}.get(source, source)
            style = STYLES[(place + (source == "fake")) % len(STYLES)]
            accuracies.append(Line(key, f"{task}, {word}".rstrip(", "), color, style))
    guesses = sorted({value for key, value in chance.items() if any(key == line.key for line in accuracies)})
    return [
        Panel(LOSSES, losses),
        Panel(LOGITS, logits),
        Panel(ACCURACY, accuracies, marks={value: f"chance {value:.3g}" for value in guesses}, is_share=True),
        Panel(AUGMENTATION, augmentation, has_zero=True),
        Panel(GRADIENTS, [Line("d/grad_norm", "D", D_COLOR), Line("g/grad_norm", "G", G_COLOR, "--")], is_log=True),
    ]


def _sigma_panels(rows: Rows) -> list[Panel]:
    """Return a panel of singular values for each network, dark at its first layer and light at its last."""
    found: dict[str, list[str]] = {}
    for key in keys(rows, SIGMA):
        network = NETWORKS.get(key.removeprefix(SIGMA).split(".")[0], "others")
        found.setdefault(network, []).append(key)
    return [
        Panel(
            f"largest singular value of each layer of {network}",
            _sigma_lines(layers),
            has_zero=True,
            scale="layer" if len(layers) > MAX_NAMED_LAYERS else "",
        )
        for network, layers in found.items()
    ]


def _sigma_lines(layers: Sequence[str]) -> list[Line]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    colors = colormaps["viridis"].resampled(len(layers) + 1)  # one more than needed: its yellow is hard to see
    last = len(layers) - 1
    # A dozen names would hide the curves: a few layers, evenly spaced in depth, stand for the rest on the colour scale.
    named = {round(i * last / (MAX_NAMED_LAYERS - 1)) for i in range(MAX_NAMED_LAYERS)}
    lines = []
    for i, key in enumerate(layers):
        name = key.removeprefix(SIGMA).removeprefix("discriminator.").removeprefix("generator.")
        name = name.removeprefix("task_modules.")
        label = f"{i + 1}: {name}" if i in named or last < MAX_NAMED_LAYERS else ""
        lines.append(Line(key, label, to_hex(colors(i))))
    return lines


def _metric_panels(
    found: Sequence[str], *, metrics: Sequence[type[Metric]], higher_is_better: Mapping[str, bool]
) -> list[Panel]:
    """Return the panels of measurements: each stands alone, or with others if its metric says so."""
    made: dict[str, Panel] = {}
    for key in found:
        name = key.removeprefix(METRIC)
        curve, is_higher = curve_of(name, metrics), higher_is_better.get(split_key(name)[0])
        better = "" if is_higher is None else "higher" if is_higher else "lower"
        lines = made.setdefault(curve.panel, Panel(curve.panel, [], has_zero=True, better=better)).lines
        color = IMAGE_COLORS.get(curve.label, METRIC_COLORS[len(lines) % len(METRIC_COLORS)])
        lines.append(Line(key, curve.label, color, STYLES[len(lines) % len(STYLES)]))
    return list(made.values())
