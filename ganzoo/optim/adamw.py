"""Adam with decoupled weight decay."""

from collections.abc import Iterable

import torch
from torch import nn

from ganzoo.errors import check_not_negative
from ganzoo.optim.adam import adam
from ganzoo.optim.scheduled import can_be_fused
from ganzoo.registry import register


@register("optim")
class adamw(adam):
    """Adam that also shrinks each weight at every update, by a share that does not depend on the gradient.

    Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", arXiv:1711.05101, algorithm 2; betas as in
    `optim.adam`. As in torch, and unlike in the paper, the share is the learning rate times `weight_decay`. Every
    trained parameter shrinks, biases and scales included. The size of a spectrally normalised weight has no effect on
    the network; to shrink it raises its effective learning rate.

    >>> weight = nn.Parameter(torch.tensor(1.0))
    >>> weight.grad = torch.tensor(0.0)
    >>> adamw(learning_rate=0.5, weight_decay=0.1, num_steps=1).optimizer([weight]).step()
    >>> round(weight.item(), 3)
    0.95

    Args:
        weight_decay: share by which a weight shrinks at an update, per unit of learning rate; torch's default.
    """

    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative(weight_decay=self.weight_decay)

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
