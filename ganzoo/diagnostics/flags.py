"""Signs of a run gone wrong, as sentences for the result and the table, found in the rows alone.

A sign counts only if it stays until the end, and its sentence names the step from which on it does. The thresholds are
far from what a sound run shows, so that a flag is worth a look; the absence of flags proves nothing.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganzoo.metrics.base import Metric, curve_of


@dataclass(frozen=True)
class Flag:
    """A sign of a run gone wrong: its kind, the step from which on it holds (None: the whole run), and a sentence."""

    kind: str
    step: int | None
    text: str


Rows = Sequence[Mapping[str, int | float]]
Series = list[tuple[int, float]]

NUM_ROWS = 10  # a logged value must hold over so many rows, since each is noisy
# Above the least value; of a hinge loss: at most about one image in a hundred is within the margin.
SATURATED_LOSS = 0.01
COLLAPSED_DISTANCE = 0.1  # a tenth of the real images' distance: differences that are hardly seen
MEMORIZED_SHARE = 0.5  # from here on, D holds an unseen real image for nearer to generated than to training images
LEARNT_SHARE = 0.1  # a task is learnt if its accuracy is a tenth of the way from chance to 1
EXPLODED_FACTOR = 10.0  # weights grow steadily under spectral norm, but not tenfold over half a run
BROKEN_SIGMA = 2.0  # the estimate has lost half of the true singular value


def flags(
    rows: Rows, *, chance: Mapping[str, float], least_d_loss: float | None, metrics: Sequence[type[Metric]]
) -> list[str]:
    """Return every flag of a run.

    Args:
        rows: of `metrics.jsonl`, in order.
        chance: what guessing would reach, by key (`d/rotation/accuracy_real`).
        least_d_loss: what the adversarial loss of a perfect D approaches; None if it has no least value.
        metrics: those of the run, which know what becomes of their numbers in a collapse.
    """
    return [
        *distance_flags(rows),
        *collapse_flags(rows, metrics=metrics),
        *saturation_flags(rows, least_d_loss=least_d_loss),
        *memorization_flags(rows),
        *task_flags(rows, chance=chance),
        *singular_value_flags(rows),
        *normalization_flags(rows),
    ]


def distance_flags(rows: Rows) -> list[str]:
    """Flag generated images that hardly differ from one another, compared with real ones."""
    found = stays(series(rows, "health/pairwise_distance"), below=COLLAPSED_DISTANCE)
    if not found:
        return []
    return [f"collapsed from step {found[0][0]}: generated images are {found[-1][1]:.2f} as far apart as real ones"]


def collapse_flags(rows: Rows, *, metrics: Sequence[type[Metric]]) -> list[str]:
    """Flag each number, such as a recall, that says how much of the data is reached and is near zero."""
    sentences = []
    for key in keys(rows, "metric/"):
        name = key.removeprefix("metric/")
        bound = curve_of(name, metrics).collapsed_below
        if bound is None:
            continue
        values = series(rows, key)
        found = stays(values, below=bound)
        # A generator that never covered the data need not have collapsed: it may not have got there yet.
        if found and len(found) < len(values):
            sentences.append(f"collapsed from step {found[0][0]}: {name} {found[-1][1]:.2g}")
        elif found:
            sentences.append(f"the generated images never covered the data: {name} {found[-1][1]:.2g} at the end")
    return sentences


def saturation_flags(rows: Rows, *, least_d_loss: float | None) -> list[str]:
    """Flag a discriminator whose adversarial loss stays near its least value, so that it teaches nothing more."""
    # Without a least value, as of Wasserstein's loss, a loss near zero means a D that tells nothing apart.
    if least_d_loss is None:
        return []
    sizes = [(step, abs(value - least_d_loss)) for step, value in series(rows, "d/adversarial")]
    found = stays(sizes, below=SATURATED_LOSS, least=NUM_ROWS)
    if not found:
        return []
    bound = least_d_loss + SATURATED_LOSS
    return [f"discriminator saturated: its adversarial loss stays below {bound:g} from step {found[0][0]}"]


def memorization_flags(rows: Rows) -> list[str]:
    """Flag a discriminator that tells training images from real images it never saw."""
    found = stays(series(rows, "health/d_gap_share"), above=MEMORIZED_SHARE)
    if not found:
        return []
    return [
        f"the discriminator memorises from step {found[0][0]}: its logits of training and held-out images differ by "
        f"{found[-1][1]:.2f} of what those of training and generated images do"
    ]


def task_flags(rows: Rows, *, chance: Mapping[str, float]) -> list[str]:
    """Flag a task whose accuracy on real images is at chance."""
    sentences = []
    for key, guess in chance.items():
        role, _, report = key.partition("/")
        task, _, name = report.rpartition("/")
        if role != "d" or name != "accuracy_real":
            continue
        values = series(rows, key)
        found = stays(values, below=guess + LEARNT_SHARE * (1 - guess), least=NUM_ROWS)
        numbers = f"accuracy on real images {values[-1][1]:.2f}, chance {guess:.2f}" if values else ""
        if found and len(found) < len(values):
            sentences.append(f"{task} is forgotten from step {found[0][0]}: {numbers}")
        elif found:
            sentences.append(f"{task} is not learnt: {numbers}")
    return sentences


def singular_value_flags(rows: Rows) -> list[str]:
    """Flag layers whose largest singular value explodes, against its median over the first half of the run."""
    exploded: list[tuple[int, float, str]] = []
    for key in keys(rows, "sigma/"):
        values = series(rows, key)
        usual = statistics.median(value for _, value in values[: (len(values) + 1) // 2])
        found = stays(values, above=EXPLODED_FACTOR * usual) if usual > 0 else []
        if found:
            exploded.append((found[0][0], found[-1][1] / usual, key.removeprefix("sigma/")))
    if not exploded:
        return []
    step, factor, layer = min(exploded)
    others = f" (and {len(exploded) - 1} more)" if len(exploded) > 1 else ""
    return [
        f"singular values explode from step {step}: that of {layer}{others} ends {factor:.0f} times as large as in the "
        "first half of the run"
    ]


def normalization_flags(rows: Rows) -> list[str]:
    """Flag a spectral norm that no longer holds."""
    found = stays(series(rows, "health/normalized_sigma"), above=BROKEN_SIGMA)
    if not found:
        return []
    return [
        f"spectral normalization fails from step {found[0][0]}: a normalised weight has the singular value "
        f"{found[-1][1]:.2g} instead of 1"
    ]


def series(rows: Rows, key: str) -> Series:
    """Return the (step, value) pairs of a key."""
    return [(int(row["step"]), float(row[key])) for row in rows if key in row]


def keys(rows: Rows, prefix: str) -> list[str]:
    """Return the keys that begin so, in the order in which they first appear."""
    return list(dict.fromkeys(key for row in rows for key in row if key.startswith(prefix)))


def stays(values: Series, *, below: float = math.inf, above: float = -math.inf, least: int = 1) -> Series:
    """Return the values from the first after which all lie within bounds; none if they are fewer than `least`.

    Args:
        values: in order of their steps.
        below: a value must be less.
        above: a value must be greater.
        least: how many values it takes.
    """
    start = len(values)
    while start > 0 and above < values[start - 1][1] < below:
        start -= 1
    return values[start:] if len(values) - start >= least else []
