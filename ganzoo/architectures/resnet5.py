"""compare_gan's residual networks of five blocks, for powers of two from 16 to 128 px.

N: batch; C, H, W: image; L: latent dimension; F: features.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import ImageShape, LabelLayers
from ganzoo.architectures.residual import DiscriminatorBlock, GeneratorBlock
from ganzoo.architectures.stacked import LatentDistribution, StackedDiscriminator, StackedGenerator
from ganzoo.batch import Latents
from ganzoo.component import Part
from ganzoo.layers.attention import attention_after
from ganzoo.layers.factory import LayerFactory, normal
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import register

RESOLUTIONS = (16, 32, 64, 128)
BOTTOM_SIZE = 4
# Channels as multiples of the width: of G's 4x4 map and after each block; of D after each block.
GENERATOR_MULTIPLIERS = (8, 8, 4, 4, 2, 1)
DISCRIMINATOR_MULTIPLIERS = (1, 2, 4, 4, 8, 8)


@register("architectures")
class resnet5_generator(StackedGenerator):
    """A linear layer to 4x4, five residual blocks, as many of which upsample as it takes, norm, ReLU, 3x3, sigmoid.

    Blocks upsample by zeros between pixels and have a 3x3 convolution on their shortcut. Every normalization, the last
    one included, takes labels under class conditioning.

    Source: compare_gan's `resnet5`, after Gulrajani et al., arXiv:1704.00028, with its weights from N(0, 0.02^2).
    Departures: the sigmoid is scaled to [-1, 1]; latents are standard normal unless `latent = 'uniform'`; bind `eps`
    and `momentum` of the normalization to 1e-3 for its constants; with `spectral_norm` the first linear layer and the
    last convolution are normalised too, which that code leaves out.

    Args:
        width: channels of the finest block, published as 64; the coarsest has 8 times as many.
        normalization: the normalization of every block, e.g. `@normalizations.batch`.
        spectral_norm: whether weights are spectrally normalised.
        latent: standard `normal`, or `uniform` on [-1, 1].
        attention_resolution: height in pixels of the feature map behind which self-attention stands; None for none.
    """

    resolutions = RESOLUTIONS

    def __init__(
        self,
        *,
        width: int = 64,
        normalization: Part[Normalization],
        spectral_norm: bool = False,
        latent: LatentDistribution = "normal",
        attention_resolution: int | None = None,
        image_shape: ImageShape,
        latent_dim: int,
        conditioning: LabelLayers | None,
    ) -> None:
        layers = LayerFactory(spectral_norm=spectral_norm, initializer=normal)
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, width=width, layers=layers, latent=latent)
        widths = [width * m for m in GENERATOR_MULTIPLIERS]
        self.bottom_shape = (widths[0], BOTTOM_SIZE, BOTTOM_SIZE)

        normalization, runtime_args = self.for_labels(normalization, conditioning, latent_dim)
        self.uses_batch_statistics = normalization.component.uses_batch_statistics
        self.input = layers.linear(latent_dim, widths[0] * BOTTOM_SIZE**2)
        self.blocks, shapes, size = nn.ModuleList(), [], BOTTOM_SIZE
        for i, o in pairwise(widths):
            upsample = size < image_shape[1]
            block = GeneratorBlock(
                i,
                o,
                normalization=normalization,
                runtime_args=runtime_args,
                layers=layers,
                variant="compare_gan",
                upsample=upsample,
            )
            self.blocks.append(block)
            size = 2 * size if upsample else size
            shapes.append((o, size))
        self.last_norm = normalization(num_features=widths[-1], layers=layers, **runtime_args)
        self.output = layers.conv2d(widths[-1], image_shape[0], 3)
        self.attention = attention_after(attention_resolution, shapes, layers)

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        h = self.coarsest_map(inputs.latents_NL)
        for block, attention in zip(self.blocks, self.attention, strict=True):
            h = attention(block(h, inputs))
        return 2 * torch.sigmoid(self.output(functional.relu(self.last_norm(h, inputs)))) - 1


@register("architectures")
class resnet5_discriminator(StackedDiscriminator):
    """Six residual blocks that halve the size down to one pixel, ReLU, the mean over pixels, and a linear layer.

    Norm and ReLU precede every convolution, even on pixels, and every shortcut has a 3x3 convolution. The features are
    MEANS over the last map: 2x2 at 128 px, one pixel below. Images are mapped to compare_gan's range [0, 1]. Class
    conditioning adds its head to the logit.

    Source: compare_gan's `resnet5`, after Gulrajani et al., arXiv:1704.00028, with its weights from N(0, 0.02^2).

    Args:
        width: channels of the first block, published as 64; the last has 8 times as many.
        normalization: the normalization of every block, e.g. `@normalizations.none`.
        spectral_norm: whether weights, those of every head included, are spectrally normalised.
        attention_resolution: height in pixels of the feature map behind which self-attention stands; None for none.
    """

    resolutions = RESOLUTIONS

    def __init__(
        self,
        *,
        width: int = 64,
        normalization: Part[Normalization],
        spectral_norm: bool = True,
        attention_resolution: int | None = None,
        image_shape: ImageShape,
        conditioning: LabelLayers | None,
    ) -> None:
        layers = LayerFactory(spectral_norm=spectral_norm, initializer=normal)
        super().__init__(image_shape=image_shape, width=width, normalization=normalization, layers=layers)
        channels, size = image_shape[:2]
        for i, multiplier in enumerate(DISCRIMINATOR_MULTIPLIERS):
            downsample = size > 1
            block = DiscriminatorBlock(
                channels,
                multiplier * width,
                downsample=downsample,
                is_first=i == 0,
                normalization=normalization,
                layers=layers,
                variant="compare_gan",
            )
            channels, size = multiplier * width, size // 2 if downsample else size
            self.add_block(block, (channels, size, size))
        self.add_last_layers(channels, conditioning, attention_resolution=attention_resolution)

    def from_images(self, images_NCHW: Tensor) -> Tensor:
        """Return images in [0, 1]."""
        return (images_NCHW + 1) / 2

    def features(self, h_NCHW: Tensor) -> Tensor:
        """Return the means over pixels, after a ReLU."""
        return functional.relu(h_NCHW).mean((2, 3))
