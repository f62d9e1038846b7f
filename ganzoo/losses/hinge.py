"""The hinge loss. N: batch."""

from torch import Tensor
from torch.nn import functional

from ganzoo.losses.base import AdversarialLoss
from ganzoo.registry import register


@register("losses")
class hinge(AdversarialLoss):
    """Let D separate real from fake by a margin of 1 on either side of 0, and G raise the logits of fakes.

    Source: Lim & Ye, "Geometric GAN", arXiv:1705.02894; in the form of Miyato et al., arXiv:1802.05957, equations 16
    and 17: D minimises E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] and G minimises -E[D(G(z))].

    >>> real_N, fake_N = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0])
    >>> hinge().d_loss(real_N, fake_N).item(), hinge().g_loss(fake_N, None).item()
    (0.75, 1.5)
    """

    least_d_loss = 0.0

    def d_loss(self, real_logits_N: Tensor, fake_logits_N: Tensor) -> Tensor:
        """Return the loss of logits on the wrong side of the margin, a scalar of at least 0."""
        return functional.relu(1.0 - real_logits_N).mean() + functional.relu(1.0 + fake_logits_N).mean()

    def g_loss(self, fake_logits_N: Tensor, real_logits_N: Tensor | None) -> Tensor:
        """Return the negative mean logit of the fakes: no margin here, or G would stop learning where it is ahead."""
        return -fake_logits_N.mean()
