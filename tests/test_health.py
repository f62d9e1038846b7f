"""Flags by hand."""

import torch

from ganzoo.health import collapse_flag, diversity, saturation_flag


def test_diversity_is_the_mean_standard_deviation_of_a_pixel() -> None:
    images = torch.zeros(2, 1, 1, 2, dtype=torch.uint8)
    images[1, 0, 0, 0] = 10  # pixels of 0, 10 and of 0, 0: standard deviations sqrt(50) and 0
    assert abs(diversity(images) - 50**0.5 / 2) < 1e-6


def test_images_that_hardly_differ_are_a_collapse() -> None:
    assert collapse_flag(20.0, 40.0, step=7) is None
    flag = collapse_flag(0.4, 40.0, step=7)
    assert flag == "collapsed at step 7: the generated images vary by 1.0% of the real ones' variation"


def test_a_loss_near_zero_over_ten_rows_is_saturation_from_the_first_of_them_on() -> None:
    rows = [{"step": step, "d/adversarial": 1.0 if step < 30 else 0.001} for step in range(0, 200, 10)]
    flag = saturation_flag(rows)
    assert flag is not None
    assert "from step 100 on" in flag
    assert saturation_flag(rows[:12]) is None
    assert saturation_flag([{"step": 1, "metric/fd": 3.0}]) is None
