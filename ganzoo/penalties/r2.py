"""The R2 penalty. N: batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import ImageBatch
from ganzoo.penalties.base import WeightedPenalty, mean_squared_slope
from ganzoo.registry import register


@register("penalties")
class r2(WeightedPenalty):
    """Penalise the slope of D at generated images, so that D is flat where the fakes are once G matches the data.

    Source: Mescheder et al., "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406, equation
    10: weight / 2 * E[|grad D(x)|^2] over generated x. It is R1 at the other end, and the two may be listed together.

    >>> real = fake = ImageBatch(torch.zeros(2, 1, 3, 3))  # the gradient has 9 entries, all of them 1
    >>> r2(weight=10.0)(linear_discriminator, real, fake, rng=torch.Generator()).item()
    45.0

    Args:
        weight: twice the factor of the mean squared gradient (the paper's gamma; it uses 10 for images).
    """

    weight: float = 10.0

    def forward(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        """Return half the weighted mean squared norm of the gradient at the fakes; the real images play no part."""
        return 0.5 * self.weight * mean_squared_slope(discriminator, fake)
