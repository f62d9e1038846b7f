"""The critic's loss without any margin. N: batch."""

from torch import Tensor

from ganzoo import register
from ganzoo.losses.base import AdversarialLoss


@register("losses")
class mean_difference(AdversarialLoss):
    """Let D raise the mean logit of real images over that of fakes, and G raise the latter.

    Source: Arjovsky et al., arXiv:1701.07875, algorithm 1; an example, without the bound on D's slope that it needs.

    Args:
        scale: factor of both losses.
    """

    def __init__(self, *, scale: float = 1.0) -> None:
        self.scale = scale

    def d_loss(self, real_logits_N: Tensor, fake_logits_N: Tensor) -> Tensor:
        """Return the mean fake minus the mean real logit."""
        return self.scale * (fake_logits_N.mean() - real_logits_N.mean())

    def g_loss(self, fake_logits_N: Tensor, real_logits_N: Tensor | None) -> Tensor:
        """Return the negative mean fake logit."""
        return -self.scale * fake_logits_N.mean()
