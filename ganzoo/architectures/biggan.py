"""BigGAN, for 32, 64 and 128 px. N: batch; C, H, W: image; L: latent dimension; E: label embedding; F: features."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import ImageShape, LabelLayers
from ganzoo.architectures.residual import GeneratorBlock
from ganzoo.architectures.residual_networks import ResidualDiscriminator
from ganzoo.architectures.stacked import StackedGenerator
from ganzoo.batch import Latents
from ganzoo.component import Part
from ganzoo.errors import ParameterError, check_at_least
from ganzoo.layers.attention import attention_after
from ganzoo.layers.factory import LayerFactory, orthogonal
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import register

# Channels as multiples of the width: of G's 4x4 map and after each block; of D after each block. All of D's blocks but
# the last halve the size.
GENERATOR_MULTIPLIERS: dict[int, tuple[int, ...]] = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
}
DISCRIMINATOR_MULTIPLIERS: dict[int, tuple[int, ...]] = {
    32: (2, 2, 2, 2),
    64: (2, 4, 8, 16, 16),
    128: (1, 2, 4, 8, 16, 16),
}
BOTTOM_SIZE = 4


@register("architectures")
class biggan_generator(StackedGenerator):
    """A linear layer to 4x4, upsampling residual blocks that each see a chunk of the latents, norm, ReLU, 3x3, tanh.

    The latents are cut into one chunk for the linear layer and one for each block. A block's normalizations scale and
    shift by functions of its chunk, joined under class conditioning with an embedding of the label that all blocks
    share: `@normalizations.batch` becomes linear in both, `@normalizations.self_modulated_batch` stays what it is. The
    last normalization sees no labels.

    Source: BigGAN, Brock et al., arXiv:1809.11096, appendix B; widths at 32 and 64 px of compare_gan's `resnet_biggan`.
    At 128 px, width 96, 120 latents, 1000 classes and attention at 64 px it has that code's 70,433,988 parameters.
    Weights start orthogonal.
    Departures: the linear layer sees its chunk alone, as in compare_gan, where the paper joins the embedding; chunks
    differ by one where they cannot be equal.

    >>> narrow = part("architectures.biggan_generator", width=4, normalization=part("normalizations.batch"))
    >>> generator = narrow(image_shape=(3, 32, 32), latent_dim=8, conditioning=None)
    >>> tuple(generator(Latents(torch.zeros(2, 8))).shape)
    (2, 3, 32, 32)

    Args:
        width: the number that all channels are multiples of, published as 96: the finest block has once as many at 128
            px, twice at 64 px, four times at 32 px.
        normalization: of every block, one with a form that takes latents: `@normalizations.batch`.
        spectral_norm: whether weights are spectrally normalised, but for the embedding and those of
            `@normalizations.self_modulated_batch`.
        embedding_dim: E, length of the embedding of the label.
        attention_resolution: height in pixels of the feature map that self-attention follows, published as 64 at 128
            px; None for none.
    """

    resolutions = tuple(GENERATOR_MULTIPLIERS)
    splits_latents = True

    def __init__(
        self,
        *,
        width: int = 96,
        normalization: Part[Normalization],
        spectral_norm: bool = True,
        embedding_dim: int = 128,
        attention_resolution: int | None = None,
        image_shape: ImageShape,
        latent_dim: int,
        conditioning: LabelLayers | None,
    ) -> None:
        layers = LayerFactory(spectral_norm=spectral_norm, initializer=orthogonal)
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, width=width, layers=layers)
        check_at_least(1, embedding_dim=embedding_dim)
        modulated = normalization.component.latent_form()
        if modulated is None:
            raise ParameterError(
                "normalization",
                f"is {normalization.name}, which has no form that takes the chunk of latents of each block; use "
                "@normalizations.batch or @normalizations.self_modulated_batch",
            )
        widths = [width * m for m in GENERATOR_MULTIPLIERS[image_shape[1]]]
        if latent_dim < len(widths):
            raise ParameterError(
                "latent_dim",
                f"= {latent_dim} cannot be cut into {len(widths)} chunks, one for the first layer and one for each "
                f"block; set it to at least {len(widths)}",
            )
        self.uses_batch_statistics = modulated.uses_batch_statistics
        self.bottom_shape = (widths[0], BOTTOM_SIZE, BOTTOM_SIZE)
        self.chunk_dims = [latent_dim // len(widths) + (i < latent_dim % len(widths)) for i in range(len(widths))]

        self.embedding = None
        if conditioning is not None:
            self.embedding = conditioning.generator_embedding(embedding_dim, layers)
        label_dim = 0 if conditioning is None else embedding_dim
        self.input = layers.linear(self.chunk_dims[0], widths[0] * BOTTOM_SIZE**2)
        self.blocks = nn.ModuleList(
            GeneratorBlock(
                i,
                o,
                normalization=normalization.with_component(modulated),
                runtime_args={"latent_dim": chunk_dim + label_dim, "num_classes": 0},
                layers=layers,
                variant="sngan",
            )
            for (i, o), chunk_dim in zip(pairwise(widths), self.chunk_dims[1:], strict=True)
        )
        last_norm = normalization.with_component(normalization.component.unconditional_form())
        self.last_norm = last_norm(num_features=widths[-1], latent_dim=self.chunk_dims[0], num_classes=0, layers=layers)
        self.output = layers.conv2d(widths[-1], image_shape[0], 3)
        shapes = [(w, BOTTOM_SIZE * 2**i) for i, w in enumerate(widths)][1:]
        self.attention = attention_after(attention_resolution, shapes, layers)

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        first, *chunks = [Latents(chunk_NL) for chunk_NL in torch.split(inputs.latents_NL, self.chunk_dims, dim=1)]
        if self.embedding is not None:
            assert inputs.labels_N is not None, "a conditional generator was given no labels"
            embedded_NE = self.embedding(inputs.labels_N)
            chunks = [Latents(torch.cat([chunk.latents_NL, embedded_NE], dim=1)) for chunk in chunks]
        h = self.coarsest_map(first.latents_NL)
        for block, attention, chunk in zip(self.blocks, self.attention, chunks, strict=True):
            h = attention(block(h, chunk))
        return torch.tanh(self.output(functional.relu(self.last_norm(h, first))))


@register("architectures")
class biggan_discriminator(ResidualDiscriminator):
    """Residual blocks that halve the size, except the last, ReLU, the sum over pixels, and a linear layer.

    Class conditioning adds its head to the logit.

    Source: BigGAN, Brock et al., arXiv:1809.11096, appendix B; widths at 32 and 64 px of compare_gan's `resnet_biggan`.
    The features are SUMS over the last map of 4x4 pixels. At 128 px, width 96, 1000 classes by
    `@conditioning.projection` and attention at 64 px it has that code's 87,982,370 parameters. Weights start
    orthogonal.
    Departures from that code: a block that keeps its width adds its input all the same, through a 1x1 convolution where
    it halves the size (at 32 px); no ReLU on pixels, which that code gives in [0, 1].

    >>> narrow = part("architectures.biggan_discriminator", width=4, normalization=part("normalizations.none"))
    >>> discriminator = narrow(image_shape=(3, 32, 32), conditioning=None)
    >>> tuple(discriminator(torch.zeros(2, 3, 32, 32)).features_NF.shape), discriminator.tap_shapes["block1"]
    ((2, 8), (8, 8, 8))

    Args:
        width: the number that all channels are multiples of, published as 96: the first block has once as many at 128
            px, twice at 32 and 64 px.
        normalization: the normalization of every block, published as `@normalizations.none`.
        attention_resolution: height in pixels of the feature map behind which self-attention stands, published as 64 at
            128 px; None for none.
    """

    resolutions = tuple(DISCRIMINATOR_MULTIPLIERS)
    is_wide = True

    width: int = 96

    def make_layers(self) -> LayerFactory:
        """Return the factory that makes its layers."""
        return LayerFactory(spectral_norm=self.spectral_norm, initializer=orthogonal)

    @staticmethod
    def plan(size: int) -> Sequence[tuple[int, bool]]:
        """Return of each block its channels as a multiple of the width, and whether it halves the size."""
        *multipliers, last = DISCRIMINATOR_MULTIPLIERS[size]
        return [*((multiplier, True) for multiplier in multipliers), (last, False)]
