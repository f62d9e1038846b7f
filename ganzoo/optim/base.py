"""The contract of an optimizer with its learning-rate schedule."""

from collections.abc import Iterable

import torch
from torch import nn

from ganzoo.component import Component


class OptimizerRecipe(Component):
    """Makes the optimizer of one network, and the schedule that is advanced once per generator update.

    Args:
        num_steps: generator updates of the whole run, a runtime argument.
    """

    kind = "optim"
    runtime_args = frozenset({"num_steps"})

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimizer of these parameters."""
        raise NotImplementedError

    def scheduler(self, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        """Return the schedule of the optimizer's learning rate."""
        raise NotImplementedError
