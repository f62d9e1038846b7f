"""The non-saturating loss against torch's cross-entropy."""

import math

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from ganzoo.losses.non_saturating import non_saturating

REAL_N, FAKE_N = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0, 1.0])
ONE_N, ZERO_N = torch.ones(3), torch.zeros(3)


def test_d_loss_is_the_cross_entropy_of_real_as_1_and_fake_as_0() -> None:
    expected = binary_cross_entropy_with_logits(REAL_N, ONE_N) + binary_cross_entropy_with_logits(FAKE_N, ZERO_N)
    assert torch.allclose(non_saturating().d_loss(REAL_N, FAKE_N), expected)


def test_g_loss_is_the_cross_entropy_of_fake_as_1() -> None:
    assert torch.allclose(non_saturating().g_loss(FAKE_N, None), binary_cross_entropy_with_logits(FAKE_N, ONE_N))


def test_a_discriminator_that_knows_nothing_pays_two_log_two() -> None:
    assert math.isclose(float(non_saturating().d_loss(ZERO_N, ZERO_N)), 2 * math.log(2), rel_tol=1e-6)


def test_where_a_fake_is_surely_recognised_g_keeps_its_gradient() -> None:
    fake_N = torch.tensor([-50.0], requires_grad=True)
    (gradient_N,) = torch.autograd.grad(non_saturating().g_loss(fake_N, None), fake_N)
    assert torch.allclose(gradient_N, torch.tensor([-1.0]))
