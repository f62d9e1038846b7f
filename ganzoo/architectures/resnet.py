"""ResNet generator and discriminator for 16 to 128 px.

Sources: SNGAN, Miyato et al., arXiv:1802.05957, tables 4 to 6 (`variant = 'sngan'`, with the widths of mimicry at 64
px), and compare_gan's `resnet_cifar` (`variant = 'compare_gan'`).
N: batch; C, H, W: image; L: latent dimension; F: features.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import ImageShape, LabelLayers
from ganzoo.architectures.residual import DiscriminatorBlock, GeneratorBlock, Variant
from ganzoo.architectures.stacked import LatentDistribution, StackedDiscriminator, StackedGenerator
from ganzoo.batch import Latents
from ganzoo.component import Part
from ganzoo.layers.attention import attention_after
from ganzoo.layers.factory import INITIALIZERS, Initialization, LayerFactory
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import register

# Channels as multiples of the width: of G's first map and after each block; of D after each block, with its pooling.
GENERATOR_MULTIPLIERS: dict[int, tuple[int, ...]] = {
    16: (1, 1, 1),
    32: (1, 1, 1, 1),
    48: (8, 4, 2, 1),
    64: (16, 8, 4, 2, 1),
    128: (16, 16, 8, 4, 2, 1),
}
DISCRIMINATOR_BLOCKS: dict[int, tuple[tuple[int, bool], ...]] = {
    16: ((1, True), (1, True), (1, False), (1, False)),
    32: ((1, True), (1, True), (1, False), (1, False)),
    48: ((1, True), (2, True), (4, True), (8, True), (16, False)),
    64: ((1, True), (2, True), (4, True), (8, True), (16, True)),
    128: ((1, True), (2, True), (4, True), (8, True), (16, True), (16, False)),
}


@register("architectures")
class resnet_generator(StackedGenerator):
    """A linear layer to 4x4, upsampling residual blocks to the image's size, norm, ReLU, 3x3 convolution, tanh.

    Source: SNGAN, arXiv:1802.05957, tables 4 to 6; at 32 px and width 256 it has 4,276,739 parameters. 48 px begins at
    6x6. Under class conditioning every block's normalizations take labels and the last one does not. Upsampling repeats
    pixels, as in SNGAN's own code; mimicry's is bilinear. Departures: 16 px is the 32 px form with a block less.

    The variant `compare_gan` follows that code at 32 px: zeros between pixels instead of repeated ones, a 3x3
    convolution on every shortcut, sigmoid. Departures from it: the sigmoid is scaled to [-1, 1]; the other sizes; a
    last normalization without labels. Bind `initialization = 'normal'`, `latent = 'uniform'`, and `eps` and `momentum`
    of the normalization to 1e-3, for its start, latents and constants.

    Args:
        width: channels of the finest block, published as 256 up to 32 px, where every block has them, and as 64 above,
            where the coarsest has 16 times as many.
        normalization: the normalization of every block, e.g. `@normalizations.batch`.
        spectral_norm: whether weights are spectrally normalised.
        variant: `sngan` or `compare_gan`.
        initialization: how weights start: `xavier` (SNGAN's), `normal` for N(0, 0.02) (compare_gan's), or `orthogonal`.
        latent: standard `normal`, or `uniform` on [-1, 1].
        attention_resolution: height in pixels of the feature map behind which self-attention stands; None for none.
        weight_standardization: whether the filters of the blocks' convolutions have mean 0 and variance 1
            (arXiv:1903.10520); not together with spectral_norm.
    """

    resolutions = tuple(GENERATOR_MULTIPLIERS)

    def __init__(
        self,
        *,
        width: int = 256,
        normalization: Part[Normalization],
        spectral_norm: bool = False,
        variant: Variant = "sngan",
        initialization: Initialization = "xavier",
        latent: LatentDistribution = "normal",
        attention_resolution: int | None = None,
        weight_standardization: bool = False,
        image_shape: ImageShape,
        latent_dim: int,
        conditioning: LabelLayers | None,
    ) -> None:
        layers = LayerFactory(
            spectral_norm=spectral_norm,
            weight_standardization=weight_standardization,
            initializer=INITIALIZERS[initialization],
        )
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, width=width, layers=layers, latent=latent)
        self.variant = variant
        self.uses_batch_statistics = normalization.component.uses_batch_statistics
        channels, size = image_shape[:2]
        widths = [width * m for m in GENERATOR_MULTIPLIERS[size]]
        bottom_size = size // 2 ** (len(widths) - 1)
        self.bottom_shape = (widths[0], bottom_size, bottom_size)

        last_norm = normalization.with_component(normalization.component.unconditional_form())
        normalization, runtime_args = self.for_labels(normalization, conditioning, latent_dim)
        self.input = layers.linear(latent_dim, bottom_size**2 * widths[0])
        self.blocks = nn.ModuleList(
            GeneratorBlock(i, o, normalization=normalization, runtime_args=runtime_args, layers=layers, variant=variant)
            for i, o in pairwise(widths)
        )
        self.last_norm = last_norm(num_features=widths[-1], latent_dim=latent_dim, num_classes=0, layers=layers)
        # Never standardised: nothing normalises its output, and filters of variance 1 would saturate tanh.
        last = LayerFactory(spectral_norm=spectral_norm, initializer=layers.initializer)
        self.output = last.conv2d(widths[-1], channels, 3, gain=1.0)
        # After all others, so that the rest starts from the same weights with attention and without.
        shapes = [(w, bottom_size * 2**i) for i, w in enumerate(widths)][1:]
        self.attention = attention_after(attention_resolution, shapes, layers)

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        h = self.coarsest_map(inputs.latents_NL)
        for block, attention in zip(self.blocks, self.attention, strict=True):
            h = attention(block(h, inputs))
        h = self.output(functional.relu(self.last_norm(h, inputs)))
        return torch.tanh(h) if self.variant == "sngan" else 2 * torch.sigmoid(h) - 1


@register("architectures")
class resnet_discriminator(StackedDiscriminator):
    """Residual blocks, ReLU, pooling over pixels to features, and a linear layer to one logit.

    Source: SNGAN, arXiv:1802.05957, tables 4 to 6; at 32 px and width 128 it has 1,053,825 parameters. The features are
    SUMS over pixels of the last map: 8x8 at 32 px, 3x3 at 48 px, 2x2 at 64 px, 4x4 at 16 and 128 px. Class conditioning
    adds its head to the logit. Departures: 16 px is the 32 px form on a smaller image.

    The variant `compare_gan` follows that code at 32 px: norm and ReLU even on pixels, a 3x3 convolution on every
    shortcut, MEANS over pixels; images are mapped back to its range [0, 1]. Departure from it: the other sizes. Bind
    `initialization = 'normal'` for its start.

    Args:
        width: channels of the first block, published as 128 up to 32 px, where every block has them, and as 64 above,
            where the last has 16 times as many.
        normalization: the normalization of every block, e.g. `@normalizations.none`.
        spectral_norm: whether weights, those of every head included, are spectrally normalised.
        variant: `sngan` or `compare_gan`.
        initialization: how weights start: `xavier` (SNGAN's), `normal` for N(0, 0.02) (compare_gan's), or `orthogonal`.
        attention_resolution: height in pixels of the feature map behind which self-attention stands; None for none.
        weight_standardization: whether the filters of the blocks' convolutions have mean 0 and variance 1
            (arXiv:1903.10520); not together with spectral_norm.
    """

    resolutions = tuple(DISCRIMINATOR_BLOCKS)

    def __init__(
        self,
        *,
        width: int = 128,
        normalization: Part[Normalization],
        spectral_norm: bool = True,
        variant: Variant = "sngan",
        initialization: Initialization = "xavier",
        attention_resolution: int | None = None,
        weight_standardization: bool = False,
        image_shape: ImageShape,
        conditioning: LabelLayers | None,
    ) -> None:
        layers = LayerFactory(
            spectral_norm=spectral_norm,
            weight_standardization=weight_standardization,
            initializer=INITIALIZERS[initialization],
        )
        super().__init__(image_shape=image_shape, width=width, normalization=normalization, layers=layers)
        self.variant = variant
        channels, size = image_shape[:2]
        for i, (multiplier, downsample) in enumerate(DISCRIMINATOR_BLOCKS[size]):
            block = DiscriminatorBlock(
                channels,
                multiplier * width,
                downsample=downsample,
                is_first=i == 0,
                normalization=normalization,
                layers=layers,
                variant=variant,
            )
            channels, size = multiplier * width, size // 2 if downsample else size
            self.add_block(block, (channels, size, size))
        self.add_last_layers(channels, conditioning, attention_resolution=attention_resolution)

    def from_images(self, images_NCHW: Tensor) -> Tensor:
        """Return images in the range that the variant's source has."""
        return images_NCHW if self.variant == "sngan" else (images_NCHW + 1) / 2

    def features(self, h_NCHW: Tensor) -> Tensor:
        """Return the sums over pixels, or the variant's means, after a ReLU."""
        h = functional.relu(h_NCHW)
        return h.sum((2, 3)) if self.variant == "sngan" else h.mean((2, 3))
