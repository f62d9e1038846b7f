"""compare_gan's residual networks of five blocks, for powers of two from 16 to 128 px.

N: batch; C, H, W: image; L: latent dimension; F: features.
"""

from collections.abc import Sequence

from ganzoo.architectures.residual_networks import ResidualDiscriminator, ResidualGenerator
from ganzoo.layers.factory import LayerFactory, normal
from ganzoo.registry import register

RESOLUTIONS = (16, 32, 64, 128)
BOTTOM_SIZE = 4
# Channels as multiples of the width: of G's 4x4 map and after each block; of D after each block.
GENERATOR_MULTIPLIERS = (8, 8, 4, 4, 2, 1)
DISCRIMINATOR_MULTIPLIERS = (1, 2, 4, 4, 8, 8)


@register("architectures")
class resnet5_generator(ResidualGenerator):
    """A linear layer to 4x4, five residual blocks, norm, ReLU, a 3x3 convolution, sigmoid.

    The first blocks upsample until the image's size is reached, by zeros between pixels. All have a 3x3 convolution on
    their shortcut. Every normalization, the last one included, takes labels under class conditioning.

    Source: compare_gan's `resnet5`, after Gulrajani et al., arXiv:1704.00028, with its weights from N(0, 0.02^2).
    Departures: the sigmoid is scaled to [-1, 1]; latents are standard normal unless `latent = 'uniform'`; bind `eps`
    and `momentum` of the normalization to 1e-3 for its constants; with `spectral_norm` the first linear layer and the
    last convolution are normalised too, which that code leaves out.

    >>> narrow = part("architectures.resnet5_generator", width=4, normalization=part("normalizations.batch"))
    >>> generator = narrow(image_shape=(3, 16, 16), latent_dim=8, conditioning=None)
    >>> tuple(generator(Latents(torch.zeros(2, 8))).shape)
    (2, 3, 16, 16)

    Args:
        width: channels of the finest block, published as 64; the coarsest has 8 times as many.
    """

    resolutions = RESOLUTIONS
    last_norm_sees_labels = True
    variant = "compare_gan"

    width: int = 64

    def make_layers(self) -> LayerFactory:
        """Return the factory that makes its layers."""
        return LayerFactory(spectral_norm=self.spectral_norm, initializer=normal)

    @staticmethod
    def plan(size: int) -> tuple[int, Sequence[int]]:
        """Return the height of the coarsest map, and channels as multiples of the width."""
        return BOTTOM_SIZE, GENERATOR_MULTIPLIERS


@register("architectures")
class resnet5_discriminator(ResidualDiscriminator):
    """Six residual blocks that halve the size down to one pixel, ReLU, the mean over pixels, and a linear layer.

    Norm and ReLU precede every convolution, even on pixels, and every shortcut has a 3x3 convolution. The features are
    MEANS over the last map: 2x2 at 128 px, one pixel below. Images are mapped to compare_gan's range [0, 1]. Class
    conditioning adds its head to the logit.

    Source: compare_gan's `resnet5`, after Gulrajani et al., arXiv:1704.00028, with its weights from N(0, 0.02^2).

    >>> narrow = part("architectures.resnet5_discriminator", width=4, normalization=part("normalizations.none"))
    >>> discriminator = narrow(image_shape=(3, 16, 16), conditioning=None)
    >>> tuple(discriminator(torch.zeros(2, 3, 16, 16)).features_NF.shape), discriminator.tap_shapes["block1"]
    ((2, 32), (8, 4, 4))

    Args:
        width: channels of the first block, published as 64; the last has 8 times as many.
    """

    resolutions = RESOLUTIONS
    variant = "compare_gan"

    width: int = 64

    def make_layers(self) -> LayerFactory:
        """Return the factory that makes its layers."""
        return LayerFactory(spectral_norm=self.spectral_norm, initializer=normal)

    @staticmethod
    def plan(size: int) -> Sequence[tuple[int, bool]]:
        """Return of each block its channels as a multiple of the width, and whether it halves the size."""
        return [(multiplier, size >> i > 1) for i, multiplier in enumerate(DISCRIMINATOR_MULTIPLIERS)]
