"""No normalization."""

from torch import Tensor

from ganzoo.batch import Latents
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import register


@register("normalizations")
class none(Normalization):
    """Return the input: for networks without normalization layers, such as a spectrally normalised discriminator.

    Source: SNGAN's discriminator, arXiv:1802.05957, table 4, has none.

    >>> none()(torch.full((1, 1, 1, 2), 5.0), None).tolist()
    [[[[5.0, 5.0]]]]
    """

    def forward(self, x_NCHW: Tensor, condition: Latents | None) -> Tensor:
        """Return `x`."""
        return x_NCHW
