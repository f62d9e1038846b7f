"""Relativistic average losses, by hand."""

import math
from typing import Literal

import pytest
import torch

from ganzoo.losses.relativistic_average import relativistic_average

REAL_N, FAKE_N = torch.tensor([2.0, 0.0]), torch.tensor([-0.5, 1.5])  # means 1 and 0.5
REAL_ABOVE, FAKE_ABOVE = (1.5, -0.5), (-1.5, 0.5)  # each above the mean of the other kind


def softplus(x: float) -> float:
    return math.log(1 + math.exp(x))


def test_cross_entropy_of_the_differences() -> None:
    loss = relativistic_average()
    d = sum(softplus(-x) for x in REAL_ABOVE) / 2 + sum(softplus(x) for x in FAKE_ABOVE) / 2
    g = sum(softplus(x) for x in REAL_ABOVE) / 2 + sum(softplus(-x) for x in FAKE_ABOVE) / 2
    assert loss.d_loss(REAL_N, FAKE_N).item() == pytest.approx(d)
    assert loss.g_loss(FAKE_N, REAL_N).item() == pytest.approx(g)


def test_hinge_of_the_differences() -> None:
    loss = relativistic_average(form="hinge")
    # D: real behind the margin 1 by 0 and 1.5, fakes behind -1 by 0 and 1.5. G: the other way round, by 2.5 and 0.5.
    assert loss.d_loss(REAL_N, FAKE_N).item() == pytest.approx(1.5 / 2 + 1.5 / 2)
    assert loss.g_loss(FAKE_N, REAL_N).item() == pytest.approx((2.5 + 0.5) / 2 + (2.5 + 0.5) / 2)


@pytest.mark.parametrize("form", ["cross_entropy", "hinge"])
def test_a_number_added_to_all_logits_changes_nothing(form: Literal["cross_entropy", "hinge"]) -> None:
    loss = relativistic_average(form=form)
    assert torch.isclose(loss.d_loss(REAL_N + 7, FAKE_N + 7), loss.d_loss(REAL_N, FAKE_N))
    assert torch.isclose(loss.g_loss(FAKE_N + 7, REAL_N + 7), loss.g_loss(FAKE_N, REAL_N))


def test_g_asks_for_the_real_logits() -> None:
    assert relativistic_average.g_needs_real
    with pytest.raises(AssertionError, match="compares with real images"):
        relativistic_average().g_loss(FAKE_N, None)
