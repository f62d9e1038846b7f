"""Adam with decoupled weight decay."""

from collections.abc import Iterable

import torch
from torch import nn

from ganzoo.errors import ParameterError, check_positive
from ganzoo.optim.scheduled import ScheduledOptimizer, can_be_fused, check_share
from ganzoo.registry import register
from ganzoo.schedule import Schedule


@register("optim")
class adamw(ScheduledOptimizer):
    """Adam that also shrinks each weight at every update, by a share that the gradient does not enter.

    Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", arXiv:1711.05101, algorithm 2; betas as in
    `optim.adam`. As in torch, and unlike in the paper, the share is learning rate times `weight_decay`; every trained
    parameter shrinks, biases and scales included. A spectrally normalised weight's size has no effect on the network:
    to shrink it raises its effective learning rate.

    Args:
        learning_rate: step size at the first update.
        beta1: decay per update of the mean gradient, in [0, 1).
        beta2: decay per update of the mean squared gradient, in [0, 1).
        eps: added to the root of the mean squared gradient.
        weight_decay: share by which a weight shrinks at an update, per unit of learning rate; torch's default.
        schedule: `constant`, or from `learning_rate` at the first generator update to 0 after the last: `linear`, or
            `cosine`, half a wave.
    """

    def __init__(
        self,
        *,
        learning_rate: float = 2e-4,
        beta1: float = 0.0,
        beta2: float = 0.9,
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        schedule: Schedule = "constant",
        num_steps: int,
    ) -> None:
        super().__init__(learning_rate=learning_rate, schedule=schedule, num_steps=num_steps)
        check_share("beta1", beta1)
        check_share("beta2", beta2)
        check_positive(eps=eps)
        if weight_decay < 0:
            raise ParameterError("weight_decay", f"must not be negative, not {weight_decay}: weights are to shrink")
        self.betas, self.eps, self.weight_decay = (float(beta1), float(beta2)), eps, weight_decay

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return AdamW over these parameters, in one kernel where the device has it."""
        trained = list(parameters)
        return torch.optim.AdamW(
            trained,
            lr=self.learning_rate,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=can_be_fused(trained),
        )
