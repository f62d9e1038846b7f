"""Cost of a row, and the compute-matched view, by hand."""

import math

import pytest

from ganzoo.bench.cost import common_budget, cost, metric_curve, value_at

CURVE = ((1000, 300.0), (2000, 200.0), (3000, 180.0))


@pytest.mark.parametrize(
    ("num_d_images", "expected"),
    [(128_000, 300.0), (192_000, 250.0), (256_000, 200.0), (320_000, 190.0), (384_000, 180.0)],
)
def test_between_evaluations_the_value_is_interpolated_linearly(fakes, num_d_images, expected):
    run = fakes.record("row", 0, {})  # 3,000 steps and 384,000 images
    assert value_at(run, CURVE, num_d_images) == pytest.approx(expected)


@pytest.mark.parametrize("num_d_images", [0, 127_000, 385_000, 10**9])
def test_outside_the_evaluations_nothing_is_known(fakes, num_d_images):
    assert value_at(fakes.record("row", 0, {}), CURVE, num_d_images) is None


def test_more_views_reach_a_number_of_images_in_fewer_steps(fakes):
    run = fakes.record("row", 0, {}, views=2.0)  # 768,000 images: 384,000 at step 1,500
    assert value_at(run, CURVE, 384_000) == pytest.approx(250.0)


def test_a_single_evaluation_counts_at_its_own_point_alone(fakes):
    run = fakes.record("row", 0, {})
    assert value_at(run, ((3000, 180.0),), 384_000) == 180.0
    assert value_at(run, ((3000, 180.0),), 383_000) is None
    assert value_at(run, (), 384_000) is None


def test_a_nan_in_a_curve_gives_no_value(fakes):
    assert value_at(fakes.record("row", 0, {}), ((1000, math.nan), (3000, 1.0)), 256_000) is None


def test_the_budget_is_the_least_that_a_finished_run_spent(fakes):
    runs = [fakes.record("a", 0, {}), fakes.record("b", 0, {}, views=2.0), fakes.record("c", 0, {}, failed="NaN")]
    assert common_budget(runs) == 384_000
    assert common_budget(runs[2:]) is None


def test_a_curve_is_found_with_and_without_its_split(fakes):
    run = fakes.record("a", 0, {}, curves={"metric/fd": [(1, 2.0)], "metric/kd/test": [(1, 3.0)]})
    assert metric_curve(run, "fd", "test") == ((1, 2.0),)
    assert metric_curve(run, "kd", "test") == ((1, 3.0),)
    assert metric_curve(run, "kd", "train") == ()


def test_a_failed_run_does_not_make_a_row_look_cheap(fakes):
    c = cost([fakes.record("a", 0, {}), fakes.record("a", 1, {}, failed="NaN")])
    assert (c.num_steps, c.num_d_images, c.seconds) == (3000, 384_000, pytest.approx(780.0))
    assert cost([fakes.record("a", 1, {}, failed="NaN")]).num_steps == 1200
