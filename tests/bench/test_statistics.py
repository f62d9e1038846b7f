"""Statistics of few runs: hand-computed cases, scipy as oracle, and rates by simulation."""

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ganzoo.bench.statistics import (
    NOT_DISTINGUISHABLE,
    PAIRED_T,
    RANK_SUM,
    compare_rows,
    detectable_effect,
    hedges_correction,
    holm,
    power,
    rank_sum,
    sampling_error,
    summarize,
    t_interval,
)

BASELINE = {0: 10.0, 1: 12.0, 2: 11.0, 3: 13.0, 4: 14.0}
ROW = {0: 9.0, 1: 10.0, 2: 8.0, 3: 9.0, 4: 9.0}  # lower by 1, 2, 3, 4, 5


def compare(row, baseline=BASELINE, *, higher_is_better=False):
    return compare_rows({"row": row}, baseline, higher_is_better=higher_is_better)["row"]


def within(rate: float, expected: float, num: int, *, errors: float = 3.0) -> bool:
    """Return whether a simulated rate agrees with a probability, up to so many standard errors."""
    return abs(rate - expected) <= errors * math.sqrt(expected * (1 - expected) / num)


# Cases by hand


def test_mean_and_interval_of_five_values_are_those_of_the_textbook():
    s = summarize([1.0, 2.0, 3.0, 4.0, 5.0], higher_is_better=False)
    assert (s.mean, s.deviation, s.median) == (3.0, pytest.approx(math.sqrt(2.5)), 3.0)
    assert s.half_width == pytest.approx(2.7764451 * math.sqrt(2.5) / math.sqrt(5))


@pytest.mark.parametrize("num", [1, 2, 3, 4])
def test_fewer_than_five_runs_have_a_range_and_no_mean(num):
    s = summarize([float(i) for i in range(num)], higher_is_better=False)
    assert (s.mean, s.half_width, s.deviation, s.median) == (None, None, None, None)
    assert (s.lowest, s.highest) == (0.0, num - 1.0)


def test_fewer_than_five_common_seeds_have_no_test():
    assert compare_rows({"row": {s: ROW[s] for s in range(4)}}, BASELINE, higher_is_better=False) == {}
    assert compare_rows({"row": {s + 1: v for s, v in ROW.items()}}, BASELINE, higher_is_better=False) == {}


@pytest.mark.parametrize(("higher_is_better", "median"), [(False, 4.0), (True, 2.0)])
def test_a_lost_run_leaves_no_mean_and_is_the_worst_for_the_median(higher_is_better, median):
    s = summarize([1.0, None, 2.0, 4.0, 9.0], higher_is_better=higher_is_better)
    assert (s.num_runs, s.num_lost, s.mean, s.half_width, s.median) == (5, 1, None, None, median)
    assert (s.lowest, s.highest) == (1.0, 9.0)


def test_a_median_that_falls_on_a_lost_run_is_none():
    assert summarize([1.0, None, None, None, 2.0], higher_is_better=True).median is None
    assert summarize([None] * 5, higher_is_better=True).lowest is None


def test_the_paired_comparison_by_hand():
    c = compare(ROW)
    assert (c.test, c.difference, c.num_seeds) == (PAIRED_T, -3.0, 5)
    # The differences -1 ... -5 have the deviation sqrt(2.5); Hedges' factor at 4 degrees of freedom is sqrt(2 / pi).
    assert c.effect_size == pytest.approx(math.sqrt(2 / math.pi) * 3 / math.sqrt(2.5))
    assert c.p_value == pytest.approx(stats.ttest_rel(list(ROW.values()), list(BASELINE.values())).pvalue)
    assert c.verdict == "better"


def test_the_direction_turns_verdict_and_effect_and_nothing_else():
    low, high = compare(ROW), compare(ROW, higher_is_better=True)
    assert (high.verdict, high.effect_size) == ("worse", -low.effect_size)
    assert (high.p_value, high.difference) == (low.p_value, low.difference)


def test_hedges_factor_is_the_exact_one():
    assert hedges_correction(5) == pytest.approx(math.sqrt(2 / math.pi))
    assert hedges_correction(20) == pytest.approx(1 - 3 / (4 * 19 - 1), abs=1e-3)  # the usual approximation


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_verdict_that_holds_alone_can_fall_to_the_correction():
    rows = {"row": ROW, **{f"other{i}": {s: v + (-1) ** s * 0.1 for s, v in BASELINE.items()} for i in range(4)}}
    found = compare_rows(rows, BASELINE, higher_is_better=False)
    assert found["row"].p_value == compare(ROW).p_value < 0.05
    assert found["row"].adjusted_p_value == pytest.approx(5 * found["row"].p_value)
    assert found["row"].verdict == NOT_DISTINGUISHABLE


def test_identical_rows_are_not_distinguishable():
    c = compare(BASELINE)
    assert (c.p_value, c.verdict, c.superiority) == (pytest.approx(1.0), NOT_DISTINGUISHABLE, 0.5)


def test_differences_that_do_not_vary_are_compared_by_ranks():
    c = compare(dict.fromkeys(range(5), 0.0), dict.fromkeys(range(5), 1.0))
    assert (c.test, c.p_value, c.verdict) == (RANK_SUM, pytest.approx(2 / 252), "better")


def test_five_lost_runs_against_none_are_worse():
    c = compare(dict.fromkeys(range(5)))
    assert (c.test, c.effect_size, c.difference, c.superiority) == (RANK_SUM, None, None, 0.0)
    assert c.p_value == pytest.approx(2 / 252)
    assert c.verdict == "worse"
    assert compare(BASELINE, dict.fromkeys(range(5))).verdict == "better"


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_lost_runs_are_worse_in_either_direction(higher_is_better):
    assert compare(dict.fromkeys(range(5)), higher_is_better=higher_is_better).verdict == "worse"


def test_one_lost_run_is_no_verdict():
    assert compare({**BASELINE, 2: None}).verdict == NOT_DISTINGUISHABLE


def test_lost_runs_on_both_sides_are_ties():
    everything = compare(dict.fromkeys(range(5)), dict.fromkeys(range(5)))
    assert (everything.p_value, everything.superiority, everything.verdict) == (1.0, 0.5, NOT_DISTINGUISHABLE)


def test_rank_sum_equals_scipys_exact_test_without_ties():
    rng = np.random.default_rng(1)
    for _ in range(5):
        a, b = rng.normal(size=5), rng.normal(size=5)
        expected = stats.mannwhitneyu(a, b, method="exact")
        p_value, superiority = rank_sum(list(a), list(b), higher_is_better=True)
        assert p_value == pytest.approx(expected.pvalue)
        assert superiority == pytest.approx(expected.statistic / 25)


def test_rank_sum_with_ties_counts_all_splits():
    row, baseline = [None, None, None, 9.0, 2.0], [1.0, 2.0, None, 4.0, 5.0]
    ranks = stats.rankdata([math.inf if v is None else v for v in row + baseline])
    sums = np.array([sum(ranks[list(split)]) for split in itertools.combinations(range(10), 5)])
    outputs = ranks[:5].sum()
    expected = 2 * min((sums <= outputs).mean(), (sums >= outputs).mean())
    assert rank_sum(row, baseline, higher_is_better=False)[0] == pytest.approx(expected)


def test_rank_sum_of_many_runs_is_near_the_exact_one():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=10), rng.normal(1.0, size=10)
    exact = stats.mannwhitneyu(a, b, method="exact").pvalue
    assert rank_sum(list(a), list(b), higher_is_better=True)[0] == pytest.approx(exact, rel=0.1)


def test_sampling_error_is_the_root_mean_square_of_what_is_known():
    assert sampling_error([3.0, None, 4.0]) == pytest.approx(math.sqrt(12.5))
    assert sampling_error([None]) is None


# Rates by simulation


@pytest.mark.parametrize("num_seeds", [5, 10])
def test_intervals_cover_at_their_rate(num_seeds):
    num = 4000
    values = np.random.default_rng(0).normal(3.0, 2.0, size=(num, num_seeds))
    intervals = [t_interval(list(row)) for row in values]
    assert within(sum(abs(mean - 3.0) <= half for mean, half, _ in intervals) / num, 0.95, num)


NOISE = {
    "normal": lambda rng, size: rng.normal(size=size),
    "heavy-tailed": lambda rng, size: rng.standard_t(3, size=size),
    "skewed": lambda rng, size: rng.lognormal(size=size),
}


def false_positive_rate(noise, *, num_tables, num_rows, failure_rate=0.0, share_of_seed=0.3) -> float:
    """Return the share of tables without any effect in which a row is told from the baseline."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(num_tables):
        # Runs of one seed are alike, as they start from the same weights.
        values = noise(rng, (num_rows + 1, 5)) + share_of_seed * noise(rng, (1, 5))
        lost = rng.random(values.shape) < failure_rate
        rows = [{s: None if lost[r, s] else float(values[r, s]) for s in range(5)} for r in range(num_rows + 1)]
        named = {str(r): row for r, row in enumerate(rows[1:])}
        found = compare_rows(named, rows[0], higher_is_better=False)
        wrong += any(c.verdict != NOT_DISTINGUISHABLE for c in found.values())
    return wrong / num_tables


PAGE = (Path(__file__).parents[2] / "docs/benchmark_protocol.md").read_text("utf-8")


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize(("column", "num_rows"), [(0, 1), (1, 4)])
def test_in_a_thousand_tables_without_effect_the_level_holds_over_all_rows_and_is_the_pages(noise, column, num_rows):
    rate = false_positive_rate(NOISE[noise], num_tables=1000, num_rows=num_rows)
    assert rate <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)
    (rates,) = re.findall(rf"^\| {noise}\b[^|]*\| ([\d.]+) % \| ([\d.]+) % \|$", PAGE, re.MULTILINE)
    assert f"{100 * rate:.1f}" == rates[column]


@pytest.mark.parametrize("share_of_seed", [0.0, 1.0])
def test_the_level_holds_where_runs_fail_and_is_the_pages(share_of_seed):
    options = {"num_tables": 250, "num_rows": 2, "failure_rate": 0.3, "share_of_seed": share_of_seed}
    rate = false_positive_rate(NOISE["normal"], **options)
    assert rate <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 250)
    assert [f"{100 * rate:.0f}"] == re.findall(r"(\d+)<!-- false findings with lost runs --> %", PAGE)


@pytest.mark.parametrize(("num_seeds", "effect"), [(5, 1.5), (5, 2.5), (10, 1.0)])
def test_an_effect_is_found_as_often_as_the_power_says(num_seeds, effect):
    num, rng = 2000, np.random.default_rng(4)
    found = 0
    for _ in range(num):
        baseline, difference = rng.normal(size=num_seeds), rng.normal(-effect, 1.0, size=num_seeds)
        row = dict(enumerate((baseline + difference).tolist()))
        found += compare(row, dict(enumerate(baseline.tolist()))).verdict == "better"
    assert within(found / num, power(effect, num_seeds), num)


def test_power_without_effect_is_the_level():
    assert power(0.0, 5) == pytest.approx(0.05)
    assert power(0.0, 5, alpha=0.0125) == pytest.approx(0.0125)


def test_power_of_a_large_effect_is_one_and_of_either_sign_the_same():
    assert power(40.0, 5) == pytest.approx(1.0)
    assert power(-1.3, 5) == power(1.3, 5)


@pytest.mark.parametrize("num_seeds", [5, 10])
def test_the_detectable_effect_has_the_power_asked_for(num_seeds):
    assert power(detectable_effect(num_seeds, chance=0.8), num_seeds) == pytest.approx(0.8)
