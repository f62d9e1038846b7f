"""Self-attention over the pixels of a feature map.

N: batch; C, H, W: feature map; P: its pixels; R: pixels after pooling; Q, V: channels of queries and of values.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.errors import ParameterError
from ganzoo.layers.factory import LayerFactory


class SelfAttention(nn.Module):
    """Add to every pixel a mean of all pixels' values, weighted by how well their keys answer its query.

    With queries q, keys k and values v, all 1x1 convolutions of x, the result is x + s * o(sum over r of b_pr v_r),
    where b_pr is the softmax over r of <q_p, k_r> and s a learned number that starts at 0: the network starts as the
    one without.

    Source: SAGAN, Zhang et al., arXiv:1805.08318, equations 1 to 3. Departures: as in compare_gan, keys and values are
    pooled to a quarter of the pixels and there are C / 2 channels of values (C / 8 in the paper); at least one channel
    of each where C is below 8.

    Args:
        channels: C.
        layers: makes the convolutions.
    """

    def __init__(self, channels: int, layers: LayerFactory) -> None:
        super().__init__()
        num_q, num_v = max(channels // 8, 1), max(channels // 2, 1)
        self.query = layers.conv2d(channels, num_q, 1, bias=False, gain=1.0)
        self.key = layers.conv2d(channels, num_q, 1, bias=False, gain=1.0)
        self.value = layers.conv2d(channels, num_v, 1, bias=False, gain=1.0)
        self.output = layers.conv2d(num_v, channels, 1, bias=False, gain=1.0)
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """Return (N, C, H, W)."""
        query_NQP = self.query(x_NCHW).flatten(2)
        key_NQR = functional.max_pool2d(self.key(x_NCHW), 2).flatten(2)
        value_NVR = functional.max_pool2d(self.value(x_NCHW), 2).flatten(2)
        # Not torch's scaled_dot_product_attention: gradient penalties need second derivatives, which its kernel lacks.
        weight_NPR = (query_NQP.transpose(1, 2) @ key_NQR).softmax(2)
        mean_NVP = value_NVR @ weight_NPR.transpose(1, 2)
        return torch.add(x_NCHW, self.scale * self.output(mean_NVP.unflatten(2, x_NCHW.shape[2:])))


def attention_after(resolution: int | None, shapes: Sequence[tuple[int, int]], layers: LayerFactory) -> nn.ModuleList:
    """Return what follows each block of a network: self-attention after the first whose maps have a size, else nothing.

    Args:
        resolution: height of those maps in pixels, or None for no attention.
        shapes: the shape (channels, height) of what each block returns, in order.
        layers: makes the convolutions.

    Raises:
        ParameterError: no block returns maps of that size, or one pixel alone is left.
    """
    modules: list[nn.Module] = [nn.Identity() for _ in shapes]
    if resolution is not None:
        heights = [height for _, height in shapes]
        known = ", ".join(str(height) for height in dict.fromkeys(heights) if height > 1)
        if resolution not in heights or resolution < 2:
            raise ParameterError(
                "attention_resolution", f"= {resolution} is no height of its feature maps; here they have {known} px"
            )
        place = heights.index(resolution)
        modules[place] = SelfAttention(shapes[place][0], layers)
    return nn.ModuleList(modules)
