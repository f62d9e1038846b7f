"""Relativistic average losses. N: batch."""

from typing import Literal

from torch import Tensor

from ganzoo.losses.base import AdversarialLoss
from ganzoo.losses.hinge import hinge
from ganzoo.losses.non_saturating import non_saturating
from ganzoo.registry import register


@register("losses")
class relativistic_average(AdversarialLoss):
    """Judge each image by how far its logit is above the mean logit of the other kind, real against fake.

    With r and f the logits of real images and of fakes, D minimises L(r - mean f, f - mean r), where L(real, fake) is
    the loss of a discriminator in its usual form; G minimises the same with the roles exchanged, so that it also lowers
    the logits of real images.

    Source: Jolicoeur-Martineau, "The relativistic discriminator", arXiv:1807.00734: the relativistic average GAN
    (RaGAN, `cross_entropy`, called RaSGAN there) and the form with the hinge (RaHingeGAN).

    Args:
        form: of the loss of the differences: `cross_entropy` (see `losses.non_saturating`) or `hinge` (`losses.hinge`).
    """

    g_needs_real = True

    def __init__(self, *, form: Literal["cross_entropy", "hinge"] = "cross_entropy") -> None:
        self.loss: AdversarialLoss = non_saturating() if form == "cross_entropy" else hinge()

    def d_loss(self, real_logits_N: Tensor, fake_logits_N: Tensor) -> Tensor:
        """Return the loss of the differences, a scalar of at least 0."""
        return self.loss.d_loss(real_logits_N - fake_logits_N.mean(), fake_logits_N - real_logits_N.mean())

    def g_loss(self, fake_logits_N: Tensor, real_logits_N: Tensor | None) -> Tensor:
        """Return D's loss with fakes in the place of real images, a scalar of at least 0."""
        assert real_logits_N is not None, "a relativistic loss compares with real images"
        return self.d_loss(fake_logits_N, real_logits_N)
