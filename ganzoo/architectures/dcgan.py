"""DCGAN, for powers of two from 16 to 128 px. N: batch; C, H, W: image; L: latent dimension; F: features."""

from collections.abc import Sequence

from torch import nn

from ganzoo.architectures.convolutional import ConvolutionalDiscriminator, ConvolutionalGenerator
from ganzoo.architectures.stacked import LatentDistribution
from ganzoo.registry import register

# Strides of two between the image and the 4x4 map; the channels double with each but that next to the image.
NUM_STRIDES = {16: 2, 32: 3, 64: 4, 128: 5}
BOTTOM_SIZE, KERNEL_SIZE = 4, 5


@register("architectures")
class dcgan_generator(ConvolutionalGenerator):
    """A linear layer to 4x4, then 5x5 transposed convolutions of stride 2 to the image's size, tanh.

    Source: DCGAN, Radford et al., arXiv:1511.06434, figure 1 and section 4: at 64 px and width 128 the maps have 1024,
    512, 256 and 128 channels; weights start from N(0, 0.02^2).
    Departures: the other sizes have a stride more or less at the coarse end; under class conditioning its
    normalizations take labels.

    >>> narrow = part("architectures.dcgan_generator", width=4, normalization=part("normalizations.batch"))
    >>> generator = narrow(image_shape=(3, 16, 16), latent_dim=8, conditioning=None)
    >>> tuple(generator(Latents(torch.zeros(2, 8))).shape)
    (2, 3, 16, 16)

    Args:
        width: channels of the finest map, published as 128; each coarser one has twice as many.
        latent: `uniform` on [-1, 1] as published, or standard `normal`.
    """

    resolutions = tuple(NUM_STRIDES)
    kernel_size = KERNEL_SIZE

    width: int = 128
    latent: LatentDistribution = "uniform"

    @staticmethod
    def plan(size: int) -> tuple[int, Sequence[int]]:
        """Return the height of the coarsest map, and channels as multiples of the width."""
        return BOTTOM_SIZE, [2**i for i in reversed(range(NUM_STRIDES[size]))]

    def last_layer(self, in_channels: int, out_channels: int) -> nn.Module:
        """Return the layer from the finest map to the image before tanh."""
        return self.layers.conv_transpose2d(in_channels, out_channels, KERNEL_SIZE, stride=2)


@register("architectures")
class dcgan_discriminator(ConvolutionalDiscriminator):
    """5x5 convolutions of stride 2 down to 4x4, with leaky ReLU, and a linear layer of the last map.

    The features are all values of the last map; the taps are what each convolution returns.

    Source: DCGAN, Radford et al., arXiv:1511.06434, sections 3 and 4, with slope 0.2 and no normalization of the first
    convolution; the widths, which the paper does not give, are compare_gan's: 64, 128, 256, 512 at 64 px.
    Departures: the other sizes have a stride more or less at the coarse end; all borders are padded by 2, where
    TensorFlow pads by 1 on one side; under class conditioning its logit takes labels.

    >>> narrow = part("architectures.dcgan_discriminator", width=4, normalization=part("normalizations.none"))
    >>> discriminator = narrow(image_shape=(3, 16, 16), conditioning=None)
    >>> tuple(discriminator(torch.zeros(2, 3, 16, 16)).features_NF.shape), discriminator.tap_shapes["block1"]
    ((2, 128), (8, 4, 4))

    Args:
        width: channels of the first convolution, 64 in compare_gan; each further one has twice as many.
        normalization: of every convolution but the first, published as `@normalizations.batch`.
    """

    resolutions = tuple(NUM_STRIDES)
    negative_slope = 0.2

    width: int = 64
    spectral_norm: bool = False

    @staticmethod
    def plan(size: int) -> Sequence[tuple[int, int, int]]:
        """Return of each convolution its channels as a multiple of the width, its kernel's size and its stride."""
        return [(2**i, KERNEL_SIZE, 2) for i in range(NUM_STRIDES[size])]
