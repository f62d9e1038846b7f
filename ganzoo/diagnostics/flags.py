"""Signs of a run gone wrong, found in its rows alone by one table of rules.

A sign counts only if it lasts until the end of the run. The bounds are far from what a sound run shows, so that a flag
is worth a look; the absence of flags proves nothing.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ganzoo.config.experiment import Experiment, learnable
from ganzoo.diagnostics.flag import Flag
from ganzoo.diagnostics.row_keys import RowKey, Rows, Series, keys, series
from ganzoo.metrics.base import Metric, curve_of

NUM_ROWS = 10  # a value of logged rows must hold over this many, since each is noisy
# Above the least value; of a hinge loss: at most about one image in a hundred is within the margin.
SATURATED_LOSS = 0.01
COLLAPSED_DISTANCE = 0.1  # a tenth of the real images' distance: differences that are hardly seen
MEMORIZED_SHARE = 0.5  # from here on, D's logit of an unseen real image is nearer to generated than to training images
LEARNT_SHARE = 0.1  # a task is learnt if its accuracy is a tenth of the way from chance to 1
EXPLODED_FACTOR = 10.0  # weights grow steadily under spectral norm, but not tenfold over half a run
BROKEN_SIGMA = 2.0  # the estimate has lost half of the true singular value
ACCURACY = "accuracy on real images {value:.2f}, chance {bounds.reference:.2f}"


@dataclass(frozen=True)
class Context:
    """What else is known of a run when its rows are judged.

    Args:
        chance: the accuracy of guessing, by key (`d/rotation/accuracy_real`), for the tasks that can be learnt.
        least_d_loss: what the adversarial loss of a perfect D approaches; None if it has no least value.
        metrics: those of the run, which know the values that their numbers have after a collapse.
    """

    chance: Mapping[str, float]
    least_d_loss: float | None
    metrics: Sequence[type[Metric]]


@dataclass(frozen=True)
class Bounds:
    """A bad value lies between `above` and `below`; `reference` is the value that the bounds were derived from."""

    above: float = -math.inf
    below: float = math.inf
    reference: float = math.nan


def _coverage(key: RowKey, values: Series, context: Context) -> Bounds | None:
    bound = curve_of(key.subject, context.metrics).collapsed_below
    return None if bound is None else Bounds(below=bound)


def _near_least_loss(key: RowKey, values: Series, context: Context) -> Bounds | None:
    # A loss without a least value, such as Wasserstein's, is near zero if D tells nothing apart: that is the contrary.
    least = context.least_d_loss
    return None if least is None else Bounds(least - SATURATED_LOSS, least + SATURATED_LOSS)


def _near_chance(key: RowKey, values: Series, context: Context) -> Bounds | None:
    guess = context.chance.get(str(key))
    return None if guess is None else Bounds(below=guess + LEARNT_SHARE * (1 - guess), reference=guess)


def _far_above_first_half(key: RowKey, values: Series, context: Context) -> Bounds | None:
    usual = statistics.median(value for _, value in values[: (len(values) + 1) // 2])
    return Bounds(above=EXPLODED_FACTOR * usual, reference=usual) if usual > 0 else None


@dataclass(frozen=True)
class Rule:
    """One way in which a run goes wrong.

    A sentence has the fields `subject` (of the key), `step`, `value` (the last one), `bounds`, `ratio` (of the last
    value to the reference) and `others` (further keys of a joint flag).

    Args:
        keys: a pattern of the keys whose values show it.
        sign: what the rule looks for, as a page lists it.
        bounds: of bad values; a function returns None where the rule does not apply.
        kind: of the flag.
        text: its sentence.
        never: kind and sentence of the flag instead if no value was ever good.
        num_values: how many bad values it takes.
        is_joint: whether all keys make one flag, that of the first key to go wrong, instead of one each.
    """

    keys: str
    sign: str
    bounds: Bounds | Callable[[RowKey, Series, Context], Bounds | None]
    kind: str
    text: str
    never: tuple[str, str] | None = None
    num_values: int = 1
    is_joint: bool = False


RULES = (
    Rule(
        "health/pairwise_distance", "generated images that hardly differ", Bounds(below=COLLAPSED_DISTANCE),
        "collapsed", "collapsed from step {step}: generated images are {value:.2f} as far apart as real ones",
    ),
    Rule(
        "metric/*", "generated images that leave most of the data out", _coverage,
        "collapsed", "collapsed from step {step}: {subject} {value:.2g}",
        # A generator that never covered the data need not have collapsed: it may not have got there yet.
        never=("never_covered", "the generated images never covered the data: {subject} {value:.2g} at the end"),
    ),
    Rule(
        "d/adversarial", "a saturated discriminator", _near_least_loss,
        "saturated", "discriminator saturated: its adversarial loss stays below {bounds.below:g} from step {step}",
        num_values=NUM_ROWS,
    ),
    Rule(
        "health/d_gap_share", "a discriminator that memorises", Bounds(above=MEMORIZED_SHARE),
        "memorizes", "the discriminator memorises from step {step}: its logits of training and held-out images differ "
        "by {value:.2f} of what those of training and generated images do",
    ),
    Rule(
        "d/*/accuracy_real", "{subject} that is not learnt", _near_chance,
        "forgotten_task", "{subject} is forgotten from step {step}: " + ACCURACY,
        never=("unlearned_task", "{subject} is not learnt: " + ACCURACY),
        num_values=NUM_ROWS,
    ),
    Rule(
        "sigma/*", "exploding singular values", _far_above_first_half,
        "exploding_singular_values", "singular values explode from step {step}: that of {subject}{others} ends "
        "{ratio:.0f} times as large as in the first half of the run",
        is_joint=True,
    ),
    Rule(
        "health/normalized_sigma", "failing spectral normalization", Bounds(above=BROKEN_SIGMA),
        "broken_spectral_norm", "spectral normalization fails from step {step}: a normalised weight has the singular "
        "value {value:.2g} instead of 1",
    ),
)  # fmt: skip
"""All rules, in the order in which their flags are shown."""


@dataclass(frozen=True)
class Judgement:
    """What the rows of a run show.

    Args:
        flags: the signs that were found.
        judged: all signs that the rows suffice to judge.
        too_few: signs that were measured, but too seldom to be judged. What was never measured is in neither list.
    """

    flags: list[Flag]
    judged: list[str]
    too_few: list[str]


def judge_run(rows: Rows, experiment: Experiment, *, chance: Mapping[str, float]) -> Judgement:
    """Judge the rows of an experiment.

    Args:
        rows: of `metrics.jsonl`, in order.
        experiment: whose they are.
        chance: the accuracy of guessing in every task, by key (`d/rotation/accuracy_real`).
    """
    loss = experiment.loss
    least_d_loss = None if loss is None else loss.component.least_d_loss
    metrics = [part.component for part in experiment.metrics]
    return judge(rows, Context(learnable(chance, experiment), least_d_loss, metrics))


def judge(rows: Rows, context: Context) -> Judgement:
    """Apply every rule to the rows of `metrics.jsonl`."""
    flags: list[Flag] = []
    judged: dict[str, None] = {}
    too_few: dict[str, None] = {}
    for rule in RULES:
        found: list[tuple[int, float, str, float, Bounds, bool]] = []
        for key in keys(rows, rule.keys):
            values = series(rows, key)
            bounds = rule.bounds if isinstance(rule.bounds, Bounds) else rule.bounds(key, values, context)
            if bounds is None:
                continue
            (judged if len(values) >= rule.num_values else too_few)[rule.sign.format(subject=key.subject)] = None
            bad = stays(values, below=bounds.below, above=bounds.above, least=rule.num_values)
            if bad:
                value = bad[-1][1]
                ratio = value / bounds.reference if bounds.reference else math.nan
                found.append((bad[0][0], ratio, key.subject, value, bounds, len(bad) == len(values)))
        others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        for step, ratio, subject, value, bounds, is_always in [min(found)] if found and rule.is_joint else found:
            is_never = is_always and rule.never is not None
            kind, text = rule.never if is_always and rule.never else (rule.kind, rule.text)
            fields = {"subject": subject, "step": step, "value": value, "ratio": ratio, "bounds": bounds}
            flags.append(Flag(kind, None if is_never else step, text.format(**fields, others=others)))
    return Judgement(flags, list(judged), list(too_few))


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
