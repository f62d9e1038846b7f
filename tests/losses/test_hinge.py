"""The hinge loss, by hand."""

import torch

from ganzoo.losses.hinge import hinge

REAL_N = torch.tensor([2.0, 0.5, -1.0])  # behind the margin by 0, 0.5, 2
FAKE_N = torch.tensor([-3.0, 0.0, 1.0])  # behind the margin by 0, 1, 2


def test_d_loss_is_the_mean_distance_behind_each_margin() -> None:
    expected = torch.tensor((0 + 0.5 + 2) / 3 + (0 + 1 + 2) / 3)
    assert torch.isclose(hinge().d_loss(REAL_N, FAKE_N), expected)


def test_g_loss_is_the_negative_mean_logit() -> None:
    assert torch.isclose(hinge().g_loss(FAKE_N, None), torch.tensor((3.0 + 0.0 - 1.0) / 3))


def test_logits_beyond_the_margin_give_d_no_gradient_and_g_its_full_one() -> None:
    real_N, fake_N = REAL_N.clone().requires_grad_(), FAKE_N.clone().requires_grad_()
    real_grad_N, fake_grad_N = torch.autograd.grad(hinge().d_loss(real_N, fake_N), (real_N, fake_N))
    assert torch.allclose(real_grad_N, torch.tensor([0.0, -1.0, -1.0]) / 3)
    assert torch.allclose(fake_grad_N, torch.tensor([0.0, 1.0, 1.0]) / 3)
    (g_grad_N,) = torch.autograd.grad(hinge().g_loss(fake_N, None), fake_N)
    assert torch.allclose(g_grad_N, torch.full((3,), -1 / 3))
