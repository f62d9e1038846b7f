"""Layer normalization. N: batch; C, H, W: image."""

from torch import nn

from ganzoo.normalizations.base import PlainNormalization
from ganzoo.registry import register


@register("normalizations")
class layer(PlainNormalization):
    """Normalise each image over channels and pixels, then scale and shift each channel by learned numbers.

    It looks at no other image of the batch, so that it suits gradient penalties.

    Source: Ba et al., arXiv:1607.06450, equation 3; in GANs, Gulrajani et al., arXiv:1704.00028, section 4.
    Departure: scale and shift are learned for each channel, not for each channel and pixel.

    >>> out_NCHW = layer(num_features=3)(torch.rand(2, 3, 4, 4) + 5, None)
    >>> out_NCHW.mean((1, 2, 3)).abs().max().item() < 1e-5
    True

    Args:
        eps: added to the variance.
    """

    def __init__(self, *, eps: float = 1e-5, num_features: int) -> None:
        super().__init__(nn.GroupNorm(1, num_features, eps=eps))
