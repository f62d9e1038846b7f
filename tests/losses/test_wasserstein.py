"""The Wasserstein loss, by hand."""

import torch

from ganzoo.losses.wasserstein import wasserstein

REAL_N, FAKE_N = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0, 1.5])


def test_d_loss_is_the_difference_of_the_mean_logits() -> None:
    assert torch.isclose(wasserstein().d_loss(REAL_N, FAKE_N), torch.tensor(-0.5 - 0.5))


def test_g_loss_is_the_negative_mean_logit() -> None:
    assert torch.isclose(wasserstein().g_loss(FAKE_N, None), torch.tensor(0.5))


def test_every_logit_pulls_alike_however_large() -> None:
    real_N, fake_N = (REAL_N * 1e6).requires_grad_(), (FAKE_N * 1e6).requires_grad_()
    real_grad_N, fake_grad_N = torch.autograd.grad(wasserstein().d_loss(real_N, fake_N), (real_N, fake_N))
    assert torch.allclose(real_grad_N, torch.full((3,), -1 / 3))
    assert torch.allclose(fake_grad_N, torch.full((3,), 1 / 3))
