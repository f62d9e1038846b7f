"""The least-squares loss, by hand."""

import pytest
import torch

from ganzoo.losses.least_squares import least_squares

REAL_N, FAKE_N = torch.tensor([3.0, 1.0]), torch.tensor([-1.0, 2.0])


def test_the_zero_one_code_by_hand() -> None:
    # Real logits are 2 and 0 from 1; fakes 1 and 2 from 0, and 2 and 1 from 1.
    assert least_squares().d_loss(REAL_N, FAKE_N).item() == pytest.approx(0.5 * (4 + 0) / 2 + 0.5 * (1 + 4) / 2)
    assert least_squares().g_loss(FAKE_N, None).item() == pytest.approx(0.5 * (4 + 1) / 2)


def test_the_pearson_code_by_hand() -> None:
    loss = least_squares(fake_target=-1.0, real_target=1.0, generator_target=0.0)
    assert loss.d_loss(REAL_N, FAKE_N).item() == pytest.approx(0.5 * (4 + 0) / 2 + 0.5 * (0 + 9) / 2)
    assert loss.g_loss(FAKE_N, None).item() == pytest.approx(0.5 * (1 + 4) / 2)


def test_g_is_at_rest_at_its_target() -> None:
    fake_N = torch.ones(2, requires_grad=True)
    (gradient_N,) = torch.autograd.grad(least_squares().g_loss(fake_N, None), fake_N)
    assert torch.equal(gradient_N, torch.zeros(2))


@pytest.mark.parametrize("targets", [{"real_target": -0.5}, {"fake_target": 1.0}, {"generator_target": 0.0}])
def test_targets_in_the_wrong_order_are_refused(targets: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="fake_target must be less than real_target and generator_target"):
        least_squares(**targets)
