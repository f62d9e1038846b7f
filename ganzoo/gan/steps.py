"""The two steps of training, for every GAN there is: `d_step` for the discriminator, `g_step` for the generator.

A step makes images, shows them to D, and sums the terms of its loss. It knows no component by name and changes no
weight: it returns the loss with its named, detached parts, and the trainer does the rest. N: batch; C, H, W: image.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganzoo.augment.base import Augment
from ganzoo.batch import ImageBatch, Latents
from ganzoo.gan.model import Gan
from ganzoo.gan.views import (
    adversarial_logits,
    augmented,
    discriminate,
    frozen,
    generate,
    generate_extra,
    outputs_by_task,
    task_views,
)
from ganzoo.layers.spectral_norm import advance_spectral_norm
from ganzoo.losses.base import AdversarialLoss
from ganzoo.penalties.base import Penalty
from ganzoo.pretext.base import LossTerm, Role, TaskOutputs, TaskResult, View, ViewOutput
from ganzoo.randomness import Streams


@dataclass(frozen=True)
class Objective:
    """What the two networks minimise, besides the terms of the tasks, which the `Gan` holds.

    Args:
        loss: of the adversarial logits; None if a task replaces it or trains D alone.
        penalties: by name; a penalty's term and its random stream have that name.
        augment: changes the images before D and the tasks see them; None for no change.
    """

    loss: AdversarialLoss | None
    penalties: Mapping[str, Penalty]
    augment: Augment | None


@dataclass(frozen=True)
class StepOutput:
    """What a step gives to the trainer.

    Args:
        loss: the scalar to minimise.
        parts: detached scalars to log, named `d/...` or `g/...`: the terms of the loss (those of penalties weighted,
            those of tasks not) and what the tasks report.
        task_outputs: what D said, by task.
        fake: the generated images that D judged, detached.
        real: the real images that D judged; None if it judged none.
        real_logits_N: D's logits of the real images, detached; None if it judged none.
        num_d_images: how many images D saw, those of views and penalties included.
    """

    loss: Tensor
    parts: dict[str, Tensor]
    task_outputs: dict[str, TaskOutputs]
    fake: ImageBatch
    real: ImageBatch | None
    real_logits_N: Tensor | None
    num_d_images: int


def d_step(
    gan: Gan, objective: Objective, real: ImageBatch, latents: Latents, *, step: int, rng: Streams
) -> StepOutput:
    """Return the discriminator's loss: the adversarial term, the penalties, and the terms of every task.

    Args:
        gan: the networks; the spectral norms of D and of the tasks' heads advance by one power iteration.
        objective: loss, penalties and augmentation.
        real: real images, not augmented yet.
        latents: the input from which G makes the fakes.
        step: generator updates done so far, for schedules.
        rng: the run's random streams.
    """
    advance_spectral_norm(gan.discriminator)
    advance_spectral_norm(gan.task_modules)

    # Make the images. D's loss has no gradient for G, so no graph of G is built.
    with torch.no_grad():
        fake = generate(gan, latents)
        extra = generate_extra(gan, objective.augment, latents, "d", rng)
        real = augmented(objective.augment, real, rng["augment/d/real"])
        fake = augmented(objective.augment, fake, rng["augment/d/fake"], is_fake=True)

    # Show D the real images, the fakes, and the views of every task.
    groups = {"real": View(real, "real"), "fake": View(fake, "fake")}
    groups |= task_views(gan, fake, real, extra, "d", rng)
    outputs = discriminate(gan, groups)
    task_outputs = outputs_by_task(gan, outputs, extra)

    # Collect the terms of the loss.
    terms: list[LossTerm] = []
    parts: dict[str, Tensor] = {}
    if objective.loss is not None:
        real_logits_N = adversarial_logits(groups, outputs, "real")
        fake_logits_N = adversarial_logits(groups, outputs, "fake")
        terms.append(LossTerm("adversarial", objective.loss.d_loss(real_logits_N, fake_logits_N)))
        parts |= {"logits_real": real_logits_N.detach().mean(), "logits_fake": fake_logits_N.detach().mean()}
    for name, penalty in objective.penalties.items():
        # Second derivatives need float32 even where the rest of the step runs in bfloat16.
        with torch.autocast(real.images_NCHW.device.type, enabled=False):
            terms.append(LossTerm(name, penalty(gan.discriminator, real, fake, rng=rng[name])))
    results = {name: task.d_terms(task_outputs[name], step=step) for name, task in gan.tasks.items()}
    num_penalty_images = sum(penalty.num_d_images(len(real)) for penalty in objective.penalties.values())
    return finish("d", terms, parts, results, task_outputs, outputs, num_penalty_images)


def g_step(
    gan: Gan, objective: Objective, real: ImageBatch, latents: Latents, *, step: int, rng: Streams
) -> StepOutput:
    """Return the generator's loss, which has the same kinds of terms.

    D is frozen: gradients flow through it to G, and none is computed for its own weights.

    Args:
        gan: the networks; the spectral norms of G advance by one power iteration.
        objective: loss, penalties and augmentation.
        real: the real images of the last discriminator step; D sees them only if the loss or a task needs them.
        latents: the input from which G makes the fakes.
        step: generator updates done so far, for schedules.
        rng: the run's random streams.
    """
    advance_spectral_norm(gan.generator)
    with frozen(gan.discriminator), frozen(gan.task_modules):
        # Make the images.
        fake = augmented(objective.augment, generate(gan, latents), rng["augment/g/fake"], is_fake=True)
        extra = generate_extra(gan, objective.augment, latents, "g", rng)

        # Show D the fakes, the views of every task, and the real images if something compares with them.
        groups = {"fake": View(fake, "fake")}
        shows_real = any(task.uses_real_in_g_step for task in gan.tasks.values())
        if shows_real or (objective.loss is not None and objective.loss.g_needs_real):
            real = augmented(objective.augment, real, rng["augment/g/real"])
            groups["real"] = View(real, "real")
        groups |= task_views(gan, fake, real, extra, "g", rng)
        outputs = discriminate(gan, groups)
        task_outputs = outputs_by_task(gan, outputs, extra)

        # Collect the terms of the loss.
        terms: list[LossTerm] = []
        if objective.loss is not None:
            real_logits_N = adversarial_logits(groups, outputs, "real") if objective.loss.g_needs_real else None
            loss = objective.loss.g_loss(adversarial_logits(groups, outputs, "fake"), real_logits_N)
            terms.append(LossTerm("adversarial", loss))
        for name, penalty in objective.penalties.items():
            with torch.autocast(real.images_NCHW.device.type, enabled=False):
                value = penalty.g_penalty(gan.generator)
            if value is not None:
                terms.append(LossTerm(name, value))
        results = {name: task.g_terms(task_outputs[name], step=step) for name, task in gan.tasks.items()}
    return finish("g", terms, {}, results, task_outputs, outputs)


def finish(
    role: Role,
    terms: list[LossTerm],
    parts: dict[str, Tensor],
    results: dict[str, TaskResult],
    task_outputs: dict[str, TaskOutputs],
    outputs: dict[str, ViewOutput],
    num_other_images: int = 0,
) -> StepOutput:
    """Sum the terms of the step and of its tasks to its loss, and name the parts `d/...` or `g/...`."""
    for name, result in results.items():
        terms = terms + [replace(term, name=f"{name}/{term.name}") for term in result.terms]
        parts = parts | {f"{name}/{report}": value for report, value in result.reports.items()}
    weighted = [term.weight * term.value for term in terms if term.weight]
    # A step may have nothing to minimise: a task trains D alone, or a weight was annealed to 0. Then its gradient is 0,
    # and weights move only by what the optimizer itself adds, such as momentum.
    loss = torch.stack(weighted).sum() if weighted else 0.0 * outputs["fake"].output.logits_N.sum()
    parts = {term.name: term.value.detach() for term in terms} | parts | {"loss": loss.detach()}
    return StepOutput(
        loss=loss,
        parts={f"{role}/{key}": value for key, value in parts.items()},
        task_outputs=task_outputs,
        fake=outputs["fake"].detach().batch,
        real=outputs["real"].batch if "real" in outputs else None,
        real_logits_N=outputs["real"].output.logits_N.detach() if "real" in outputs else None,
        num_d_images=sum(len(group.batch) for group in outputs.values()) + num_other_images,
    )
