"""Pre-activation residual blocks of GANs, in SNGAN's form and in compare_gan's. N: batch; C, O: channels; H, W: image.

Sources: SNGAN, Miyato et al., arXiv:1802.05957, figure 8 (`sngan`); compare_gan's `resnet_ops` (`compare_gan`). They
differ in how they resample, in their shortcuts, and in the first block of a discriminator. BigGAN's (Brock et al.,
arXiv:1809.11096) are SNGAN's, but wider in the discriminator.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.batch import Latents
from ganzoo.component import Part
from ganzoo.layers.factory import LayerFactory
from ganzoo.layers.resampling import conv2d_downsample, unpool_conv2d, upsample_conv2d
from ganzoo.normalizations.base import Normalization

Variant = Literal["sngan", "compare_gan"]


class GeneratorBlock(nn.Module):
    """norm, ReLU, upsample, conv, norm, ReLU, conv; plus the upsampled input through a convolution.

    `sngan`: nearest upsampling and a 1x1 shortcut. `compare_gan`: zeros between pixels and a 3x3 shortcut.

    Args:
        in_channels: C.
        out_channels: O.
        normalization: built for both places; its runtime arguments but the width are `runtime_args`.
        runtime_args: `latent_dim` and `num_classes` of the normalization.
        layers: makes the convolutions.
        variant: which form.
        upsample: whether to double height and width.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        normalization: Part[Normalization],
        runtime_args: Mapping[str, int],
        layers: LayerFactory,
        variant: Variant,
        upsample: bool = True,
    ) -> None:
        super().__init__()
        self.variant, self.upsample = variant, upsample
        self.norm1 = normalization(num_features=in_channels, layers=layers, **runtime_args)
        self.conv1 = layers.conv2d(in_channels, out_channels, 3)
        self.norm2 = normalization(num_features=out_channels, layers=layers, **runtime_args)
        self.conv2 = layers.conv2d(out_channels, out_channels, 3)
        self.shortcut = layers.conv2d(in_channels, out_channels, 1 if variant == "sngan" else 3, gain=1.0)

    def forward(self, x_NCHW: Tensor, condition: Latents) -> Tensor:
        """Return (N, O, 2H, 2W), or (N, O, H, W) if it does not upsample."""
        h = functional.relu(self.norm1(x_NCHW, condition))
        if not self.upsample:
            h = self.conv1(h)
        else:
            h = upsample_conv2d(h, self.conv1) if self.variant == "sngan" else unpool_conv2d(h, self.conv1)
        h = functional.relu_(self.norm2(h, condition))  # in place: nothing else holds what a convolution returned
        h = self.conv2(h)
        if not self.upsample:
            return torch.add(h, self.shortcut(x_NCHW))
        if self.variant == "compare_gan":
            return torch.add(h, unpool_conv2d(x_NCHW, self.shortcut))
        # A 1x1 convolution commutes with nearest upsampling, and costs a quarter before it.
        return torch.add(h, functional.interpolate(self.shortcut(x_NCHW), scale_factor=2, mode="nearest"))


class DiscriminatorBlock(nn.Module):
    """norm, ReLU, conv, norm, ReLU, conv, mean pooling; plus the pooled input.

    `sngan`: the first block of a network has no norm and ReLU before its first convolution, and the shortcut is a 1x1
    convolution only where the shape changes. `compare_gan`: norm and ReLU everywhere, even on pixels, and a 3x3
    convolution on every shortcut. Between its convolutions a block is C wide in `sngan` and O wide in `compare_gan` and
    in the first block of either, as in their authors' code; BigGAN's are O wide, too.

    Args:
        in_channels: C.
        out_channels: O.
        downsample: whether to halve height and width.
        is_first: whether its input is the image.
        normalization: built for each place.
        layers: makes the convolutions.
        variant: which form.
        is_wide: whether it is O wide between its convolutions in any form.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        downsample: bool,
        is_first: bool,
        normalization: Part[Normalization],
        layers: LayerFactory,
        variant: Variant,
        is_wide: bool = False,
    ) -> None:
        super().__init__()
        self.variant, self.downsample = variant, downsample
        runtime_args = {"num_classes": 0, "latent_dim": 0, "layers": layers}
        self.norm1 = None
        if not is_first or variant == "compare_gan":
            self.norm1 = normalization(num_features=in_channels, **runtime_args)
        hidden_channels = out_channels if is_first or is_wide or variant == "compare_gan" else in_channels
        self.conv1 = layers.conv2d(in_channels, hidden_channels, 3)
        self.norm2 = normalization(num_features=hidden_channels, **runtime_args)
        self.conv2 = layers.conv2d(hidden_channels, out_channels, 3)
        self.shortcut = None
        if downsample or in_channels != out_channels or variant == "compare_gan":
            self.shortcut = layers.conv2d(in_channels, out_channels, 1 if variant == "sngan" else 3, gain=1.0)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """Return (N, O, H, W), or (N, O, H/2, W/2) if it downsamples."""
        h = x_NCHW if self.norm1 is None else functional.relu(self.norm1(x_NCHW, None))
        h = functional.relu_(self.norm2(self.conv1(h), None))  # in place: nothing else holds it
        h = conv2d_downsample(h, self.conv2) if self.downsample else self.conv2(h)
        return torch.add(h, self._shortcut(x_NCHW))

    def _shortcut(self, x_NCHW: Tensor) -> Tensor:
        if self.shortcut is None:
            return x_NCHW
        if self.variant == "compare_gan":
            return conv2d_downsample(x_NCHW, self.shortcut) if self.downsample else self.shortcut(x_NCHW)
        # A 1x1 convolution commutes with mean pooling, and costs a quarter after it.
        pooled = functional.avg_pool2d(x_NCHW, 2) if self.downsample else x_NCHW
        out: Tensor = self.shortcut(pooled)
        return out
