"""The contract of a self-supervised task. N: batch; C, H, W: image; F: features; L: latent dimension.

A step calls four methods of a task, in this order:

1. `extra_latents` returns more latents for the generator (perturbed copies, pairs).
2. `views` returns more images for the discriminator, made from the augmented batch. Each group of them has a name.
3. The discriminator makes ONE forward pass over [real, fake, views of all tasks]. Then `d_terms` or `g_terms` returns
   the named, weighted losses of this step, computed from its outputs for the task's own views and the upright images.
4. `after_step` does what follows an update (it fills a queue, moves a momentum copy).

Heads are submodules and join the discriminator's optimizer. They are built by the discriminator's layer factory, so
that they have spectral norm if it has. State that must survive a restart (a queue, kept images, the weights of a
momentum copy) is kept in buffers: these are saved, but not trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.batch import ImageBatch, Latents
from ganzoo.component import Component

Role = Literal["d", "g"]
"""Whose step it is: the discriminator's or the generator's."""


@dataclass(frozen=True)
class View:
    """A group of images that a task shows to the discriminator.

    Args:
        batch: the images, with the CLASS labels of the images they were made from. A conditional discriminator needs
            them: a view of fakes carries the labels of the fakes.
        source: whether they were made from real or from generated images.
        targets_N: what the task is to recognise, a row for each image: a label, or a vector.
        adversarial: whether the group also counts in the adversarial loss, as real or as generated images.
    """

    batch: ImageBatch
    source: Literal["real", "fake"]
    targets_N: Tensor | None = None
    adversarial: bool = False


@dataclass(frozen=True)
class StepBatch:
    """The images of a step, already augmented, from which a task makes its views.

    Args:
        fake: generated images with labels and latents. In the generator's step, gradients flow through them.
        real: real images; in the generator's step they are there only if a task has `uses_real_in_g_step`.
        extra: the images generated from the task's extra latents, by the names it gave them.
    """

    fake: ImageBatch
    real: ImageBatch | None = None
    extra: Mapping[str, ImageBatch] = field(default_factory=dict)


@dataclass(frozen=True)
class ViewOutput:
    """A group of images with the discriminator's output for it."""

    batch: ImageBatch
    output: DiscriminatorOutput
    targets_N: Tensor | None = None

    def detach(self) -> "ViewOutput":
        """Return the same without gradients."""
        return ViewOutput(
            self.batch.with_images(self.batch.images_NCHW.detach()), _detached(self.output), self.targets_N
        )


def _detached(output: DiscriminatorOutput) -> DiscriminatorOutput:
    taps = {name: tap.detach() for name, tap in output.taps.items()}
    return DiscriminatorOutput(output.logits_N.detach(), output.features_NF.detach(), taps)


@dataclass(frozen=True)
class TaskOutputs:
    """The discriminator's outputs of a step, as far as they concern a task.

    Args:
        fake: for the upright generated images.
        real: for the upright real images; None in a generator step without them.
        views: for the task's own views, by name.
        extra: the images generated from the task's extra latents; D saw them only if they are views as well.
    """

    fake: ViewOutput
    real: ViewOutput | None
    views: Mapping[str, ViewOutput]
    extra: Mapping[str, ImageBatch] = field(default_factory=dict)

    def detach(self) -> "TaskOutputs":
        """Return the same without gradients."""
        return TaskOutputs(
            self.fake.detach(),
            None if self.real is None else self.real.detach(),
            {name: view.detach() for name, view in self.views.items()},
            {name: batch.with_images(batch.images_NCHW.detach()) for name, batch in self.extra.items()},
        )


@dataclass(frozen=True)
class LossTerm:
    """One named summand of a step's loss: `weight * value`. With a weight of 0 it is only reported."""

    name: str
    value: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class TaskResult:
    """A task's loss terms of one step, and detached scalars to log (accuracies), by name."""

    terms: Sequence[LossTerm] = ()
    reports: Mapping[str, Tensor] = field(default_factory=dict)


class PretextTask(Component, nn.Module):
    """A self-supervised task of the discriminator.

    The runtime arguments are `feature_dim` (F of the discriminator), `tap_shapes` (the shapes (c, h, w) of its taps, by
    name), `image_shape` (C, H, W), `latent_dim` (L), `num_classes` (0 without labels), `batch_size` (N), `num_steps`
    (generator updates of the run, for schedules), `layers` (the discriminator's layer factory, for heads) and
    `discriminator` (the network itself, to copy and not to keep). A task names those it needs in its constructor.

    The attributes below tell a step and the builder about the task. If an option decides one of them, the constructor
    sets it on the instance.
    """

    kind = "pretext"
    runtime_args = frozenset(
        {
            "feature_dim",
            "tap_shapes",
            "image_shape",
            "latent_dim",
            "num_classes",
            "batch_size",
            "num_steps",
            "layers",
            "discriminator",
        }
    )

    taps: Sequence[str] = ()
    """Names of the discriminator's taps that the task reads."""

    replaces_adversarial: bool = False
    """Whether its terms replace the adversarial loss; then `experiment.loss` must be None."""

    adds_to_adversarial: str = ""
    """The setting with which a task that replaces the adversarial loss is added to one instead, for messages:
    `adversarial = 'add'`. Empty if there is none."""

    needs_adversarial: bool = False
    """Whether it makes sense only with an adversarial loss, since it reads the logits or adds images to that loss;
    then `experiment.loss` must not be None."""

    uses_real_in_g_step: bool = False
    """Whether the discriminator is to see real images in the generator's step too."""

    needs_upright: bool = False
    """Whether its images must be upright. An augmentation that turns images is then refused."""

    is_learnable: ClassVar[bool] = True
    """Whether there is something to learn. In a control there is not: its accuracy stays at chance, and is not flagged.
    """

    chance: Mapping[str, float] = {}
    """What guessing would reach in each accuracy that it reports, by the accuracy's name."""

    def extra_latents(self, fake: Latents, *, role: Role, rng: torch.Generator) -> Mapping[str, Latents]:
        """Return more latents (any number, L) for the generator, by name; their images come in `StepBatch.extra`."""
        return {}

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> Mapping[str, View]:
        """Return the groups of images, each (any number, C, H, W), to show to the discriminator, by name."""
        return {}

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the losses, scalars each, that the discriminator and the task's heads minimise in addition."""
        return TaskResult()

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the losses, scalars each, that the generator minimises in addition."""
        return TaskResult()

    def after_step(
        self, outputs: TaskOutputs, discriminator: Discriminator, *, role: Role, step: int, rng: torch.Generator
    ) -> None:
        """Act after the update. `outputs` is detached; `rng` is the random stream that `views` also draws from."""
