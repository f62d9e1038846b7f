"""Checks of optimizers with their schedules."""

import copy

import torch
from torch import Tensor, nn

from ganzoo.component import Part
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.testing.findings import Findings
from ganzoo.testing.tools import make_rng

NUM_STEPS = 10


class Descent:
    """Minimising a quadratic bowl of two tensors.

    Args:
        part: makes the optimizer and the schedule.
    """

    def __init__(self, part: Part[OptimizerRecipe]) -> None:
        rng = make_rng()
        self.parameters = [nn.Parameter(torch.randn(4, 3, generator=rng)), nn.Parameter(torch.randn(5, generator=rng))]
        recipe = part(num_steps=NUM_STEPS)
        self.optimizer = recipe.optimizer(iter(self.parameters))
        self.scheduler = recipe.scheduler(self.optimizer)

    def loss(self) -> Tensor:
        """Return half the squared distance from 0."""
        return torch.stack([p.square().sum() for p in self.parameters]).sum() / 2

    def run(self, num_steps: int) -> list[float]:
        """Make steps and return the learning rate of each."""
        rates = []
        for _ in range(num_steps):
            rates.append(float(self.optimizer.param_groups[0]["lr"]))
            self.optimizer.zero_grad(set_to_none=True)
            self.loss().backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.scheduler.step()
        return rates

    def resumed(self, part: Part[OptimizerRecipe]) -> "Descent":
        """Return another that starts from a copy of this one's state."""
        other = Descent(part)
        for mine, theirs in zip(self.parameters, other.parameters, strict=True):
            theirs.data.copy_(mine.data)
        other.optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))
        other.scheduler.load_state_dict(copy.deepcopy(self.scheduler.state_dict()))
        return other


def check_optimizer(part: Part[OptimizerRecipe], findings: Findings) -> None:
    """Check that it moves every parameter and descends, that its rates are sane, and that it resumes exactly."""
    with findings.guard("optimizer") as at:
        descent = Descent(part)
        start, before = float(descent.loss().detach()), [p.detach().clone() for p in descent.parameters]
        rates = descent.run(2)
        at.expect(
            not any(torch.equal(a, b) for a, b in zip(before, descent.parameters, strict=True)),
            "two steps leave a parameter as it was",
            "give all of `parameters` to the optimizer; it can be iterated once",
        )
        rates += descent.run(NUM_STEPS - 2)
        at.expect(
            float(descent.loss().detach()) < start,
            f"{NUM_STEPS} steps on a quadratic do not lower it",
            "check the direction of the step",
        )
        findings.at("scheduler").expect(
            all(0 <= rate < float("inf") for rate in rates) and rates[0] > 0,
            f"its learning rates over a run of {NUM_STEPS} steps are {rates}",
            "they must be finite, not negative, and positive at first",
        )
    with findings.guard("state") as at:
        whole, first = Descent(part), Descent(part)
        whole.run(NUM_STEPS)
        first.run(4)
        second = first.resumed(part)
        second.run(NUM_STEPS - 4)
        at.expect(
            all(torch.equal(a, b) for a, b in zip(whole.parameters, second.parameters, strict=True)),
            "resumed from the state_dicts of optimizer and scheduler, it goes on differently",
            "keep all that changes in them; a schedule must depend on the step alone",
        )
