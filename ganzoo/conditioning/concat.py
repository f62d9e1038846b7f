"""Labels as further inputs of both networks. N: batch; C, H, W: image; L: latent dimension; K: classes."""

from collections.abc import Collection

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput, Generator, ImageShape
from ganzoo.batch import Latents
from ganzoo.component import Part
from ganzoo.conditioning.base import Conditioning
from ganzoo.registry import register


@register("conditioning")
class concat(Conditioning):
    """Put the one-hot label beside G's latents, and beside D's image as K further channels.

    Each of D's further channels is constant over the image: 1 for the image's class, 0 for the others. The networks are
    built for larger inputs and know nothing of labels. So it suits every normalization, and every architecture but one
    that cuts its latents into chunks (BigGAN). D's first layer grows with K.

    Source: Mirza & Osindero, "Conditional Generative Adversarial Nets", arXiv:1411.1784, section 3.2: the label is a
    further input of both networks. The channels are what that means for a convolution.
    Departure: the paper's networks pass latents, images and labels through a layer each before they are joined.

    >>> toy = part("architectures.dcgan_generator", width=2, normalization=part("normalizations.batch"))
    >>> generator = concat(num_classes=10).build_generator(toy, image_shape=(1, 16, 16), latent_dim=8)
    >>> generator.latent_dim, generator.inner.latent_dim
    (8, 18)
    """

    def build_generator(self, part: Part[Generator], *, image_shape: ImageShape, latent_dim: int) -> Generator:
        """Return the generator with L + K latents, K of them the label.

        Raises:
            ValueError: it cuts its latents into chunks, so that only one would hold the label; or its normalization
                takes labels.
        """
        if part.component.splits_latents:
            raise ValueError(
                f"conditioning.concat puts the label beside the latents, and {part.name} cuts them into chunks, most "
                "of which would not hold it; use @conditioning.projection"
            )
        normalization = part.arguments.get("normalization")
        if isinstance(normalization, Part) and normalization.component.needs_labels:
            raise ValueError(
                f"conditioning.concat puts the label beside the latents and gives {normalization.name} none; use "
                "@conditioning.projection, or another normalization of the generator"
            )
        joint_dim = latent_dim + self.num_classes
        inner = part(image_shape=image_shape, latent_dim=joint_dim, conditioning=None)
        return LabelledLatents(inner, latent_dim=latent_dim, num_classes=self.num_classes)

    def build_discriminator(
        self, part: Part[Discriminator], *, image_shape: ImageShape, latent_dim: int
    ) -> Discriminator:
        """Return the discriminator of images with C + K channels, K of them the label."""
        channels, height, width = image_shape
        joint_shape = (channels + self.num_classes, height, width)
        inner = part(image_shape=joint_shape, latent_dim=latent_dim, conditioning=None)
        return LabelledImages(inner, num_classes=self.num_classes)


class LabelledLatents(Generator):
    """A generator that is given latents and labels, and gives both to another as latents.

    Args:
        inner: takes L + K latents.
        latent_dim: L.
        num_classes: K.
    """

    def __init__(self, inner: Generator, *, latent_dim: int, num_classes: int) -> None:
        super().__init__()
        self.inner, self.latent_dim, self.num_classes = inner, latent_dim, num_classes
        self.image_shape, self.layers = inner.image_shape, inner.layers
        self.uses_batch_statistics = inner.uses_batch_statistics

    def sample_latents(self, num: int, *, rng: torch.Generator) -> Tensor:
        """Return latents (num, L) of the inner generator's distribution."""
        return self.inner.sample_latents(num, rng=rng)[:, : self.latent_dim]

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        assert inputs.labels_N is not None, "a conditional generator was given no labels"
        label_NK = functional.one_hot(inputs.labels_N, self.num_classes).to(inputs.latents_NL.dtype)
        images_NCHW: Tensor = self.inner(Latents(torch.cat([inputs.latents_NL, label_NK], dim=1)))
        return images_NCHW


class LabelledImages(Discriminator):
    """A discriminator that is given images and labels, and gives both to another as an image.

    Args:
        inner: takes C + K channels.
        num_classes: K.
    """

    features_use_labels = True

    def __init__(self, inner: Discriminator, *, num_classes: int) -> None:
        super().__init__()
        self.inner, self.num_classes = inner, num_classes
        self.feature_dim, self.tap_shapes, self.layers = inner.feature_dim, inner.tap_shapes, inner.layers
        self.uses_batch_statistics = inner.uses_batch_statistics

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        """Judge images by their classes."""
        assert labels_N is not None, "a conditional discriminator was given no labels"
        label_NK11 = functional.one_hot(labels_N, self.num_classes).to(images_NCHW.dtype)[:, :, None, None]
        label_NKHW = label_NK11.expand(-1, -1, *images_NCHW.shape[2:])
        output: DiscriminatorOutput = self.inner(torch.cat([images_NCHW, label_NKHW], dim=1), taps=taps)
        return output
