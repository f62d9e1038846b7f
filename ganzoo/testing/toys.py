"""Small networks to try a component on. N: batch; C, H, W: image; L: latent dimension; K: classes; F: features."""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput, Generator, ImageShape
from ganzoo.batch import UNKNOWN_LABEL, Latents
from ganzoo.component import Part
from ganzoo.conditioning.projection import projection
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization

IMAGE_SHAPE, LATENT_DIM, NUM_STEPS = (3, 16, 16), 6, 10


class ToyGenerator(Generator):
    """One linear layer, batch normalization and tanh.

    Args:
        image_shape: (C, H, W).
        latent_dim: L.
        num_classes: K; labels are appended to the latents, one-hot.
    """

    uses_batch_statistics = True

    def __init__(
        self, *, image_shape: ImageShape = IMAGE_SHAPE, latent_dim: int = LATENT_DIM, num_classes: int = 0
    ) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.num_classes = image_shape, latent_dim, num_classes
        self.layers = LayerFactory(spectral_norm=False)
        channels, height, width = image_shape
        self.linear = self.layers.linear(latent_dim + num_classes, channels * height * width)
        self.normalize = nn.BatchNorm2d(channels)

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        z_NL = inputs.latents_NL
        if self.num_classes:
            assert inputs.labels_N is not None
            z_NL = torch.cat([z_NL, functional.one_hot(inputs.labels_N, self.num_classes)], dim=1)
        images_NCHW: Tensor = self.normalize(self.linear(z_NL).unflatten(1, self.image_shape)).tanh()
        return images_NCHW


class ToyDiscriminator(Discriminator):
    """Two strided convolutions, a mean over pixels and a linear layer; each convolution is a tap.

    Args:
        image_shape: (C, H, W).
        num_classes: K; labels enter by projection, those that are known.
        spectral_norm: whether its weights are spectrally normalised.
        batch_norm: whether it normalises over the batch.
        width: F, channels of the last tap.
    """

    def __init__(
        self,
        *,
        image_shape: ImageShape = IMAGE_SHAPE,
        num_classes: int = 0,
        spectral_norm: bool = True,
        batch_norm: bool = False,
        width: int = 8,
    ) -> None:
        super().__init__()
        channels, height, _ = image_shape
        self.image_shape, self.num_classes, self.uses_batch_statistics = image_shape, num_classes, batch_norm
        self.layers = LayerFactory(spectral_norm=spectral_norm)
        self.conv0 = self.layers.conv2d(channels, 4, 3, stride=2)
        self.conv1 = self.layers.conv2d(4, width, 3, stride=2)
        self.normalize = nn.BatchNorm2d(4) if batch_norm else nn.Identity()
        self.linear = self.layers.linear(width, 1)
        self.embedding = self.layers.embedding(num_classes, width) if num_classes else None
        self.feature_dim = width
        self.tap_shapes = {
            "block0": (4, -(-height // 2), -(-height // 2)),
            "block1": (width, -(-height // 4), -(-height // 4)),
        }

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        """Judge images."""
        block0 = functional.leaky_relu(self.normalize(self.conv0(images_NCHW)), 0.1)
        block1 = functional.leaky_relu(self.conv1(block0), 0.1)
        features_NF = block1.mean((2, 3))
        logits_N = self.linear(features_NF).squeeze(1)
        if self.embedding is not None:
            assert labels_N is not None, "a conditional discriminator was given no labels"
            assert len(labels_N) == len(images_NCHW), "there must be as many labels as images"
            # An image without a label is judged as an unconditional discriminator would.
            known_N = labels_N != UNKNOWN_LABEL
            logits_N = logits_N + known_N * (self.embedding(labels_N * known_N) * features_NF).sum(1)
        every = {"block0": block0, "block1": block1}
        return DiscriminatorOutput(logits_N, features_NF, {name: every[name] for name in taps})


def linear_discriminator(images_NCHW: Tensor, labels_N: Tensor | None = None) -> DiscriminatorOutput:
    """Judge images by the sum of their pixels: the gradient of a logit is 1 at every pixel."""
    return DiscriminatorOutput(images_NCHW.sum((1, 2, 3)), images_NCHW.flatten(1))


def task_args(discriminator: ToyDiscriminator | None = None, *, batch_size: int = 8) -> dict[str, object]:
    """Return every runtime argument of a pretext task, for a run of 10 steps.

    Args:
        discriminator: a toy that the task belongs to; None for a new one.
        batch_size: real images, and fakes, of a step.
    """
    discriminator = ToyDiscriminator() if discriminator is None else discriminator
    return {
        "feature_dim": discriminator.feature_dim,
        "tap_shapes": discriminator.tap_shapes,
        "image_shape": discriminator.image_shape,
        "latent_dim": LATENT_DIM,
        "num_classes": discriminator.num_classes,
        "batch_size": batch_size,
        "num_steps": NUM_STEPS,
        "layers": discriminator.layers,
        "discriminator": discriminator,
    }


class ToyNormalization(Normalization):
    """Scale and shift each channel by numbers of the class; without classes, by learned numbers.

    Args:
        num_features: C.
        num_classes: K, or 0.
    """

    def __init__(self, *, num_features: int, num_classes: int = 0) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.table = nn.Embedding(max(num_classes, 1), 2 * num_features)

    def forward(self, x_NCHW: Tensor, condition: Latents | None) -> Tensor:
        """Scale and shift `x`."""
        rows_N = x_NCHW.new_zeros(len(x_NCHW), dtype=torch.int64)
        if self.num_classes:
            assert condition is not None, "a conditional normalization was given no condition"
            assert condition.labels_N is not None, "a conditional normalization was given no labels"
            rows_N = condition.labels_N
        scale_NC, shift_NC = self.table(rows_N).chunk(2, dim=1)
        scaled_NCHW: Tensor = x_NCHW * (1 + scale_NC[:, :, None, None]) + shift_NC[:, :, None, None]
        return scaled_NCHW


class ToyConditioning(projection):
    """Condition any network: its generator's normalization becomes a toy, its discriminator gets a projection."""

    def generator_normalization(self, normalization: Part[Normalization]) -> Part[Normalization]:
        """Return the toy."""
        return Part("normalizations.toy", ToyNormalization)
