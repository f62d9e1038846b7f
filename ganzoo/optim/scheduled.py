"""What every optimizer here has: a learning rate, and how it falls over the run."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from ganzoo.component import DeclaredArguments
from ganzoo.errors import ParameterError, check_positive
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.schedule import Schedule, remaining

FUSED_DEVICES = ("cpu", "cuda")  # where torch has a kernel for the whole update; it repeats to the bit on both


class ScheduledOptimizer(DeclaredArguments, OptimizerRecipe):
    """An optimizer whose learning rate is constant or falls to 0.

    A subclass declares the default of the learning rate and the options that it adds.

    Args:
        learning_rate: step size at the first update.
        schedule: `constant`, or from `learning_rate` at the first generator update to 0 after the last: `linear`, or
            `cosine`, half a wave.
        num_steps: generator updates of the run.
    """

    learning_rate: float
    schedule: Schedule = "constant"
    num_steps: int

    def __post_init__(self) -> None:
        check_positive(learning_rate=self.learning_rate)

    def scheduler(self, optimizer: torch.optim.Optimizer) -> LambdaLR:
        """Return the schedule; it is advanced once per generator update, whatever the optimizer's own number."""
        num_steps, schedule = self.num_steps, self.schedule

        def factor(step: int) -> float:
            return remaining(schedule, step / num_steps)

        return LambdaLR(optimizer, factor)


def check_share(name: str, value: float) -> None:
    """Refuse a decay per update that does not lie in [0, 1).

    Raises:
        ParameterError: it does not.
    """
    if not 0 <= value < 1:
        raise ParameterError(name, f"must lie in [0, 1), not {value}")


def can_be_fused(parameters: Iterable[nn.Parameter]) -> bool:
    """Return whether torch has one kernel for the update of all parameters (three times as fast on a CPU)."""
    return all(p.device.type in FUSED_DEVICES and p.is_floating_point() for p in parameters)
