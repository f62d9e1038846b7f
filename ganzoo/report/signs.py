"""Which signs of a run gone wrong its rows could show at all; `health` looks for them."""

from collections.abc import Iterator, Mapping, Sequence

from ganzoo.diagnostics.flags import NUM_ROWS, Rows, keys, series
from ganzoo.metrics.base import Metric, curve_of


def judged_signs(
    rows: Rows, *, chance: Mapping[str, float], least_d_loss: float | None, metrics: Sequence[type[Metric]]
) -> tuple[list[str], list[str]]:
    """Return the signs that the rows suffice to judge, and those for which they are too few; what was never measured
    is in neither.

    Args:
        rows: of `metrics.jsonl`.
        chance: what guessing would reach, by key (`d/rotation/accuracy_real`).
        least_d_loss: what the adversarial loss of a perfect D approaches; without it saturation cannot be judged.
        metrics: those of the run.
    """
    judged: list[str] = []
    too_few: list[str] = []
    for sign, key, least in _signs(rows, chance=chance, least_d_loss=least_d_loss, metrics=metrics):
        num = len(series(rows, key))
        if num:
            (judged if num >= least else too_few).append(sign)
    return list(dict.fromkeys(judged)), too_few


def _signs(
    rows: Rows, *, chance: Mapping[str, float], least_d_loss: float | None, metrics: Sequence[type[Metric]]
) -> Iterator[tuple[str, str, int]]:
    """Yield each sign, a key whose values show it, and how many of them it takes."""
    yield "generated images that hardly differ", "health/pairwise_distance", 1
    for key in keys(rows, "metric/"):
        if curve_of(key.removeprefix("metric/"), metrics).collapsed_below is not None:
            yield "generated images that leave most of the data out", key, 1
    yield "a discriminator that memorises", "health/d_gap_share", 1
    for key in keys(rows, "sigma/"):
        yield "exploding singular values", key, 1
    yield "failing spectral normalization", "health/normalized_sigma", 1
    if least_d_loss is not None:
        yield "a saturated discriminator", "d/adversarial", NUM_ROWS
    for key in chance:
        role, _, report = key.partition("/")
        task, _, name = report.rpartition("/")
        if role == "d" and name == "accuracy_real":
            yield f"{task} that is not learnt", key, NUM_ROWS
