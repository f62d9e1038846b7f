"""Batch normalization modulated linearly by the latents. N: batch; C, H, W: image; L: latent dimension."""

import torch
from torch import Tensor, nn

from ganzoo.batch import Latents
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import register


@register("normalizations")
class linear_modulated_batch(Normalization):
    """Normalise each channel over the batch, then scale and shift it by linear functions of the latents it is given.

    scale = 1 + W z and shift = V z, without biases. BigGAN's generator gives each layer a chunk of z joined with an
    embedding of the label, so that this becomes its class-conditional normalization; other generators give all of z.

    Source: BigGAN, Brock et al., arXiv:1809.11096, appendix B.
    Departure: compare_gan scales by W z alone.

    >>> layers = LayerFactory(spectral_norm=False)
    >>> modulated = linear_modulated_batch(num_features=3, latent_dim=6, layers=layers)
    >>> tuple(modulated(torch.rand(4, 3, 5, 5), Latents(torch.zeros(4, 6))).shape)
    (4, 3, 5, 5)

    Args:
        eps: added to the variance.
        momentum: share of the newest batch in the running statistics, which evaluation uses.
    """

    uses_batch_statistics = True
    needs_condition = True

    def __init__(
        self, *, eps: float = 1e-5, momentum: float = 0.1, num_features: int, latent_dim: int, layers: LayerFactory
    ) -> None:
        super().__init__()
        self.normalize = nn.BatchNorm2d(num_features, eps=eps, momentum=momentum, affine=False)
        self.scale = layers.linear(latent_dim, num_features, bias=False)
        self.shift = layers.linear(latent_dim, num_features, bias=False)

    @classmethod
    def latent_form(cls) -> type[Normalization]:
        """Return itself."""
        return cls

    def forward(self, x_NCHW: Tensor, condition: Latents | None) -> Tensor:
        """Normalise `x` and scale and shift it for the condition's latents."""
        assert condition is not None, "linear_modulated_batch belongs in a generator"
        scale_NC, shift_NC = 1 + self.scale(condition.latents_NL), self.shift(condition.latents_NL)
        return torch.addcmul(shift_NC[:, :, None, None], self.normalize(x_NCHW), scale_NC[:, :, None, None])
