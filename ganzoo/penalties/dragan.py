"""The gradient penalty of DRAGAN. N: batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.errors import ParameterError
from ganzoo.penalties.base import SlopePenalty
from ganzoo.registry import register


@register("penalties")
class dragan(SlopePenalty):
    """Pull the slope of D towards a target, at points around real images.

    Source: Kodali et al., "On Convergence and Stability of GANs", arXiv:1705.07215: weight * E[(|grad D(x + noise)| -
    target)^2] over real x. The noise is compare_gan's: each pixel's is uniform between -radius and radius standard
    deviations of all pixels of the batch, and the sum is cut off at the range of images.
    Departures: the paper writes normal noise; the norm is sqrt(1e-4 + sum of squares), as in compare_gan, whose
    derivative exists where the gradient vanishes. compare_gan differentiates by images in [0, 1]: its weight of 10 and
    slope of 1 are weight = 40 and target = 0.5 here, by (2 s - 1)^2 = 4 (s - 1/2)^2.

    >>> real = fake = ImageBatch(torch.zeros(2, 1, 3, 3))  # the gradient has length 3
    >>> round(dragan(weight=10.0)(linear_discriminator, real, fake, rng=torch.Generator()).item(), 2)
    40.0

    Args:
        radius: largest noise, in standard deviations of the batch's pixels.
    """

    radius: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.radius <= 0:
            raise ParameterError(
                "radius", f"must be greater than 0, not {self.radius}; penalties.r1 acts at the images themselves"
            )

    def points(self, real_NCHW: Tensor, fake_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        """Return the real images with noise, cut off at the range of images, (N, C, H, W)."""
        noise_NCHW = torch.rand(real_NCHW.shape, generator=rng).to(real_NCHW.device) * 2 - 1
        scale = self.radius * real_NCHW.std(correction=0)
        return (real_NCHW + scale * noise_NCHW).clamp(-1, 1)
