"""Which signs of a run gone wrong its rows could show at all; `health` looks for them."""

from collections.abc import Iterator, Mapping

from ganzoo.health import NUM_ROWS, Rows, keys, series


def judged_signs(rows: Rows, *, chance: Mapping[str, float], least_d_loss: float | None) -> tuple[list[str], list[str]]:
    """Return the signs that the rows suffice to judge, and those for which they are too few; what was never measured
    is in neither.

    Args:
        rows: of `metrics.jsonl`.
        chance: what guessing would reach, by key (`d/rotation/accuracy_real`).
        least_d_loss: what the adversarial loss of a perfect D approaches; without it saturation cannot be judged.
    """
    judged: list[str] = []
    too_few: list[str] = []
    for sign, key, least in _signs(rows, chance=chance, least_d_loss=least_d_loss):
        num = len(series(rows, key))
        if num:
            (judged if num >= least else too_few).append(sign)
    return list(dict.fromkeys(judged)), too_few


def _signs(rows: Rows, *, chance: Mapping[str, float], least_d_loss: float | None) -> Iterator[tuple[str, str, int]]:
    """Yield each sign, a key whose values show it, and how many of them it takes."""
    yield "generated images that hardly differ", "health/pairwise_distance", 1
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
