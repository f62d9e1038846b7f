"""The gradient penalty of WGAN-GP. N: batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.penalties.base import SlopePenalty
from ganzoo.registry import register


@register("penalties")
class wgangp(SlopePenalty):
    """Pull the slope of D towards a target, at random points between real and generated images.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3: weight * E[(|grad
    D(u)| - target)^2], u = e x + (1 - e) G(z), e uniform in [0, 1] for each pair.
    Departures: the norm is sqrt(1e-4 + sum of squares), as in compare_gan, whose derivative exists where the gradient
    vanishes; a conditional D judges a point by the label of its real image. compare_gan differentiates by images in [0,
    1]: its weight of 10 and slope of 1 are weight = 40 and target = 0.5 here, by (2 s - 1)^2 = 4 (s - 1/2)^2.

    >>> real = fake = ImageBatch(torch.zeros(2, 1, 3, 3))  # the gradient has length 3
    >>> round(wgangp(weight=10.0)(linear_discriminator, real, fake, rng=torch.Generator()).item(), 2)
    40.0
    """

    def points(self, real_NCHW: Tensor, fake_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        """Return a point on the line between each pair of a real and a generated image, (N, C, H, W)."""
        mix_N111 = torch.rand(len(real_NCHW), 1, 1, 1, generator=rng).to(real_NCHW.device)
        return torch.lerp(fake_NCHW, real_NCHW, mix_N111)
