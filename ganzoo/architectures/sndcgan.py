"""SNGAN's standard convolutional networks, for sizes divisible by 8. N: batch; C, H, W: image; F: features."""

from collections.abc import Sequence

from torch import nn

from ganzoo.architectures.convolutional import ConvolutionalDiscriminator, ConvolutionalGenerator
from ganzoo.registry import register

# G's first map is an eighth of the image, and D's last one: three strides of two on the way.
NUM_STRIDES = 3
RESOLUTIONS = tuple(range(16, 129, 2**NUM_STRIDES))
# Channels as multiples of the width: of G's maps, coarsest first; of D's, with the stride before each.
GENERATOR_MULTIPLIERS = (8, 4, 2, 1)
DISCRIMINATOR_BLOCKS = ((1, 1), (2, 2), (2, 1), (4, 2), (4, 1), (8, 2), (8, 1))


@register("architectures")
class sndcgan_generator(ConvolutionalGenerator):
    """A linear layer to an eighth of the size, three 4x4 transposed convolutions of stride 2, a 3x3 convolution, tanh.

    Source: SNGAN, Miyato et al., arXiv:1802.05957, table 3a; weights start from N(0, 0.02^2) as in its authors'
    chainer-gan-lib.
    Departures: the first map is normalised for each channel, which the table leaves out and that code does for each
    unit; sizes other than 32 and 48 px.

    >>> narrow = part("architectures.sndcgan_generator", width=4, normalization=part("normalizations.batch"))
    >>> generator = narrow(image_shape=(3, 16, 16), latent_dim=8, conditioning=None)
    >>> tuple(generator(Latents(torch.zeros(2, 8))).shape)
    (2, 3, 16, 16)

    Args:
        width: channels of the finest map, published as 64; the coarsest has 8 times as many.
    """

    resolutions = RESOLUTIONS
    kernel_size = 4

    width: int = 64

    @staticmethod
    def plan(size: int) -> tuple[int, Sequence[int]]:
        """Return the height of the coarsest map, and channels as multiples of the width."""
        return size // 2**NUM_STRIDES, GENERATOR_MULTIPLIERS

    def last_layer(self, in_channels: int, out_channels: int) -> nn.Module:
        """Return the layer from the finest map to the image before tanh."""
        return self.layers.conv2d(in_channels, out_channels, 3)


@register("architectures")
class sndcgan_discriminator(ConvolutionalDiscriminator):
    """Seven convolutions, 3x3 and 4x4 of stride 2 in turns, with leaky ReLU, and a linear layer of the last map.

    The features are all values of the last map, an eighth of the image's size. The taps are what each of the seven
    returns. Class conditioning adds its head to the logit.

    Source: SNGAN, Miyato et al., arXiv:1802.05957, table 3b, with slope 0.1.
    Departures: the widths 64, 128, 128, 256, 256, 512, 512 are those of its authors' chainer-gan-lib and of
    compare_gan, where the table has 64, 64, 128, 128, 256, 256, 512; sizes other than 32 and 48 px.

    >>> narrow = part("architectures.sndcgan_discriminator", width=4, normalization=part("normalizations.none"))
    >>> discriminator = narrow(image_shape=(3, 16, 16), conditioning=None)
    >>> tuple(discriminator(torch.zeros(2, 3, 16, 16)).features_NF.shape), discriminator.tap_shapes["block1"]
    ((2, 128), (8, 8, 8))

    Args:
        width: channels of the first convolution, published as 64; the last has 8 times as many.
    """

    resolutions = RESOLUTIONS
    negative_slope = 0.1

    width: int = 64

    @staticmethod
    def plan(size: int) -> Sequence[tuple[int, int, int]]:
        """Return of each convolution its channels as a multiple of the width, its kernel's size and its stride."""
        return [(multiplier, 2 + stride, stride) for multiplier, stride in DISCRIMINATOR_BLOCKS]
