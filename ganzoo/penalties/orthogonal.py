"""BigGAN's orthogonal regularization. O: filters; I: weights of a filter."""

import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.batch import ImageBatch
from ganzoo.errors import check_not_negative
from ganzoo.penalties.base import Penalty, kernels
from ganzoo.registry import register


@register("penalties")
class orthogonal(Penalty):
    """Let the filters of each layer be orthogonal to each other, whatever their lengths.

    Source: Brock et al., "Large Scale GAN Training", BigGAN, arXiv:1809.11096, equation 3: weight * the sum over layers
    of |W^T W * (1 - I)|^2, the squared inner products of different filters; the diagonal is left free. The paper
    applies it to G, with 1e-4. Weights are those of linear and convolution layers; under spectral norm, before the
    division.
    Departures: embeddings and the heads of tasks are left alone; the authors' PyTorch code adds half the gradient of
    this formula, so that its 1e-4 are 5e-5 here.

    >>> layer = torch.nn.Linear(2, 2)
    >>> _ = torch.nn.init.ones_(layer.weight)  # two filters whose inner product is 2, counted twice
    >>> orthogonal(d_weight=0.5)(layer, None, None, rng=torch.Generator()).item()
    4.0

    Args:
        d_weight: factor of the penalty of D's weights.
        g_weight: factor of the penalty of G's weights.
    """

    sees_images = False
    needs_independent_logits = False
    needs_adversarial_logit = False

    def __init__(self, *, d_weight: float = 1e-4, g_weight: float = 0.0) -> None:
        super().__init__()
        check_not_negative(d_weight=d_weight, g_weight=g_weight)
        self.d_weight, self.g_weight = d_weight, g_weight

    def forward(
        self, discriminator: Discriminator, real: ImageBatch, fake: ImageBatch, *, rng: torch.Generator
    ) -> Tensor:
        """Return the weighted sum of squared inner products of D's filters; no image plays a part."""
        if not self.d_weight:
            return next(discriminator.parameters()).new_zeros(())
        return self.d_weight * overlap(discriminator)

    def g_penalty(self, generator: Generator) -> Tensor | None:
        """Return the same of G's filters, or None if they are not penalised."""
        return self.g_weight * overlap(generator) if self.g_weight else None


def overlap(network: nn.Module) -> Tensor:
    """Return the sum of squared inner products of different filters, over all layers."""
    total = []
    for weight in kernels(network):
        weight_OI = weight.flatten(1)
        products_OO = weight_OI @ weight_OI.T
        total.append((products_OO - torch.diag(products_OO.diagonal())).square().sum())
    return torch.stack(total).sum()
