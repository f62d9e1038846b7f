"""The gradient penalty of WGAN-GP. N: batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import ImageBatch
from ganzoo.penalties.base import Penalty, check_weight, input_gradient, slope
from ganzoo.registry import register


@register("penalties")
class wgangp(Penalty):
    """Pull the slope of D towards a target, at random points between real and generated images.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3: weight * E[(|grad
    D(u)| - target)^2], u = e x + (1 - e) G(z), e uniform in [0, 1] for each pair.
    Departures: the norm is sqrt(1e-4 + sum of squares), as in compare_gan, whose derivative exists where the gradient
    vanishes; a conditional D judges a point by the label of its real image. compare_gan differentiates by images in [0,
    1]: its weight of 10 and slope of 1 are weight = 40 and target = 0.5 here, by (2 s - 1)^2 = 4 (s - 1/2)^2.

    >>> real = fake = ImageBatch(torch.zeros(2, 1, 3, 3))  # the gradient has length 3
    >>> round(wgangp(weight=10.0)(linear_discriminator, real, fake, rng=torch.Generator()).item(), 2)
    40.0

    Args:
        weight: factor of the penalty (the paper's lambda).
        target: slope without penalty, in logits per unit of image distance.
    """

    def __init__(self, *, weight: float = 10.0, target: float = 1.0) -> None:
        super().__init__()
        check_weight(weight)
        self.weight, self.target = weight, target

    def forward(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        """Return the weighted mean squared difference between slope and target; there are as many fakes as reals."""
        # Drawn on the CPU, so that the points do not depend on the device.
        mix_N111 = torch.rand(len(real), 1, 1, 1, generator=rng).to(real.images_NCHW.device)
        between_NCHW = torch.lerp(fake.images_NCHW.float(), real.images_NCHW.float(), mix_N111)
        gradient_NCHW = input_gradient(discriminator, real.with_images(between_NCHW))
        return self.weight * (slope(gradient_NCHW) - self.target).square().mean()
