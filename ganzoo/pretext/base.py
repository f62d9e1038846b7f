"""The contract of a self-supervised task. N: batch; C, H, W: image; F: features; L: latent dimension.

A step asks a task four things, in this order:

1. `extra_latents`: other latents that the generator shall also see (perturbed copies, pairs).
2. `views`: images that the discriminator shall also see, made from the augmented batch, each a named group.
3. After ONE forward pass of the discriminator over [real, fake, views of all tasks]: `d_terms` or `g_terms`, the named,
   weighted losses of this step, from what the discriminator said of the task's own views and of the upright images.
4. `after_step`: anything that follows an update (a queue, a momentum copy).

Heads are submodules; they are built from the discriminator's layer factory, so that they follow its spectral norm, and
they join the discriminator's optimizer. State that must survive a restart (a queue, kept images, the weights of a
momentum copy) is in buffers: these are saved, and neither trained nor counted as trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.batch import ImageBatch, Latents
from ganzoo.component import Component
from ganzoo.errors import ParameterError

Role = Literal["d", "g"]
"""Whose step it is: the discriminator's or the generator's."""


@dataclass(frozen=True)
class View:
    """A group of images that a task lets the discriminator see.

    Args:
        batch: the images, with the CLASS labels of the images they were made from (a conditional discriminator needs
            them: a view of fakes carries the fakes' labels).
        source: whether the images come from real or from generated ones.
        targets_N: what the task shall recognise in each image, with a row for each: a label, or a vector.
        adversarial: whether the group takes part in the adversarial term, as `source` says.
    """

    batch: ImageBatch
    source: Literal["real", "fake"]
    targets_N: Tensor | None = None
    adversarial: bool = False


@dataclass(frozen=True)
class StepBatch:
    """What a task may make its views from, all of it augmented already.

    Args:
        fake: generated images with labels and latents; gradients flow to the generator in its step.
        real: real images; in the generator's step present only if `uses_real_in_g_step`.
        extra: the generator's images of the task's own extra latents, by the names it gave them.
    """

    fake: ImageBatch
    real: ImageBatch | None = None
    extra: Mapping[str, ImageBatch] = field(default_factory=dict)


@dataclass(frozen=True)
class ViewOutput:
    """A group of images and what the discriminator said of it."""

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
    """What the discriminator said in this step.

    Args:
        real: of the upright real images; None in a generator step that did not show them.
        fake: of the upright generated images.
        views: of the task's own views, by name.
        extra: the generator's images of the task's own extra latents, which D saw only where they are views as well.
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
    """One named summand of a step's loss: `weight * value`. A weight of 0 leaves it out but still reports it."""

    name: str
    value: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class TaskResult:
    """A task's terms of one step, and detached scalars worth logging (accuracies), by name."""

    terms: Sequence[LossTerm] = ()
    reports: Mapping[str, Tensor] = field(default_factory=dict)


class PretextTask(Component, nn.Module):
    """A self-supervised task of the discriminator.

    The runtime arguments are `feature_dim` (F of the discriminator), `tap_shapes` (its named taps), `image_shape`,
    `latent_dim`, `num_classes`, `batch_size`, `num_steps` (generator updates of the run, for schedules), `layers` (the
    discriminator's layer factory, for heads) and `discriminator` (the network itself, to be copied and not kept); a
    task names those it needs in its constructor.

    What an option decides of the attributes below, the constructor sets on the instance.
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
    """Whether its terms stand in for the adversarial loss; then `experiment.loss` must be None."""

    adds_to_adversarial: str = ""
    """Of a task that replaces the adversarial loss: the setting with which it stands beside one, `adversarial = 'add'`;
    empty if there is none. Messages name it."""

    needs_adversarial: bool = False
    """Whether it means nothing without an adversarial loss: it reads the logits that the loss trains, or shows images
    in its term; then `experiment.loss` must not be None."""

    uses_real_in_g_step: bool = False
    """Whether the generator's step shall show the discriminator real images as well."""

    needs_upright: bool = False
    """Whether its images must stand upright, as they do not after an augmentation that turns them."""

    is_learnable: ClassVar[bool] = True
    """Whether there is something to learn; of a control there is not, and its accuracy at chance is no sign of trouble.
    """

    chance: Mapping[str, float] = {}
    """For each accuracy it reports, what guessing would reach."""

    def extra_latents(self, fake: Latents, *, role: Role, rng: torch.Generator) -> Mapping[str, Latents]:
        """Return further latents for the generator, by name; their images arrive in `StepBatch.extra`."""
        return {}

    def views(self, batch: StepBatch, *, role: Role, rng: torch.Generator) -> Mapping[str, View]:
        """Return the groups of images that the discriminator shall see, by name."""
        return {}

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return what the discriminator (with the task's heads) shall minimise in addition."""
        return TaskResult()

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return what the generator shall minimise in addition."""
        return TaskResult()

    def after_step(
        self, outputs: TaskOutputs, discriminator: Discriminator, *, role: Role, step: int, rng: torch.Generator
    ) -> None:
        """Act after the update; `outputs` is detached, `rng` is the stream that `views` draws from."""


def check_weights(**weights: float) -> None:
    """Refuse a negative weight of a loss.

    Args:
        weights: by the name of the parameter.

    Raises:
        ParameterError: the first that is negative.
    """
    for name, weight in weights.items():
        if weight < 0:
            raise ParameterError(name, f"is the weight of a loss and must not be negative, not {weight}")
