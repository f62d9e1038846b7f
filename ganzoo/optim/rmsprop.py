"""RMSprop."""

from collections.abc import Iterable

import torch
from torch import nn

from ganzoo.errors import check_positive
from ganzoo.optim.scheduled import ScheduledOptimizer, check_share
from ganzoo.registry import register


@register("optim")
class rmsprop(ScheduledOptimizer):
    """Divide each gradient by the root of its mean square: Adam without momentum and without correction at the start.

    Source: Tieleman & Hinton, "Neural Networks for Machine Learning", lecture 6.5, 2012; in GANs, Arjovsky et al.,
    arXiv:1701.07875, algorithm 1, which gives the learning rate. The mean squares begin at 0, as torch's, so that first
    steps are larger than later ones.
    Departure: the decay is torch's 0.99; the lecture has 0.9.

    >>> weight = nn.Parameter(torch.tensor(1.0))
    >>> weight.grad = torch.tensor(3.0)
    >>> rmsprop(learning_rate=0.01, num_steps=1).optimizer([weight]).step()
    >>> round(weight.item(), 3)
    0.9

    Args:
        decay: of the mean squared gradient per update, in [0, 1).
        eps: added to the root of the mean squared gradient.
    """

    learning_rate: float = 5e-5
    decay: float = 0.99
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share("decay", self.decay)
        check_positive(eps=self.eps)

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return RMSprop over these parameters."""
        return torch.optim.RMSprop(parameters, lr=self.learning_rate, alpha=self.decay, eps=self.eps)
