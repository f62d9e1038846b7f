"""Networks without shortcuts. N: batch; C, O: channels; H, W: image; L: latent dimension; F: features."""

from collections.abc import Sequence
from dataclasses import InitVar, field
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import ImageShape, LabelLayers
from ganzoo.architectures.stacked import LatentDistribution, StackedDiscriminator, StackedGenerator
from ganzoo.batch import Latents
from ganzoo.component import DeclaredArguments, Part
from ganzoo.layers.factory import LayerFactory, normal
from ganzoo.normalizations.base import Normalization


class ConvolutionBlock(nn.Module):
    """A convolution, plain or transposed, a normalization, and a leaky ReLU.

    Args:
        conv: the convolution, C to O channels.
        norm: of O features; None for none.
        negative_slope: of the activation below 0; 0 for a plain ReLU.
    """

    def __init__(self, conv: nn.Module, norm: Normalization | None, *, negative_slope: float) -> None:
        super().__init__()
        self.conv, self.norm, self.negative_slope = conv, norm, negative_slope

    def forward(self, x_NCHW: Tensor, condition: Latents | None = None) -> Tensor:
        """Return (N, O, h, w), of the size that the convolution gives."""
        h: Tensor = self.conv(x_NCHW)
        if self.norm is not None:
            h = self.norm(h, condition)
        return functional.leaky_relu(h, self.negative_slope)


class ConvolutionalGenerator(DeclaredArguments, StackedGenerator):
    """A linear layer to the coarsest map, transposed convolutions of stride 2, a last convolution, and tanh.

    Every map but the image is normalised, conditionally under class conditioning, and goes through a ReLU. Weights
    start from N(0, 0.02^2). A subclass gives `plan` and `last_layer`.

    Args:
        width: channels of the finest map; coarser ones have multiples of it.
        normalization: of every map, e.g. `@normalizations.batch`.
        spectral_norm: whether weights are spectrally normalised.
    """

    width: int
    normalization: Part[Normalization]
    spectral_norm: bool = False
    latent: LatentDistribution = field(init=False, default="normal")
    image_shape: ImageShape
    latent_dim: int
    conditioning: InitVar[LabelLayers | None]

    kernel_size: ClassVar[int]
    """Of the transposed convolutions."""

    def __post_init__(self, conditioning: LabelLayers | None) -> None:
        layers = LayerFactory(spectral_norm=self.spectral_norm, initializer=normal)
        super().__init__(
            image_shape=self.image_shape,
            latent_dim=self.latent_dim,
            width=self.width,
            layers=layers,
            latent=self.latent,
        )
        bottom_size, multipliers = self.plan(self.image_shape[1])
        widths = [self.width * m for m in multipliers]
        self.bottom_shape = (widths[0], bottom_size, bottom_size)

        normalization, runtime_args = self.for_labels(self.normalization, conditioning, self.latent_dim)
        self.uses_batch_statistics = normalization.component.uses_batch_statistics
        self.input = layers.linear(self.latent_dim, widths[0] * bottom_size**2)
        self.first_norm = normalization(num_features=widths[0], layers=layers, **runtime_args)
        self.blocks = nn.ModuleList(
            ConvolutionBlock(
                layers.conv_transpose2d(i, o, self.kernel_size, stride=2),
                normalization(num_features=o, layers=layers, **runtime_args),
                negative_slope=0.0,
            )
            for i, o in pairwise(widths)
        )
        self.output = self.last_layer(widths[-1], self.image_shape[0])

    @staticmethod
    def plan(size: int) -> tuple[int, Sequence[int]]:
        """Return the height of the coarsest map, and the channels of every map but the image, coarsest first.

        Channels are multiples of the width.

        Args:
            size: height of the images in pixels.
        """
        raise NotImplementedError

    def last_layer(self, in_channels: int, out_channels: int) -> nn.Module:
        """Return the layer from the finest map to the image before tanh."""
        raise NotImplementedError

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        h = functional.relu(self.first_norm(self.coarsest_map(inputs.latents_NL), inputs))
        for block in self.blocks:
            h = block(h, inputs)
        return torch.tanh(self.output(h))


class ConvolutionalDiscriminator(DeclaredArguments, StackedDiscriminator):
    """Convolutions with leaky ReLU, and a linear layer of the last map, whose values are the features.

    Weights start from N(0, 0.02^2). A subclass gives `plan`.

    Args:
        width: channels of the first convolution; later ones have multiples of it.
        normalization: of every convolution but the first, e.g. `@normalizations.none`.
        spectral_norm: whether weights, including those of every head, are spectrally normalised.
    """

    width: int
    normalization: Part[Normalization]
    spectral_norm: bool = True
    image_shape: ImageShape
    conditioning: InitVar[LabelLayers | None]

    negative_slope: ClassVar[float]
    """Of the activation below 0."""

    def __post_init__(self, conditioning: LabelLayers | None) -> None:
        layers = LayerFactory(spectral_norm=self.spectral_norm, initializer=normal)
        super().__init__(
            image_shape=self.image_shape, width=self.width, normalization=self.normalization, layers=layers
        )
        channels, size = self.image_shape[:2]
        for i, (multiplier, kernel_size, stride) in enumerate(self.plan(size)):
            out_channels = multiplier * self.width
            conv = layers.conv2d(channels, out_channels, kernel_size, stride=stride)
            norm = None
            if i > 0:
                norm = self.normalization(num_features=out_channels, latent_dim=0, num_classes=0, layers=layers)
            channels, size = out_channels, size // stride
            self.add_block(ConvolutionBlock(conv, norm, negative_slope=self.negative_slope), (channels, size, size))
        self.add_last_layers(channels * size**2, conditioning)

    @staticmethod
    def plan(size: int) -> Sequence[tuple[int, int, int]]:
        """Return of each convolution its channels as a multiple of the width, its kernel's size and its stride.

        Args:
            size: height of the images in pixels.
        """
        raise NotImplementedError

    def features(self, h_NCHW: Tensor) -> Tensor:
        """Return all values of the last map, (N, F)."""
        return h_NCHW.flatten(1)
