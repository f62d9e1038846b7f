"""Adam."""

from collections.abc import Iterable

import torch
from torch import nn

from ganzoo.errors import check_positive
from ganzoo.optim.scheduled import ScheduledOptimizer, can_be_fused, check_share
from ganzoo.registry import register
from ganzoo.schedule import Schedule


@register("optim")
class adam(ScheduledOptimizer):
    """Adam, with the settings of spectrally normalised GANs as defaults.

    Source: Kingma & Ba, arXiv:1412.6980, algorithm 1; defaults as for the ResNets of Miyato et al., arXiv:1802.05957,
    appendix B.2.

    Args:
        learning_rate: step size at the first update.
        beta1: decay per update of the mean gradient, in [0, 1); GANs fare better without momentum, hence 0.
        beta2: decay per update of the mean squared gradient, in [0, 1).
        eps: added to the root of the mean squared gradient.
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
        schedule: Schedule = "constant",
        num_steps: int,
    ) -> None:
        super().__init__(learning_rate=learning_rate, schedule=schedule, num_steps=num_steps)
        check_share("beta1", beta1)
        check_share("beta2", beta2)
        check_positive(eps=eps)
        self.betas, self.eps = (float(beta1), float(beta2)), eps

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return Adam over these parameters, in one kernel where the device has it."""
        trained = list(parameters)
        return torch.optim.Adam(
            trained, lr=self.learning_rate, betas=self.betas, eps=self.eps, fused=can_be_fused(trained)
        )
