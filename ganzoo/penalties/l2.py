"""Weight decay of the discriminator, as a penalty."""

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import ImageBatch
from ganzoo.penalties.base import WeightedPenalty, kernels
from ganzoo.registry import register


@register("penalties")
class l2(WeightedPenalty):
    """Penalise the size of D's weights.

    Source: compare_gan's `l2_penalty`: weight * the mean, over the linear and convolution layers of D, of half the sum
    of squares of the layer's weights; biases, embeddings and the heads of tasks are left alone. As a term of the loss
    it passes through the optimizer's own scaling; `optim.adamw` decays weights without.

    Under spectral norm the weights are those before the division, whose size has no effect on D; then it only raises
    their effective learning rate.

    >>> layer = torch.nn.Linear(2, 2)
    >>> _ = torch.nn.init.constant_(layer.weight, 3.0)
    >>> round(l2(weight=0.1)(layer, None, None, rng=torch.Generator()).item(), 4)  # 0.1 / 2 * (9 + 9 + 9 + 9)
    1.8

    Args:
        weight: factor of the penalty; the default is a choice of this project.
    """

    sees_images = False
    needs_independent_logits = False
    needs_adversarial_logit = False

    weight: float = 1e-3

    def forward(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        """Return the weighted mean of half the squared norms; no image plays a part."""
        halves = [0.5 * weight.square().sum() for weight in kernels(discriminator)]
        return self.weight * torch.stack(halves).mean()
