"""AdamW against its formula."""

import math

import pytest
import torch
from torch import nn

from ganzoo.optim.adam import adam
from ganzoo.optim.adamw import adamw
from ganzoo.optim.base import OptimizerRecipe

GRADIENTS = [[0.5, -2.0], [1.0, 0.0], [-0.25, 3.0]]


def updated(recipe: OptimizerRecipe) -> list[float]:
    parameter = nn.Parameter(torch.tensor([1.0, -1.0]))
    optimizer = recipe.optimizer(iter([parameter]))
    for gradient in GRADIENTS:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
    return parameter.tolist()


def test_weights_shrink_by_a_share_that_the_gradient_does_not_enter() -> None:
    rate, beta1, beta2, eps, decay = 0.01, 0.5, 0.9, 1e-8, 0.3
    theta, m, v = [1.0, -1.0], [0.0, 0.0], [0.0, 0.0]
    for t, gradient in enumerate(GRADIENTS, 1):
        for i, g in enumerate(gradient):
            m[i] = beta1 * m[i] + (1 - beta1) * g
            v[i] = beta2 * v[i] + (1 - beta2) * g * g
            adam_step = rate * (m[i] / (1 - beta1**t)) / (math.sqrt(v[i] / (1 - beta2**t)) + eps)
            theta[i] = theta[i] * (1 - rate * decay) - adam_step
    recipe = adamw(learning_rate=rate, beta1=beta1, beta2=beta2, eps=eps, weight_decay=decay, num_steps=3)
    assert updated(recipe) == pytest.approx(theta)


def test_without_decay_it_is_adam() -> None:
    assert updated(adamw(weight_decay=0.0, num_steps=3)) == updated(adam(num_steps=3))


@pytest.mark.parametrize(
    ("name", "value"), [("learning_rate", 0.0), ("beta1", 1.0), ("beta2", -0.1), ("eps", 0.0), ("weight_decay", -1.0)]
)
def test_values_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        adamw(**{name: value}, num_steps=1)  # type: ignore[arg-type]
