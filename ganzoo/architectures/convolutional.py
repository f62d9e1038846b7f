"""The block of networks without shortcuts. N: batch; C, O: channels; H, W: image."""

from torch import Tensor, nn
from torch.nn import functional

from ganzoo.batch import Latents
from ganzoo.normalizations.base import Normalization


class ConvolutionBlock(nn.Module):
    """A convolution, plain or transposed, a normalization, and a leaky ReLU.

    Args:
        conv: the convolution, C to O channels.
        norm: of O features; None for none.
        negative_slope: of the activation below 0; 0 for a plain ReLU.
    """

    def __init__(self, conv: nn.Module, norm: Normalization | None, *, negative_slope: float) -> None:
        super().__init__()
        self.conv, self.norm, self.negative_slope = conv, norm, negative_slope

    def forward(self, x_NCHW: Tensor, condition: Latents | None = None) -> Tensor:
        """Return (N, O, h, w), of the size that the convolution gives."""
        h: Tensor = self.conv(x_NCHW)
        if self.norm is not None:
            h = self.norm(h, condition)
        return functional.leaky_relu(h, self.negative_slope)
