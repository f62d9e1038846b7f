"""One discriminator step and one generator step, for every GAN there is.

Nothing here knows a component by name. Both steps return the loss to be minimised and its named, detached parts; the
trainer does the rest. N: batch; C, H, W: image.
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
    """What the two networks minimise, besides the tasks that the `Gan` holds.

    Args:
        loss: of the adversarial logits; None where a task replaces it, or trains D alone.
        penalties: by the names of their terms, which are those of their random streams too.
        augment: what happens to the images before anything sees them.
    """

    loss: AdversarialLoss | None
    penalties: Mapping[str, Penalty]
    augment: Augment | None


@dataclass(frozen=True)
class StepOutput:
    """What a step gives to the trainer.

    Args:
        loss: the scalar to be minimised.
        parts: its terms, of tasks without their weights, of penalties with them, and what else is worth logging;
            detached scalars named `d/...` or `g/...`.
        task_outputs: what D said, by task.
        fake: the generated images that D judged, detached.
        real: the real ones; None where there were none.
        real_logits_N: of these, detached; None where there were none.
        num_d_images: images that D saw, views and penalties included.
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
    """Return the discriminator's loss: adversarial term, penalties, and every task's terms.

    Args:
        gan: the networks; its discriminator's spectral norms advance by one power iteration.
        objective: loss, penalties and augmentation.
        real: real images, not augmented yet.
        latents: what the generator makes the fakes from.
        step: generator updates done so far, for schedules.
        rng: the run's random streams.
    """
    advance_spectral_norm(gan.discriminator)
    advance_spectral_norm(gan.task_modules)
    # D learns nothing from G's graph, so none is built.
    with torch.no_grad():
        fake = generate(gan, latents)
        extra = generate_extra(gan, objective.augment, latents, "d", rng)
        real = augmented(objective.augment, real, rng["augment/d/real"])
        fake = augmented(objective.augment, fake, rng["augment/d/fake"], is_fake=True)

    groups = {"real": View(real, "real"), "fake": View(fake, "fake")}
    groups |= task_views(gan, fake, real, extra, "d", rng)
    outputs = discriminate(gan, groups)
    task_outputs = outputs_by_task(gan, outputs, extra)

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
    """Return the generator's loss, of the same kinds of terms; D is frozen and only passes gradients on.

    Args:
        gan: the networks; its generator's spectral norms advance by one power iteration.
        objective: loss, penalties and augmentation.
        real: the real images of the last discriminator step, shown only if the loss or a task compares with them.
        latents: what the generator makes the fakes from.
        step: generator updates done so far, for schedules.
        rng: the run's random streams.
    """
    advance_spectral_norm(gan.generator)
    with frozen(gan.discriminator), frozen(gan.task_modules):
        fake = augmented(objective.augment, generate(gan, latents), rng["augment/g/fake"], is_fake=True)
        extra = generate_extra(gan, objective.augment, latents, "g", rng)

        groups = {"fake": View(fake, "fake")}
        shows_real = any(task.uses_real_in_g_step for task in gan.tasks.values())
        if shows_real or (objective.loss is not None and objective.loss.g_needs_real):
            real = augmented(objective.augment, real, rng["augment/g/real"])
            groups["real"] = View(real, "real")
        groups |= task_views(gan, fake, real, extra, "g", rng)
        outputs = discriminate(gan, groups)
        task_outputs = outputs_by_task(gan, outputs, extra)

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
    """Sum the terms of the step and of its tasks, and name the parts `d/...` or `g/...`."""
    for name, result in results.items():
        terms = terms + [replace(term, name=f"{name}/{term.name}") for term in result.terms]
        parts = parts | {f"{name}/{report}": value for report, value in result.reports.items()}
    weighted = [term.weight * term.value for term in terms if term.weight]
    # A step may have nothing to minimise (a task that trains D alone, a weight annealed to 0): its gradient is then 0,
    # and only what an optimizer does by itself moves the weights, such as momentum.
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
