"""The loss of Wasserstein GANs. N: batch."""

from torch import Tensor

from ganzoo.losses.base import AdversarialLoss
from ganzoo.registry import register


@register("losses")
class wasserstein(AdversarialLoss):
    """Let D raise the mean logit of real images above the mean logit of fakes, and G bring the two together.

    Source: Arjovsky et al., "Wasserstein GAN", arXiv:1701.07875, equations 2 and 3 and algorithm 1: D minimises
    E[D(G(z))] - E[D(x)] and G minimises -E[D(G(z))]. It estimates a distance only while D's slope is bounded; left
    alone, D's logits grow without end.
    Departure: weights are not clipped, as in the paper's algorithm; bind `experiment.penalty = @penalties.wgangp`, or
    make D spectrally normalised.

    >>> real_N, fake_N = torch.tensor([2.0, 4.0]), torch.tensor([0.5])
    >>> wasserstein().d_loss(real_N, fake_N).item(), wasserstein().g_loss(fake_N, None).item()
    (-2.5, -0.5)
    """

    def d_loss(self, real_logits_N: Tensor, fake_logits_N: Tensor) -> Tensor:
        """Return the mean logit of fakes minus that of real images, a scalar of either sign."""
        return fake_logits_N.mean() - real_logits_N.mean()

    def g_loss(self, fake_logits_N: Tensor, real_logits_N: Tensor | None) -> Tensor:
        """Return the negative mean logit of the fakes; the real term of the distance does not depend on G."""
        return -fake_logits_N.mean()
