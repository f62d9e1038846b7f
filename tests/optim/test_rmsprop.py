"""RMSprop against its formula."""

import math

import pytest
import torch
from torch import nn

from ganzoo.optim.rmsprop import rmsprop

GRADIENTS = [[0.5, -2.0], [1.0, 0.0], [-0.25, 3.0]]


def test_gradients_are_divided_by_the_root_of_their_mean_square() -> None:
    rate, decay, eps = 0.01, 0.9, 1e-8
    theta, v = [1.0, -1.0], [0.0, 0.0]
    parameter = nn.Parameter(torch.tensor(theta))
    optimizer = rmsprop(learning_rate=rate, decay=decay, eps=eps, num_steps=3).optimizer(iter([parameter]))
    for gradient in GRADIENTS:
        for i, g in enumerate(gradient):
            v[i] = decay * v[i] + (1 - decay) * g * g
            theta[i] -= rate * g / (math.sqrt(v[i]) + eps)
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
    assert parameter.tolist() == pytest.approx(theta)


def test_the_default_rate_is_that_of_wgan() -> None:
    group = rmsprop(num_steps=1).optimizer([nn.Parameter(torch.zeros(1))]).param_groups[0]
    assert (group["lr"], group["momentum"]) == (5e-5, 0)


@pytest.mark.parametrize(("name", "value"), [("learning_rate", 0.0), ("decay", 1.0), ("eps", 0.0)])
def test_values_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        rmsprop(**{name: value}, num_steps=1)  # type: ignore[arg-type]
