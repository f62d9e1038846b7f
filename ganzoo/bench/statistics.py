"""Summaries and tests of training runs that hold at the number of seeds there is.

A run without a sound value - it failed, it collapsed, its number is NaN - is `None` here and counts as worse than every
value. It is never dropped, since the other runs alone would make the recipe look better than it is.

Five seeds or more, and a value from each: the mean with its Student t interval, and a paired t test against the
baseline, seed by seed. With five pairs the tests that assume less (sign flips, Wilcoxon) have no p below 2/32 = .0625
and could never tell anything apart.

Five seeds or more, and a run without a value: no mean exists, so the median is given, and the comparison is by ranks.
A test of pairs would be a sign test, again not below .0625; so the exact rank-sum test of all runs against all is used,
whose smallest p is 2/252 = .008. It disregards which runs share a seed. Runs of one seed start from the same weights
and see the same batches, so they tend to be alike, and then the test finds too little rather than too much.

Fewer than five seeds: values and their range, and no test.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import optimize, special, stats

Value = float | None
"""The number of one run; None for a run that has no sound one, which ranks below all."""

MIN_SEEDS = 5
CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
# Up to here all splits of the runs are counted (12,870 at eight against eight); beyond, the normal limit is close.
MAX_EXACT_SEEDS = 8

Verdict = Literal["better", "worse", "not distinguishable"]
BETTER: Verdict = "better"
WORSE: Verdict = "worse"
NOT_DISTINGUISHABLE: Verdict = "not distinguishable"

PAIRED_T: Literal["paired t"] = "paired t"
RANK_SUM: Literal["rank sum"] = "rank sum"


@dataclass(frozen=True)
class Summary:
    """The runs of one row under one metric.

    Args:
        num_runs: all of them.
        num_lost: those without a sound value.
        mean: of the values; None with fewer than five runs, or if one is lost.
        half_width: of the 95 % Student t interval of that mean.
        deviation: standard deviation over runs, the training noise; None where the mean is.
        median: with lost runs as the worst; None where it falls on a lost run, and with fewer than five runs.
        lowest: of the values; None if there is none.
        highest: of the values; None if there is none.
    """

    num_runs: int
    num_lost: int
    mean: float | None
    half_width: float | None
    deviation: float | None
    median: float | None
    lowest: float | None
    highest: float | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A row against the baseline under one metric.

    Args:
        num_seeds: that both have runs of.
        test: "paired t", or "rank sum" where a run has no value or the differences do not vary.
        difference: mean of row minus baseline by seed; None for the rank sum.
        half_width: of the 95 % Student t interval of that mean; not widened for several rows.
        effect_size: Hedges' g of the paired differences: their mean over their standard deviation, times the correction
            for few pairs; above 0 where the row is better. None for the rank sum.
        superiority: the share of all pairs of runs in which the row's is better, ties counting half; None for paired t.
        p_value: two-sided, of this comparison alone.
        adjusted_p_value: after Holm's correction for the rows compared.
        verdict: from the adjusted p value at the level .05.
    """

    num_seeds: int
    test: Literal["paired t", "rank sum"]
    difference: float | None = None
    half_width: float | None = None
    effect_size: float | None = None
    superiority: float | None = None
    p_value: float
    adjusted_p_value: float
    verdict: Verdict


def summarize(values: Sequence[Value], *, higher_is_better: bool) -> Summary:
    """Return what can be said of the runs of a row; at least one."""
    sound = [value for value in values if value is not None]
    num_lost = len(values) - len(sound)
    mean = half_width = deviation = median = None
    if len(values) >= MIN_SEEDS:
        if not num_lost:
            mean, half_width, deviation = t_interval(sound)
        # None has no order in Python, so a lost run is at infinity.
        median = float(np.median(_with_worst(values, higher_is_better=higher_is_better)))
    return Summary(
        num_runs=len(values),
        num_lost=num_lost,
        mean=mean,
        half_width=half_width,
        deviation=deviation,
        median=median if median is not None and math.isfinite(median) else None,
        lowest=min(sound, default=None),
        highest=max(sound, default=None),
    )


def t_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, half-width of its 95 % Student t interval, and standard deviation; at least two values."""
    quantile = special.stdtrit(len(values) - 1, 1 - ALPHA / 2)
    return float(np.mean(values)), float(quantile * stats.sem(values)), float(np.std(values, ddof=1))


def compare_rows(
    rows: Mapping[str, Mapping[int, Value]], baseline: Mapping[int, Value], *, higher_is_better: bool
) -> dict[str, Comparison]:
    """Return the comparison of every row that shares at least five seeds with the baseline.

    Args:
        rows: the values by seed of every row but the baseline.
        baseline: its values by seed.
        higher_is_better: the direction of the metric.
    """
    found = {}
    for name, values in rows.items():
        seeds = sorted(values.keys() & baseline.keys())
        if len(seeds) >= MIN_SEEDS:
            found[name] = _compare(
                [values[seed] for seed in seeds], [baseline[seed] for seed in seeds], higher_is_better=higher_is_better
            )
    adjusted = holm([comparison.p_value for comparison in found.values()])
    return {
        name: replace(
            comparison,
            adjusted_p_value=p_value,
            verdict=comparison.verdict if p_value <= ALPHA else NOT_DISTINGUISHABLE,
        )
        for (name, comparison), p_value in zip(found.items(), adjusted, strict=True)
    }


def _compare(row: Sequence[Value], baseline: Sequence[Value], *, higher_is_better: bool) -> Comparison:
    """Return a comparison before the correction; its verdict is the direction alone."""
    num, sign = len(row), 1 if higher_is_better else -1
    pairs = np.array([(a, b) for a, b in zip(row, baseline, strict=True) if a is not None and b is not None])
    # If all differences are equal there is no t. That happens with a metric of few levels, and is no certainty.
    if len(pairs) == num and np.ptp(pairs[:, 0] - pairs[:, 1]) > 0:
        found = stats.ttest_rel(pairs[:, 0], pairs[:, 1])
        low, high = found.confidence_interval(CONFIDENCE)
        return Comparison(
            num_seeds=num,
            test=PAIRED_T,
            difference=float(low + high) / 2,
            half_width=float(high - low) / 2,
            effect_size=sign * hedges_correction(num) * float(found.statistic) / math.sqrt(num),
            p_value=float(found.pvalue),
            adjusted_p_value=float(found.pvalue),
            verdict=BETTER if sign * found.statistic > 0 else WORSE,
        )
    p_value, superiority = rank_sum(row, baseline, higher_is_better=higher_is_better)
    return Comparison(
        num_seeds=num,
        test=RANK_SUM,
        superiority=superiority,
        p_value=p_value,
        adjusted_p_value=p_value,
        verdict=BETTER if superiority > 0.5 else WORSE,
    )


def hedges_correction(num_pairs: int) -> float:
    """Return the factor that makes a standardized mean difference of few pairs unbiased.

    Source: Hedges, "Distribution theory for Glass's estimator of effect size", 1981; here with num_pairs - 1 degrees of
    freedom.
    """
    degrees = num_pairs - 1
    return math.exp(special.gammaln(degrees / 2) - special.gammaln((degrees - 1) / 2)) / math.sqrt(degrees / 2)


def rank_sum(row: Sequence[Value], baseline: Sequence[Value], *, higher_is_better: bool) -> tuple[float, float]:
    """Return the two-sided p value of the rank-sum test, lost runs tied as the worst, and the row's superiority.

    Exact, ties included, up to eight runs a side; beyond that the normal limit, corrected for ties.
    """
    num = len(row)
    values = _with_worst([*row, *baseline], higher_is_better=higher_is_better)
    ranks = stats.rankdata(values if higher_is_better else -values)
    superiority = (float(ranks[:num].sum()) - num * (num + 1) / 2) / (num * len(baseline))
    if np.ptp(ranks) == 0:
        return 1.0, superiority
    if max(num, len(baseline)) > MAX_EXACT_SEEDS:
        limit = stats.mannwhitneyu(ranks[:num], ranks[num:], alternative="two-sided", method="asymptotic")
        return float(limit.pvalue), superiority
    statistic: Callable[..., float] = lambda a, _, axis: a.sum(axis=axis)  # noqa: E731
    exact = stats.permutation_test(
        (ranks[:num], ranks[num:]), statistic, permutation_type="independent", n_resamples=20_000, vectorized=True
    )
    return float(exact.pvalue), superiority


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted by Holm's step-down method: the chance of any false finding stays at the level.

    Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    adjusted = [0.0] * len(p_values)
    reached = 0.0
    for position, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        reached = max(reached, min(1.0, (len(p_values) - position) * p_values[i]))
        adjusted[i] = reached
    return adjusted


def power(effect: float, num_seeds: int, *, alpha: float = ALPHA) -> float:
    """Return the probability that the paired t test finds a true effect, in either direction.

    Args:
        effect: true mean of the paired differences over their true standard deviation.
        num_seeds: pairs.
        alpha: the level; for the least significant of k rows under Holm, at worst .05 / k.
    """
    degrees = num_seeds - 1
    critical = special.stdtrit(degrees, 1 - alpha / 2)
    noncentrality = abs(effect) * math.sqrt(num_seeds)
    # For large effects the far tail is 0, for which scipy gives NaN.
    wrong_side = np.nan_to_num(stats.nct.cdf(-critical, degrees, noncentrality))
    return float(stats.nct.sf(critical, degrees, noncentrality) + wrong_side)


def detectable_effect(num_seeds: int, *, chance: float = 0.8, alpha: float = ALPHA) -> float:
    """Return the effect (as in `power`) that the paired t test finds with probability `chance`."""
    return float(optimize.brentq(lambda effect: power(effect, num_seeds, alpha=alpha) - chance, 0.0, 30.0))


def sampling_error(standard_errors: Sequence[float | None]) -> float | None:
    """Return the root mean square of the runs' standard errors; None if no run has one.

    It is the noise of measuring one trained run, and says nothing about training it again.
    """
    known = [error for error in standard_errors if error is not None]
    return math.sqrt(sum(error**2 for error in known) / len(known)) if known else None


def _with_worst(values: Sequence[Value], *, higher_is_better: bool) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    worst = -math.inf if higher_is_better else math.inf
    return np.array([worst if value is None else value for value in values])
