"""The loss of the original GAN, in its non-saturating form. N: batch."""

from torch import Tensor
from torch.nn import functional

from ganzoo.losses.base import AdversarialLoss
from ganzoo.registry import register


@register("losses")
class non_saturating(AdversarialLoss):
    """Let D classify real against fake by cross-entropy, and G maximise the log-probability that a fake is real.

    Source: Goodfellow et al., "Generative Adversarial Networks", arXiv:1406.2661, section 3: D minimises
    -E[log s(D(x))] - E[log(1 - s(D(G(z))))] and G minimises -E[log s(D(G(z)))], s the logistic function. Written with
    softplus(t) = log(1 + exp(t)) = -log s(-t), which is exact for large logits too.

    >>> round(non_saturating().d_loss(torch.zeros(2), torch.zeros(2)).item(), 3)  # 2 log 2
    1.386
    """

    least_d_loss = 0.0

    def d_loss(self, real_logits_N: Tensor, fake_logits_N: Tensor) -> Tensor:
        """Return the sum of both cross-entropies in nats, a scalar of at least 0; 2 log 2 if D knows nothing."""
        return functional.softplus(-real_logits_N).mean() + functional.softplus(fake_logits_N).mean()

    def g_loss(self, fake_logits_N: Tensor, real_logits_N: Tensor | None) -> Tensor:
        """Return the cross-entropy of calling the fakes real, a scalar of at least 0."""
        return functional.softplus(-fake_logits_N).mean()
