"""The contract of an adversarial loss. N: batch."""

from typing import ClassVar

from torch import Tensor

from ganzoo.component import Component


class AdversarialLoss(Component):
    """What the discriminator and the generator minimise, from logits alone."""

    kind = "losses"

    g_needs_real: ClassVar[bool] = False
    """Whether the generator's loss compares with the logits of real images (relativistic losses do)."""

    least_d_loss: ClassVar[float | None] = None
    """The value that `d_loss` approaches if D tells real from fake perfectly; a run that stays there is flagged as
    saturated. None if there is no least value (a difference of mean logits has none), or it is not known."""

    def d_loss(self, real_logits_N: Tensor, fake_logits_N: Tensor) -> Tensor:
        """Return the discriminator's loss, a scalar, from logits (N,)."""
        raise NotImplementedError

    def g_loss(self, fake_logits_N: Tensor, real_logits_N: Tensor | None) -> Tensor:
        """Return the generator's loss, a scalar; the real logits are None unless `g_needs_real`."""
        raise NotImplementedError
