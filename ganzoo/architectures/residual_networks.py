"""Networks of residual blocks, in SNGAN's form and in compare_gan's.

Sources: SNGAN, Miyato et al., arXiv:1802.05957, tables 4 to 6 (`sngan`); compare_gan's `resnet_cifar` and `resnet5`
(`compare_gan`). N: batch; C, O: channels; H, W: image; L: latent dimension; F: features.
"""

from collections.abc import Sequence
from dataclasses import InitVar, field
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import ImageShape, LabelLayers
from ganzoo.architectures.residual import DiscriminatorBlock, GeneratorBlock, Variant
from ganzoo.architectures.stacked import LatentDistribution, StackedDiscriminator, StackedGenerator
from ganzoo.batch import Latents
from ganzoo.component import DeclaredArguments, Part
from ganzoo.layers.attention import attention_after
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization


class ResidualGenerator(DeclaredArguments, StackedGenerator):
    """A linear layer to the coarsest map, residual blocks to the image's size, norm, ReLU, 3x3 convolution.

    The variant `sngan` ends with tanh, `compare_gan` with a sigmoid that is scaled to [-1, 1]. A subclass gives `plan`.

    Args:
        width: the number that all channels are multiples of.
        normalization: of every block, e.g. `@normalizations.batch`.
        spectral_norm: whether weights are spectrally normalised.
        latent: standard `normal`, or `uniform` on [-1, 1].
        attention_resolution: height in pixels of the feature map behind which self-attention stands; None for none.
    """

    width: int
    normalization: Part[Normalization]
    spectral_norm: bool = False
    latent: LatentDistribution = "normal"
    attention_resolution: int | None = None
    variant: Variant = field(init=False, default="sngan")
    image_shape: ImageShape
    latent_dim: int
    conditioning: InitVar[LabelLayers | None]

    last_norm_sees_labels: ClassVar[bool] = False

    def __post_init__(self, conditioning: LabelLayers | None) -> None:
        super().__init__(
            image_shape=self.image_shape,
            latent_dim=self.latent_dim,
            width=self.width,
            layers=self.make_layers(),
            latent=self.latent,
        )
        channels, image_size = self.image_shape[:2]
        size, multipliers = self.plan(image_size)
        widths = [self.width * m for m in multipliers]
        self.bottom_shape = (widths[0], size, size)

        unconditional = self.normalization.with_component(self.normalization.component.unconditional_form())
        normalization, runtime_args = self.for_labels(self.normalization, conditioning, self.latent_dim)
        of_blocks = normalization.component
        self.input = self.layers.linear(self.latent_dim, size**2 * widths[0])
        self.blocks, shapes = nn.ModuleList(), []
        for i, o in pairwise(widths):
            upsample = size < image_size
            block = GeneratorBlock(
                i,
                o,
                normalization=normalization,
                runtime_args=runtime_args,
                layers=self.layers,
                variant=self.variant,
                upsample=upsample,
            )
            self.blocks.append(block)
            size = 2 * size if upsample else size
            shapes.append((o, size))
        if not self.last_norm_sees_labels:
            normalization, runtime_args = unconditional, {"latent_dim": self.latent_dim, "num_classes": 0}
        self.last_norm = normalization(num_features=widths[-1], layers=self.layers, **runtime_args)
        # The form that takes labels may normalise over other axes than the one of the last layer.
        forms = (of_blocks, normalization.component)
        self.uses_batch_statistics = any(form.uses_batch_statistics for form in forms)
        # Never standardised: nothing normalises its output, and filters of variance 1 would saturate tanh.
        plain = LayerFactory(spectral_norm=self.spectral_norm, initializer=self.layers.initializer)
        self.output = plain.conv2d(widths[-1], channels, 3, gain=1.0)
        # After all others, so that the rest starts from the same weights with attention and without.
        self.attention = attention_after(self.attention_resolution, shapes, self.layers)

    def make_layers(self) -> LayerFactory:
        """Return the factory that makes its layers."""
        return LayerFactory(spectral_norm=self.spectral_norm)

    @staticmethod
    def plan(size: int) -> tuple[int, Sequence[int]]:
        """Return the height of the coarsest map, and the channels of it and of each block as multiples of the width.

        Args:
            size: height of the images in pixels.
        """
        raise NotImplementedError

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        h = self.coarsest_map(inputs.latents_NL)
        for block, attention in zip(self.blocks, self.attention, strict=True):
            h = attention(block(h, inputs))
        h = self.output(functional.relu(self.last_norm(h, inputs)))
        return torch.tanh(h) if self.variant == "sngan" else 2 * torch.sigmoid(h) - 1


class ResidualDiscriminator(DeclaredArguments, StackedDiscriminator):
    """Residual blocks, ReLU, pooling over the pixels of the last map to features, and a linear layer to the logit.

    The variant `sngan` sums over pixels. `compare_gan` takes means, and maps images to its range [0, 1]. A subclass
    gives `plan`.

    Args:
        width: the number that all channels are multiples of.
        normalization: of every block, e.g. `@normalizations.none`.
        spectral_norm: whether weights, including those of every head, are spectrally normalised.
        attention_resolution: height in pixels of the feature map behind which self-attention stands; None for none.
    """

    width: int
    normalization: Part[Normalization]
    spectral_norm: bool = True
    attention_resolution: int | None = None
    variant: Variant = field(init=False, default="sngan")
    image_shape: ImageShape
    conditioning: InitVar[LabelLayers | None]

    is_wide: ClassVar[bool] = False
    """Whether a block is O wide between its convolutions in any form."""

    def __post_init__(self, conditioning: LabelLayers | None) -> None:
        super().__init__(
            image_shape=self.image_shape,
            width=self.width,
            normalization=self.normalization,
            layers=self.make_layers(),
        )
        channels, size = self.image_shape[:2]
        for i, (multiplier, downsample) in enumerate(self.plan(size)):
            block = DiscriminatorBlock(
                channels,
                multiplier * self.width,
                downsample=downsample,
                is_first=i == 0,
                normalization=self.normalization,
                layers=self.layers,
                variant=self.variant,
                is_wide=self.is_wide,
            )
            channels, size = multiplier * self.width, size // 2 if downsample else size
            self.add_block(block, (channels, size, size))
        self.add_last_layers(channels, conditioning, attention_resolution=self.attention_resolution)

    def make_layers(self) -> LayerFactory:
        """Return the factory that makes its layers."""
        return LayerFactory(spectral_norm=self.spectral_norm)

    @staticmethod
    def plan(size: int) -> Sequence[tuple[int, bool]]:
        """Return of each block its channels as a multiple of the width, and whether it halves the size.

        Args:
            size: height of the images in pixels.
        """
        raise NotImplementedError

    def from_images(self, images_NCHW: Tensor) -> Tensor:
        """Return images in the range that the variant's source has."""
        return images_NCHW if self.variant == "sngan" else (images_NCHW + 1) / 2

    def features(self, h_NCHW: Tensor) -> Tensor:
        """Return the sums over pixels (N, F), or the variant's means, after a ReLU."""
        h = functional.relu(h_NCHW)
        return h.sum((2, 3)) if self.variant == "sngan" else h.mean((2, 3))
