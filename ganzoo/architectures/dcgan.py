"""DCGAN, for powers of two from 16 to 128 px. N: batch; C, H, W: image; L: latent dimension; F: features."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import ImageShape, LabelLayers
from ganzoo.architectures.convolutional import ConvolutionBlock
from ganzoo.architectures.stacked import LatentDistribution, StackedDiscriminator, StackedGenerator
from ganzoo.batch import Latents
from ganzoo.component import Part
from ganzoo.layers.factory import LayerFactory, normal
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import register

# Strides of two between the image and the 4x4 map; the channels double with each but that next to the image.
NUM_STRIDES = {16: 2, 32: 3, 64: 4, 128: 5}
BOTTOM_SIZE = 4
NEGATIVE_SLOPE = 0.2


@register("architectures")
class dcgan_generator(StackedGenerator):
    """A linear layer to 4x4, then 5x5 transposed convolutions of stride 2 to the image's size, tanh.

    Every map but the image is normalised, conditionally under class conditioning, and goes through a ReLU.

    Source: DCGAN, Radford et al., arXiv:1511.06434, figure 1 and section 4: at 64 px and width 128 the maps have 1024,
    512, 256 and 128 channels; weights start from N(0, 0.02^2). Departures: the other sizes have a stride more or less
    at the coarse end; under class conditioning its normalizations take labels.

    Args:
        width: channels of the finest map, published as 128; each coarser one has twice as many.
        normalization: of every map, e.g. `@normalizations.batch`.
        spectral_norm: whether weights are spectrally normalised.
        latent: `uniform` on [-1, 1] as published, or standard `normal`.
    """

    resolutions = tuple(NUM_STRIDES)

    def __init__(
        self,
        *,
        width: int = 128,
        normalization: Part[Normalization],
        spectral_norm: bool = False,
        latent: LatentDistribution = "uniform",
        image_shape: ImageShape,
        latent_dim: int,
        conditioning: LabelLayers | None,
    ) -> None:
        layers = LayerFactory(spectral_norm=spectral_norm, initializer=normal)
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, width=width, layers=layers, latent=latent)
        widths = [width * 2**i for i in reversed(range(NUM_STRIDES[image_shape[1]]))]
        self.bottom_shape = (widths[0], BOTTOM_SIZE, BOTTOM_SIZE)

        normalization, runtime_args = self.for_labels(normalization, conditioning, latent_dim)
        self.uses_batch_statistics = normalization.component.uses_batch_statistics
        self.input = layers.linear(latent_dim, widths[0] * BOTTOM_SIZE**2)
        self.first_norm = normalization(num_features=widths[0], layers=layers, **runtime_args)
        self.blocks = nn.ModuleList(
            ConvolutionBlock(
                layers.conv_transpose2d(i, o, 5, stride=2),
                normalization(num_features=o, layers=layers, **runtime_args),
                negative_slope=0.0,
            )
            for i, o in pairwise(widths)
        )
        self.output = layers.conv_transpose2d(widths[-1], image_shape[0], 5, stride=2)

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        h = self.coarsest_map(inputs.latents_NL)
        h = functional.relu(self.first_norm(h, inputs))
        for block in self.blocks:
            h = block(h, inputs)
        return torch.tanh(self.output(h))


@register("architectures")
class dcgan_discriminator(StackedDiscriminator):
    """5x5 convolutions of stride 2 down to 4x4, with leaky ReLU, and a linear layer of the last map.

    The features are all values of the last map; the taps are what each convolution returns.

    Source: DCGAN, Radford et al., arXiv:1511.06434, sections 3 and 4, with slope 0.2 and no normalization of the first
    convolution; the widths, which the paper does not give, are compare_gan's: 64, 128, 256, 512 at 64 px. Departures:
    the other sizes have a stride more or less at the coarse end; all borders are padded by 2, where TensorFlow pads by
    1 on one side; under class conditioning its logit takes labels.

    Args:
        width: channels of the first convolution, 64 in compare_gan; each further one has twice as many.
        normalization: of every convolution but the first, published as `@normalizations.batch`.
        spectral_norm: whether weights, those of every head included, are spectrally normalised.
    """

    resolutions = tuple(NUM_STRIDES)

    def __init__(
        self,
        *,
        width: int = 64,
        normalization: Part[Normalization],
        spectral_norm: bool = False,
        image_shape: ImageShape,
        conditioning: LabelLayers | None,
    ) -> None:
        layers = LayerFactory(spectral_norm=spectral_norm, initializer=normal)
        super().__init__(image_shape=image_shape, width=width, normalization=normalization, layers=layers)
        channels, size = image_shape[:2]
        for i in range(NUM_STRIDES[size]):
            out_channels = width * 2**i
            conv = layers.conv2d(channels, out_channels, 5, stride=2)
            norm = None
            if i > 0:
                norm = normalization(num_features=out_channels, latent_dim=0, num_classes=0, layers=layers)
            channels, size = out_channels, size // 2
            self.add_block(ConvolutionBlock(conv, norm, negative_slope=NEGATIVE_SLOPE), (channels, size, size))
        self.add_last_layers(channels * size**2, conditioning)

    def features(self, h_NCHW: Tensor) -> Tensor:
        """Return all values of the last map."""
        return h_NCHW.flatten(1)
