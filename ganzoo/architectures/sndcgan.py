"""SNGAN's standard convolutional networks, for sizes divisible by 8. N: batch; C, H, W: image; F: features."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import ImageShape, LabelLayers
from ganzoo.architectures.convolutional import ConvolutionBlock
from ganzoo.architectures.stacked import StackedDiscriminator, StackedGenerator
from ganzoo.batch import Latents
from ganzoo.component import Part
from ganzoo.layers.factory import LayerFactory, normal
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import register

# G's first map is an eighth of the image, and D's last one: three strides of two on the way.
NUM_STRIDES = 3
RESOLUTIONS = tuple(range(16, 129, 2**NUM_STRIDES))
# Channels as multiples of the width: of G's maps, coarsest first; of D's, with the stride before each.
GENERATOR_MULTIPLIERS = (8, 4, 2, 1)
DISCRIMINATOR_BLOCKS = ((1, 1), (2, 2), (2, 1), (4, 2), (4, 1), (8, 2), (8, 1))
NEGATIVE_SLOPE = 0.1


@register("architectures")
class sndcgan_generator(StackedGenerator):
    """A linear layer to an eighth of the size, three 4x4 transposed convolutions of stride 2, a 3x3 convolution, tanh.

    Every map but the image is normalised, conditionally under class conditioning, and goes through a ReLU.

    Source: SNGAN, Miyato et al., arXiv:1802.05957, table 3a; weights start from N(0, 0.02^2) as in its authors'
    chainer-gan-lib. Departures: the first map is normalised for each channel, which the table leaves out and that code
    does for each unit; sizes other than 32 and 48 px.

    Args:
        width: channels of the finest map, published as 64; the coarsest has 8 times as many.
        normalization: of every map, e.g. `@normalizations.batch`.
        spectral_norm: whether weights are spectrally normalised.
    """

    resolutions = RESOLUTIONS

    def __init__(
        self,
        *,
        width: int = 64,
        normalization: Part[Normalization],
        spectral_norm: bool = False,
        image_shape: ImageShape,
        latent_dim: int,
        conditioning: LabelLayers | None,
    ) -> None:
        layers = LayerFactory(spectral_norm=spectral_norm, initializer=normal)
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, width=width, layers=layers)
        channels, size = image_shape[:2]
        widths = [width * m for m in GENERATOR_MULTIPLIERS]
        bottom_size = size // 2**NUM_STRIDES
        self.bottom_shape = (widths[0], bottom_size, bottom_size)

        normalization, runtime_args = self.for_labels(normalization, conditioning, latent_dim)
        self.uses_batch_statistics = normalization.component.uses_batch_statistics
        self.input = layers.linear(latent_dim, widths[0] * bottom_size**2)
        self.first_norm = normalization(num_features=widths[0], layers=layers, **runtime_args)
        self.blocks = nn.ModuleList(
            ConvolutionBlock(
                layers.conv_transpose2d(i, o, 4, stride=2),
                normalization(num_features=o, layers=layers, **runtime_args),
                negative_slope=0.0,
            )
            for i, o in pairwise(widths)
        )
        self.output = layers.conv2d(widths[-1], channels, 3)

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        h = self.coarsest_map(inputs.latents_NL)
        h = functional.relu(self.first_norm(h, inputs))
        for block in self.blocks:
            h = block(h, inputs)
        return torch.tanh(self.output(h))


@register("architectures")
class sndcgan_discriminator(StackedDiscriminator):
    """Seven convolutions, 3x3 and 4x4 of stride 2 in turns, with leaky ReLU, and a linear layer of the last map.

    The features are all values of the last map, an eighth of the image's size. The taps are what each of the seven
    returns. Class conditioning adds its head to the logit.

    Source: SNGAN, Miyato et al., arXiv:1802.05957, table 3b, with slope 0.1. Departures: the widths 64, 128, 128, 256,
    256, 512, 512 are those of its authors' chainer-gan-lib and of compare_gan, where the table has 64, 64, 128, 128,
    256, 256, 512; sizes other than 32 and 48 px.

    Args:
        width: channels of the first convolution, published as 64; the last has 8 times as many.
        normalization: of every convolution but the first, e.g. `@normalizations.none`.
        spectral_norm: whether weights, those of every head included, are spectrally normalised.
    """

    resolutions = RESOLUTIONS

    def __init__(
        self,
        *,
        width: int = 64,
        normalization: Part[Normalization],
        spectral_norm: bool = True,
        image_shape: ImageShape,
        conditioning: LabelLayers | None,
    ) -> None:
        layers = LayerFactory(spectral_norm=spectral_norm, initializer=normal)
        super().__init__(image_shape=image_shape, width=width, normalization=normalization, layers=layers)
        channels, size = image_shape[:2]
        for i, (multiplier, stride) in enumerate(DISCRIMINATOR_BLOCKS):
            out_channels, kernel_size = multiplier * width, 2 + stride
            conv = layers.conv2d(channels, out_channels, kernel_size, stride=stride)
            norm = None
            if i > 0:
                norm = normalization(num_features=out_channels, latent_dim=0, num_classes=0, layers=layers)
            channels, size = out_channels, size // stride
            self.add_block(ConvolutionBlock(conv, norm, negative_slope=NEGATIVE_SLOPE), (channels, size, size))
        self.add_last_layers(channels * size**2, conditioning)

    def features(self, h_NCHW: Tensor) -> Tensor:
        """Return all values of the last map."""
        return h_NCHW.flatten(1)
