"""ResNet generator and discriminator for 16 to 128 px.

Sources: SNGAN, Miyato et al., arXiv:1802.05957, tables 4 to 6 (`variant = 'sngan'`, with the widths of mimicry at 64
px), and compare_gan's `resnet_cifar` (`variant = 'compare_gan'`).
N: batch; C, H, W: image; L: latent dimension; F: features.
"""

from collections.abc import Sequence

from ganzoo.architectures.residual import Variant
from ganzoo.architectures.residual_networks import ResidualDiscriminator, ResidualGenerator
from ganzoo.layers.factory import INITIALIZERS, Initialization, LayerFactory
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
class resnet_generator(ResidualGenerator):
    """A linear layer to 4x4, upsampling residual blocks to the image's size, norm, ReLU, 3x3 convolution, tanh.

    Source: SNGAN, arXiv:1802.05957, tables 4 to 6; at 32 px and width 256 it has 4,276,739 parameters. 48 px begins at
    6x6. Under class conditioning every block's normalizations take labels and the last one does not. Upsampling repeats
    pixels, as in SNGAN's own code; mimicry's is bilinear.
    Departures: 16 px is the 32 px form with a block less.

    The variant `compare_gan` follows that code at 32 px: zeros between pixels instead of repeated ones, a 3x3
    convolution on every shortcut, sigmoid.
    Departures from it: the sigmoid is scaled to [-1, 1]; the other sizes; a last normalization without labels. Bind
    `initialization = 'normal'`, `latent = 'uniform'`, and `eps` and `momentum` of the normalization to 1e-3, for its
    start, latents and constants.

    >>> narrow = part("architectures.resnet_generator", width=4, normalization=part("normalizations.batch"))
    >>> generator = narrow(image_shape=(3, 16, 16), latent_dim=8, conditioning=None)
    >>> tuple(generator(Latents(torch.zeros(2, 8))).shape)
    (2, 3, 16, 16)

    Args:
        width: channels of the finest block, published as 256 up to 32 px, where every block has them, and as 64 above,
            where the coarsest has 16 times as many.
        variant: `sngan` or `compare_gan`.
        initialization: how weights start: `xavier` (SNGAN), `normal` for N(0, 0.02) (compare_gan), or `orthogonal`.
        weight_standardization: whether the filters of the blocks' convolutions have mean 0 and variance 1
            (arXiv:1903.10520); not together with spectral_norm.
    """

    resolutions = tuple(GENERATOR_MULTIPLIERS)

    width: int = 256
    variant: Variant = "sngan"
    initialization: Initialization = "xavier"
    weight_standardization: bool = False

    def make_layers(self) -> LayerFactory:
        """Return the factory that makes its layers."""
        return LayerFactory(
            spectral_norm=self.spectral_norm,
            weight_standardization=self.weight_standardization,
            initializer=INITIALIZERS[self.initialization],
        )

    @staticmethod
    def plan(size: int) -> tuple[int, Sequence[int]]:
        """Return the height of the coarsest map, and channels as multiples of the width."""
        multipliers = GENERATOR_MULTIPLIERS[size]
        return size // 2 ** (len(multipliers) - 1), multipliers


@register("architectures")
class resnet_discriminator(ResidualDiscriminator):
    """Residual blocks, ReLU, pooling over pixels to features, and a linear layer to one logit.

    Source: SNGAN, arXiv:1802.05957, tables 4 to 6; at 32 px and width 128 it has 1,053,825 parameters. The features are
    SUMS over pixels of the last map: 8x8 at 32 px, 3x3 at 48 px, 2x2 at 64 px, 4x4 at 16 and 128 px. Class conditioning
    adds its head to the logit.
    Departures: 16 px is the 32 px form on a smaller image.

    The variant `compare_gan` follows that code at 32 px: norm and ReLU even on pixels, a 3x3 convolution on every
    shortcut, MEANS over pixels; images are mapped back to its range [0, 1].
    Departures from it: the other sizes. Bind `initialization = 'normal'` for its start.

    >>> narrow = part("architectures.resnet_discriminator", width=4, normalization=part("normalizations.none"))
    >>> discriminator = narrow(image_shape=(3, 16, 16), conditioning=None)
    >>> tuple(discriminator(torch.zeros(2, 3, 16, 16)).features_NF.shape), discriminator.tap_shapes["block1"]
    ((2, 4), (4, 4, 4))

    Args:
        width: channels of the first block, published as 128 up to 32 px, where every block has them, and as 64 above,
            where the last has 16 times as many.
        variant: `sngan` or `compare_gan`.
        initialization: how weights start: `xavier` (SNGAN), `normal` for N(0, 0.02) (compare_gan), or `orthogonal`.
        weight_standardization: whether the filters of the blocks' convolutions have mean 0 and variance 1
            (arXiv:1903.10520); not together with spectral_norm.
    """

    resolutions = tuple(DISCRIMINATOR_BLOCKS)

    width: int = 128
    variant: Variant = "sngan"
    initialization: Initialization = "xavier"
    weight_standardization: bool = False

    def make_layers(self) -> LayerFactory:
        """Return the factory that makes its layers."""
        return LayerFactory(
            spectral_norm=self.spectral_norm,
            weight_standardization=self.weight_standardization,
            initializer=INITIALIZERS[self.initialization],
        )

    @staticmethod
    def plan(size: int) -> Sequence[tuple[int, bool]]:
        """Return of each block its channels as a multiple of the width, and whether it halves the size."""
        return DISCRIMINATOR_BLOCKS[size]
