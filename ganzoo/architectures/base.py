"""The contracts of a generator and a discriminator. N: batch; C, H, W: image; L: latent dimension; F: features."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from ganzoo.batch import Latents
from ganzoo.component import Component, Part
from ganzoo.errors import ParameterError
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization

ImageShape = tuple[int, int, int]


class LabelLayers(Protocol):
    """What a network asks of the conditioning: the layers that take class labels (N,). K: classes."""

    num_classes: int
    """K."""

    def generator_normalization(self, normalization: Part[Normalization]) -> Part[Normalization]:
        """Return the form of the generator's normalization that also takes labels."""

    def generator_embedding(self, embedding_dim: int, layers: LayerFactory) -> nn.Module:
        """Return a module labels (N,) -> (N, embedding_dim) that all layers of a generator share."""

    def discriminator_head(self, feature_dim: int, layers: LayerFactory) -> nn.Module:
        """Return a module (features (N, F), labels (N,)) -> (N,) that is added to the adversarial logit."""


class Network(Component, nn.Module):
    """What generators and discriminators share.

    The runtime arguments are `image_shape` (C, H, W), `latent_dim` (L) and `conditioning` (`LabelLayers`; None for an
    unconditional network). A network names those it needs in its constructor. One that does not name `conditioning`
    cannot use labels, and is refused in a conditional experiment.
    """

    kind = "architectures"
    runtime_args = frozenset({"image_shape", "latent_dim", "conditioning"})

    resolutions: ClassVar[tuple[int, ...]] = ()
    """The image heights (= widths), in pixels, for which it can be built."""

    uses_batch_statistics: bool
    """Whether the output for an image depends on the others of its batch."""

    layers: LayerFactory
    """The factory that made its layers."""

    @classmethod
    def check_resolution(cls, image_shape: ImageShape) -> None:
        """Refuse an image shape that this architecture is not made for.

        Raises:
            ValueError: the resolution is none of `resolutions`, or the image is no square.
        """
        _, height, width = image_shape
        if height != width or height not in cls.resolutions:
            known = ", ".join(str(r) for r in cls.resolutions)
            raise ValueError(f"cannot make {height} x {width} images; it is made for {known} px squares")


class Generator(Network):
    """A network from latents (N, L) to images (N, C, H, W) in [-1, 1]."""

    latent_dim: int
    image_shape: ImageShape

    splits_latents: ClassVar[bool] = False
    """Whether each layer gets only its own chunk of the latents, as in BigGAN."""

    @staticmethod
    def for_labels(
        normalization: Part[Normalization], conditioning: LabelLayers | None, latent_dim: int
    ) -> tuple[Part[Normalization], dict[str, int]]:
        """Return the form of a normalization for a network with or without labels, and its runtime arguments."""
        if conditioning is None:
            return normalization, {"latent_dim": latent_dim, "num_classes": 0}
        runtime_args = {"latent_dim": latent_dim, "num_classes": conditioning.num_classes}
        return conditioning.generator_normalization(normalization), runtime_args

    def sample_latents(self, num: int, *, rng: torch.Generator) -> Tensor:
        """Return latents (num, L) from the distribution that this network is trained on, by default standard normal.

        They are drawn on the CPU, so that they are the same on every device.
        """
        return torch.randn(num, self.latent_dim, generator=rng)

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1]."""
        raise NotImplementedError


@dataclass(frozen=True)
class DiscriminatorOutput:
    """A discriminator's output for N images.

    Args:
        logits_N: the adversarial logits (N,); larger means "more real".
        features_NF: pooled features (N, F), the input of every head.
        taps: the activations that were asked for, by name, each (N, c, h, w).
    """

    logits_N: Tensor
    features_NF: Tensor
    taps: dict[str, Tensor] = field(default_factory=dict)

    def split(self, sizes: list[int]) -> "list[DiscriminatorOutput]":
        """Cut the output of a joined batch back into its groups."""
        logits = torch.split(self.logits_N, sizes)
        features = torch.split(self.features_NF, sizes)
        taps = {name: torch.split(tap, sizes) for name, tap in self.taps.items()}
        return [
            DiscriminatorOutput(logits[i], features[i], {name: cut[i] for name, cut in taps.items()})
            for i in range(len(sizes))
        ]


class Discriminator(Network):
    """A network from images (N, C, H, W) in [-1, 1] to logits, features and taps."""

    feature_dim: int
    """F, the width of `features`."""

    tap_shapes: dict[str, tuple[int, int, int]]
    """The shape (c, h, w) of every tap (an inner activation), by name and in order of depth: `block0`, `block1`, ..."""

    logit: nn.Module
    """The layer from features (N, F) to the adversarial logit (N, 1)."""

    conditional_head: nn.Module | None
    """A module (features (N, F), labels (N,)) -> (N,), added to the logit; None for an unconditional network."""

    @staticmethod
    def check_normalization(normalization: Part[Normalization]) -> None:
        """Refuse a normalization that only a generator can use.

        Raises:
            ParameterError: it takes the generator's input.
        """
        if normalization.component.needs_condition:
            raise ParameterError(
                "normalization",
                f"is {normalization.name}, which takes the generator's input and cannot stand in a discriminator; "
                "use @normalizations.none, @normalizations.batch or @normalizations.layer",
            )

    def judge(self, features_NF: Tensor, labels_N: Tensor | None, tapped: dict[str, Tensor]) -> DiscriminatorOutput:
        """Return the output for features (N, F): the logits (N,), with what the labels (N,) add to them."""
        logits_N: Tensor = self.logit(features_NF).squeeze(1)
        if self.conditional_head is not None:
            assert labels_N is not None, "a conditional discriminator was given no labels"
            logits_N = logits_N + self.conditional_head(features_NF, labels_N)
        return DiscriminatorOutput(logits_N, features_NF, tapped)

    features_use_labels: bool = False
    """Whether features and taps, and not the logits alone, depend on the labels. Metrics that read features refuse such
    a discriminator, since its features do not describe an image alone."""

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        """Judge images (N, C, H, W). Only a conditional discriminator uses the labels; `taps` names those to return."""
        raise NotImplementedError
