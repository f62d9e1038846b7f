"""Relativistic average losses. N: batch."""

from typing import Literal

from torch import Tensor
from torch.nn import functional

from ganzoo.losses.base import AdversarialLoss
from ganzoo.registry import register


@register("losses")
class relativistic_average(AdversarialLoss):
    """Judge each image by how far its logit is above the mean logit of the other kind, real against fake.

    With r and f the logits of real images and of fakes, D minimises E[cost(r - mean f)] + E[cost(mean r - f)], where
    cost(t) falls with t: log(1 + exp(-t)) for `cross_entropy`, max(0, 1 - t) for `hinge`. G minimises the same with the
    roles exchanged, so that it also lowers the logits of real images.

    Source: Jolicoeur-Martineau, "The relativistic discriminator", arXiv:1807.00734: the relativistic average GAN, there
    called RaSGAN with cross-entropy and RaHingeGAN with the hinge.
    Departure: the author's code halves the losses of both networks, which matters only beside other terms.

    >>> real_N, fake_N = torch.tensor([2.0]), torch.tensor([1.5])
    >>> loss = relativistic_average(form="hinge")
    >>> loss.d_loss(real_N, fake_N).item(), loss.g_loss(fake_N, real_N).item()
    (1.0, 3.0)

    Args:
        form: of the cost: `cross_entropy` (in nats, compare `losses.non_saturating`) or `hinge` (compare
            `losses.hinge`).
    """

    g_needs_real = True
    least_d_loss = 0.0

    def __init__(self, *, form: Literal["cross_entropy", "hinge"] = "cross_entropy") -> None:
        self.form = form

    def d_loss(self, real_logits_N: Tensor, fake_logits_N: Tensor) -> Tensor:
        """Return the cost of real images not above the mean fake and of fakes not below the mean real image."""
        real_above_N, fake_below_N = real_logits_N - fake_logits_N.mean(), real_logits_N.mean() - fake_logits_N
        return self._cost(real_above_N).mean() + self._cost(fake_below_N).mean()

    def g_loss(self, fake_logits_N: Tensor, real_logits_N: Tensor | None) -> Tensor:
        """Return D's loss with fakes in the place of real images, a scalar of at least 0."""
        assert real_logits_N is not None, "a relativistic loss compares with real images"
        return self.d_loss(fake_logits_N, real_logits_N)

    def _cost(self, lead_N: Tensor) -> Tensor:
        # softplus(t) = log(1 + exp(t)), exact for large logits too.
        return functional.softplus(-lead_N) if self.form == "cross_entropy" else functional.relu(1.0 - lead_N)
