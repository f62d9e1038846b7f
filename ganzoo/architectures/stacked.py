"""What networks of one block after another share. N: batch; C, H, W: image; L: latent dimension; F: features."""

from collections.abc import Collection
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput, Generator, ImageShape, LabelLayers
from ganzoo.component import Part
from ganzoo.errors import check_at_least
from ganzoo.layers.attention import attention_after
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization

LatentDistribution = Literal["normal", "uniform"]


class StackedGenerator(Generator):
    """A generator whose first layer makes the coarsest map from latents, and whose blocks enlarge it.

    A subclass sets `input`, a linear layer to all values of the coarsest map, and `bottom_shape`, its shape.

    Args:
        image_shape: (C, H, W).
        latent_dim: L.
        width: the number that all channels are multiples of.
        layers: makes the layers.
        latent: standard `normal`, or `uniform` on [-1, 1].

    Raises:
        ValueError: an image shape that the network is not made for, or no channels.
    """

    input: nn.Linear
    bottom_shape: tuple[int, int, int]

    def __init__(
        self,
        *,
        image_shape: ImageShape,
        latent_dim: int,
        width: int,
        layers: LayerFactory,
        latent: LatentDistribution = "normal",
    ) -> None:
        super().__init__()
        self.check_resolution(image_shape)
        check_at_least(1, width=width)
        self.image_shape, self.latent_dim, self.latent, self.layers = image_shape, latent_dim, latent, layers

    def sample_latents(self, num: int, *, rng: torch.Generator) -> Tensor:
        """Return latents (num, L) from the chosen distribution."""
        if self.latent == "uniform":
            return torch.rand(num, self.latent_dim, generator=rng) * 2 - 1
        return super().sample_latents(num, rng=rng)

    def coarsest_map(self, latents_NL: Tensor) -> Tensor:
        """Return what the first layer makes of latents: N maps of the shape `bottom_shape`."""
        h: Tensor = self.input(latents_NL).unflatten(1, self.bottom_shape)
        # A linear layer's output has no memory format, and the blocks' speed depends on it.
        return h.contiguous(memory_format=torch.channels_last)


class StackedDiscriminator(Discriminator):
    """A discriminator of blocks, each with a tap of what it returns, after attention where that stands.

    A subclass adds its blocks by `add_block`, then the layers that judge by `add_last_layers`, and says in `features`
    how the last map is pooled.

    Args:
        image_shape: (C, H, W).
        width: the number that all channels are multiples of.
        normalization: of the blocks.
        layers: makes the layers.

    Raises:
        ValueError: an image shape that the network is not made for, no channels, or a generator's normalization.
    """

    def __init__(
        self, *, image_shape: ImageShape, width: int, normalization: Part[Normalization], layers: LayerFactory
    ) -> None:
        super().__init__()
        self.check_resolution(image_shape)
        check_at_least(1, width=width)
        self.check_normalization(normalization)
        self.uses_batch_statistics = normalization.component.uses_batch_statistics
        self.layers = layers
        self.blocks = nn.ModuleList()
        self.tap_shapes = {}

    def add_block(self, block: nn.Module, shape: tuple[int, int, int]) -> None:
        """Append a block that returns maps of a shape (c, h, w)."""
        self.tap_shapes[f"block{len(self.blocks)}"] = shape
        self.blocks.append(block)

    def add_last_layers(
        self, feature_dim: int, conditioning: LabelLayers | None, *, attention_resolution: int | None = None
    ) -> None:
        """Make the layer of the logit, attention, and what conditioning adds, in this order.

        Attention comes after the blocks and the logit, and conditioning after all, so that whatever is made before
        either of them starts from the same weights without it.

        Args:
            feature_dim: F.
            conditioning: how labels enter, or None.
            attention_resolution: height in pixels of the map behind which self-attention stands; None for none.

        Raises:
            ValueError: no block returns maps of that height.
        """
        self.feature_dim = feature_dim
        self.logit = self.layers.linear(feature_dim, 1)
        shapes = [(channels, height) for channels, height, _ in self.tap_shapes.values()]
        self.attention = attention_after(attention_resolution, shapes, self.layers)
        self.conditional_head = None
        if conditioning is not None:
            self.conditional_head = conditioning.discriminator_head(feature_dim, self.layers)

    def from_images(self, images_NCHW: Tensor) -> Tensor:
        """Return what the first block sees of images in [-1, 1]: the images unless overridden."""
        return images_NCHW

    def features(self, h_NCHW: Tensor) -> Tensor:
        """Return the features (N, F) of the last map."""
        raise NotImplementedError

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        """Judge images; the tap `block2` is what the third block returns, with attention where it stands."""
        h, tapped = self.from_images(images_NCHW), {}
        for name, block, attention in zip(self.tap_shapes, self.blocks, self.attention, strict=True):
            h = attention(block(h))
            if name in taps:
                tapped[name] = h
        return self.judge(self.features(h), labels_N, tapped)
