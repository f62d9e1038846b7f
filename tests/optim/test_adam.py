"""Adam against its formula, and its schedule against hand-made rates."""

import copy
import io
import math

import pytest
import torch
from torch import Tensor, nn

from ganzoo.optim.adam import adam

GRADIENTS = [torch.tensor([0.5, -2.0]), torch.tensor([1.0, 0.0]), torch.tensor([-0.25, 3.0])]


def updated(recipe: adam, gradients: list[Tensor]) -> Tensor:
    parameter = nn.Parameter(torch.tensor([1.0, -1.0]))
    optimizer = recipe.optimizer(iter([parameter]))
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter.detach()


def test_updates_follow_the_formula_of_the_paper() -> None:
    rate, beta1, beta2, eps = 0.01, 0.5, 0.9, 1e-8
    theta, m, v = [1.0, -1.0], [0.0, 0.0], [0.0, 0.0]
    for t, gradient in enumerate(GRADIENTS, 1):
        for i, g in enumerate(gradient.tolist()):
            m[i] = beta1 * m[i] + (1 - beta1) * g
            v[i] = beta2 * v[i] + (1 - beta2) * g * g
            theta[i] -= rate * (m[i] / (1 - beta1**t)) / (math.sqrt(v[i] / (1 - beta2**t)) + eps)
    recipe = adam(learning_rate=rate, beta1=beta1, beta2=beta2, eps=eps, num_steps=3)
    torch.testing.assert_close(updated(recipe, GRADIENTS), torch.tensor(theta))


def test_defaults_are_those_of_spectrally_normalised_gans() -> None:
    group = adam(num_steps=1).optimizer([nn.Parameter(torch.zeros(1))]).param_groups[0]
    assert (group["lr"], group["betas"], group["eps"]) == (2e-4, (0.0, 0.9), 1e-8)


def test_the_fused_kernel_repeats_to_the_bit() -> None:
    rng = torch.Generator().manual_seed(0)
    gradients = [torch.randn(2, generator=rng) for _ in range(20)]
    assert torch.equal(updated(adam(num_steps=20), gradients), updated(adam(num_steps=20), gradients))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1.0] * 5),
        ("linear", [1.0, 0.75, 0.5, 0.25, 0.0]),
        ("cosine", [1.0, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2, 0.0]),
    ],
)
def test_rates_over_a_run_of_four_updates(schedule: str, expected: list[float]) -> None:
    recipe = adam(learning_rate=0.1, schedule=schedule, num_steps=4)  # type: ignore[arg-type]
    optimizer = recipe.optimizer([nn.Parameter(torch.zeros(1))])
    scheduler = recipe.scheduler(optimizer)
    rates = []
    for _ in range(5):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([0.1 * factor for factor in expected])


def test_a_state_written_to_a_file_and_read_without_code_continues_the_schedule() -> None:
    recipe = adam(learning_rate=0.1, schedule="linear", num_steps=4)
    optimizer = recipe.optimizer([nn.Parameter(torch.zeros(1))])
    scheduler = recipe.scheduler(optimizer)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    file = io.BytesIO()
    torch.save({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, file)
    file.seek(0)
    state = torch.load(file, weights_only=True)

    restored = recipe.optimizer([nn.Parameter(torch.zeros(1))])
    restored_scheduler = recipe.scheduler(restored)
    restored.load_state_dict(copy.deepcopy(state["optimizer"]))
    restored_scheduler.load_state_dict(state["scheduler"])
    assert restored.param_groups[0]["lr"] == pytest.approx(0.025)
    restored.step()
    restored_scheduler.step()
    assert restored.param_groups[0]["lr"] == 0.0


@pytest.mark.parametrize(("name", "value"), [("learning_rate", 0.0), ("beta1", 1.0), ("beta2", -0.1), ("eps", 0.0)])
def test_values_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        adam(**{name: value}, num_steps=1)  # type: ignore[arg-type]
