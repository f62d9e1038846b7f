"""The gradient penalty of DRAGAN. N: batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import ImageBatch
from ganzoo.errors import ParameterError
from ganzoo.penalties.base import Penalty, check_weight, input_gradient, slope
from ganzoo.registry import register


@register("penalties")
class dragan(Penalty):
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
        weight: factor of the penalty (the paper's lambda).
        target: slope without penalty, in logits per unit of image distance (the paper's k).
        radius: largest noise, in standard deviations of the batch's pixels.
    """

    def __init__(self, *, weight: float = 10.0, target: float = 1.0, radius: float = 0.5) -> None:
        super().__init__()
        check_weight(weight)
        if radius <= 0:
            raise ParameterError(
                "radius", f"must be greater than 0, not {radius}; penalties.r1 acts at the images themselves"
            )
        self.weight, self.target, self.radius = weight, target, radius

    def forward(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        """Return the weighted mean squared difference between slope and target; the fakes play no part."""
        images_NCHW = real.images_NCHW.float()
        # Drawn on the CPU, so that the points do not depend on the device.
        noise_NCHW = torch.rand(images_NCHW.shape, generator=rng).to(images_NCHW.device) * 2 - 1
        scale = self.radius * images_NCHW.std(correction=0)
        around_NCHW = (images_NCHW + scale * noise_NCHW).clamp(-1, 1)
        gradient_NCHW = input_gradient(discriminator, real.with_images(around_NCHW))
        return self.weight * (slope(gradient_NCHW) - self.target).square().mean()
