"""Adam."""

from collections.abc import Iterable

import torch
from torch import nn

from ganzoo.errors import check_positive
from ganzoo.optim.scheduled import ScheduledOptimizer, can_be_fused, check_share
from ganzoo.registry import register


@register("optim")
class adam(ScheduledOptimizer):
    """Adam, with the settings of spectrally normalised GANs as defaults.

    Source: Kingma & Ba, arXiv:1412.6980, algorithm 1; defaults as for the ResNets of Miyato et al., arXiv:1802.05957,
    appendix B.2.

    >>> weight = nn.Parameter(torch.tensor(1.0))
    >>> weight.grad = torch.tensor(3.0)
    >>> adam(learning_rate=0.25, num_steps=1).optimizer([weight]).step()
    >>> round(weight.item(), 3)
    0.75

    Args:
        beta1: decay per update of the mean gradient, in [0, 1); GANs fare better without momentum, hence 0.
        beta2: decay per update of the mean squared gradient, in [0, 1).
        eps: added to the root of the mean squared gradient.
    """

    learning_rate: float = 2e-4
    beta1: float = 0.0
    beta2: float = 0.9
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share("beta1", self.beta1)
        check_share("beta2", self.beta2)
        check_positive(eps=self.eps)
        self.betas = float(self.beta1), float(self.beta2)

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return Adam over these parameters, in one kernel where the device has it."""
        trained = list(parameters)
        return torch.optim.Adam(
            trained, lr=self.learning_rate, betas=self.betas, eps=self.eps, fused=can_be_fused(trained)
        )
