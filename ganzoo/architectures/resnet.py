"""ResNet generator and discriminator for 16 to 128 px.

Sources: SNGAN, Miyato et al., arXiv:1802.05957, tables 4 to 6 (`variant = 'sngan'`, with the widths of mimicry at 64
px), and compare_gan's `resnet_cifar` (`variant = 'compare_gan'`).
N: batch; C, H, W: image; L: latent dimension; F: features.
"""

from collections.abc import Collection
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput, Generator, ImageShape
from ganzoo.batch import Latents
from ganzoo.conditioning.base import Conditioning
from ganzoo.layers.attention import attention_after
from ganzoo.layers.factory import LayerFactory
from ganzoo.layers.residual import DiscriminatorBlock, GeneratorBlock, Variant
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import Part, register

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
class resnet_generator(Generator):
    """A linear layer to 4x4, upsampling residual blocks to the image's size, norm, ReLU, 3x3 convolution, tanh.

    Source: SNGAN, arXiv:1802.05957, tables 4 to 6; at 32 px and width 256 it has 4,276,739 parameters. 48 px begins at
    6x6. Under class conditioning every block's normalizations take labels and the last one does not. Upsampling repeats
    pixels, as in SNGAN's own code; mimicry's is bilinear. Departures: 16 px is the 32 px form with a block less.

    The variant `compare_gan` follows that code at 32 px: zeros between pixels instead of repeated ones, a 3x3
    convolution on every shortcut, sigmoid. Departures from it: the sigmoid is scaled to [-1, 1]; the other sizes;
    SNGAN's initialisation instead of N(0, 0.02); a last normalization without labels. Bind `latent = 'uniform'`, and
    `eps` and `momentum` of the normalization to 1e-3, for its latents and constants.

    Args:
        width: channels of the finest block, published as 256 up to 32 px, where every block has them, and as 64 above,
            where the coarsest has 16 times as many.
        normalization: the normalization of every block, e.g. `@normalizations.batch`.
        spectral_norm: whether weights are spectrally normalised.
        variant: `sngan` or `compare_gan`.
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
        latent: Literal["normal", "uniform"] = "normal",
        attention_resolution: int | None = None,
        weight_standardization: bool = False,
        image_shape: ImageShape,
        latent_dim: int,
        conditioning: Conditioning | None,
    ) -> None:
        super().__init__()
        self.check_resolution(image_shape)
        self.check_width(width)
        self.image_shape, self.latent_dim, self.latent, self.variant = image_shape, latent_dim, latent, variant
        self.uses_batch_statistics = normalization.component.uses_batch_statistics
        self.layers = layers = LayerFactory(spectral_norm=spectral_norm, weight_standardization=weight_standardization)
        channels, size = image_shape[:2]
        widths = [width * m for m in GENERATOR_MULTIPLIERS[size]]
        bottom_size = size // 2 ** (len(widths) - 1)
        self.bottom_shape = (widths[0], bottom_size, bottom_size)

        last_norm = normalization.with_component(normalization.component.unconditional_form())
        normalization, facts = self.for_labels(normalization, conditioning, latent_dim)
        self.input = layers.linear(latent_dim, bottom_size**2 * widths[0])
        self.blocks = nn.ModuleList(
            GeneratorBlock(i, o, normalization=normalization, facts=facts, layers=layers, variant=variant)
            for i, o in pairwise(widths)
        )
        self.last_norm = last_norm(num_features=widths[-1], latent_dim=latent_dim, num_classes=0, layers=layers)
        # Never standardised: nothing normalises its output, and filters of variance 1 would saturate tanh.
        self.output = LayerFactory(spectral_norm=spectral_norm).conv2d(widths[-1], channels, 3, gain=1.0)
        # After all others, so that the rest starts from the same weights with attention and without.
        shapes = [(w, bottom_size * 2**i) for i, w in enumerate(widths)][1:]
        self.attention = attention_after(attention_resolution, shapes, layers)

    def sample_latents(self, num: int, *, rng: torch.Generator) -> Tensor:
        """Return latents (num, L) from the chosen distribution."""
        if self.latent == "uniform":
            return torch.rand(num, self.latent_dim, generator=rng) * 2 - 1
        return super().sample_latents(num, rng=rng)

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        h = self.input(inputs.latents_NL).unflatten(1, self.bottom_shape)
        # A linear layer's output has no memory format, and the blocks' speed depends on it.
        h = h.contiguous(memory_format=torch.channels_last)
        for block, attention in zip(self.blocks, self.attention, strict=True):
            h = attention(block(h, inputs))
        h = self.output(functional.relu(self.last_norm(h, inputs)))
        return torch.tanh(h) if self.variant == "sngan" else 2 * torch.sigmoid(h) - 1


@register("architectures")
class resnet_discriminator(Discriminator):
    """Residual blocks, ReLU, pooling over pixels to features, and a linear layer to one logit.

    Source: SNGAN, arXiv:1802.05957, tables 4 to 6; at 32 px and width 128 it has 1,053,825 parameters. The features are
    SUMS over pixels of the last map: 8x8 at 32 px, 3x3 at 48 px, 2x2 at 64 px, 4x4 at 16 and 128 px. Class conditioning
    adds its head to the logit. Departures: 16 px is the 32 px form on a smaller image.

    The variant `compare_gan` follows that code at 32 px: norm and ReLU even on pixels, a 3x3 convolution on every
    shortcut, MEANS over pixels; images are mapped back to its range [0, 1]. Departures from it: the other sizes, and
    SNGAN's initialisation instead of N(0, 0.02).

    Args:
        width: channels of the first block, published as 128 up to 32 px, where every block has them, and as 64 above,
            where the last has 16 times as many.
        normalization: the normalization of every block, e.g. `@normalizations.none`.
        spectral_norm: whether weights, those of every head included, are spectrally normalised.
        variant: `sngan` or `compare_gan`.
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
        attention_resolution: int | None = None,
        weight_standardization: bool = False,
        image_shape: ImageShape,
        conditioning: Conditioning | None,
    ) -> None:
        super().__init__()
        self.check_resolution(image_shape)
        self.check_width(width)
        self.check_normalization(normalization)
        self.variant = variant
        self.uses_batch_statistics = normalization.component.uses_batch_statistics
        self.layers = layers = LayerFactory(spectral_norm=spectral_norm, weight_standardization=weight_standardization)

        channels, size = image_shape[:2]
        self.tap_shapes, self.blocks = {}, nn.ModuleList()
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
            self.blocks.append(block)
            channels, size = multiplier * width, size // 2 if downsample else size
            self.tap_shapes[f"block{i}"] = (channels, size, size)
        self.feature_dim = channels
        self.logit = layers.linear(channels, 1)
        shapes = [(c, height) for c, height, _ in self.tap_shapes.values()]
        self.attention = attention_after(attention_resolution, shapes, layers)
        # Last, so that a conditional discriminator starts from the same weights as an unconditional one.
        self.conditional_head = None if conditioning is None else conditioning.discriminator_head(channels, layers)

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        """Judge images; the tap `block2` is what the third block returns, with attention where it stands."""
        h = images_NCHW if self.variant == "sngan" else (images_NCHW + 1) / 2
        tapped = {}
        for name, block, attention in zip(self.tap_shapes, self.blocks, self.attention, strict=True):
            h = attention(block(h))
            if name in taps:
                tapped[name] = h
        h = functional.relu(h)
        features_NF = h.sum((2, 3)) if self.variant == "sngan" else h.mean((2, 3))
        return self.judge(features_NF, labels_N, tapped)
