"""Which images the discriminator sees in a step, and what it said of them.

A group is a named batch with its source: `real`, `fake`, and `<task>/<view>` for the views of every task.
"""

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from ganzoo.augment.base import Augment
from ganzoo.batch import ImageBatch, Latents
from ganzoo.gan.model import Gan
from ganzoo.layers.batch_statistics import frozen_batch_statistics
from ganzoo.pretext.base import Role, StepBatch, TaskOutputs, View, ViewOutput
from ganzoo.randomness import Streams


def generate(gan: Gan, latents: Latents) -> ImageBatch:
    """Return the generator's images of these latents, with the labels they were made for.

    They are float32 even where the generator runs in bfloat16, as images are everywhere.
    """
    return ImageBatch(gan.generator(latents).float(), latents.labels_N, latents.latents_NL)


def generate_extra(
    gan: Gan, augment: Augment | None, latents: Latents, role: Role, rng: Streams
) -> dict[str, dict[str, ImageBatch]]:
    """Return the generator's images of every task's extra latents, by task, augmented as fakes are.

    They pass apart from the batch and leave running statistics alone, so that no task changes the batch.
    """
    extra: dict[str, dict[str, ImageBatch]] = {}
    for name, task in gan.tasks.items():
        asked = task.extra_latents(latents, role=role, rng=rng[f"pretext/{name}"])
        with frozen_batch_statistics(gan.generator):
            images = {key: generate(gan, value) for key, value in asked.items()}
        extra[name] = {
            key: augmented(augment, batch, rng[f"augment/{role}/{name}"], is_fake=True) for key, batch in images.items()
        }
    return extra


def augmented(augment: Augment | None, batch: ImageBatch, rng: torch.Generator, *, is_fake: bool = False) -> ImageBatch:
    """Return the batch as the discriminator and the tasks shall see it.

    Each use has a stream of its own, so that a task which shows more images changes no other use.
    """
    if augment is None or (is_fake and not augment.applies_to_fake):
        return batch
    # Positions and colours need float32 even where the rest of the step runs in bfloat16.
    with torch.autocast(batch.images_NCHW.device.type, enabled=False):
        return batch.with_images(augment(batch.images_NCHW.float(), rng=rng))


def task_views(
    gan: Gan,
    fake: ImageBatch,
    real: ImageBatch,
    extra: Mapping[str, Mapping[str, ImageBatch]],
    role: Role,
    rng: Streams,
) -> dict[str, View]:
    """Return the views of all tasks, named `task/view`."""
    views: dict[str, View] = {}
    for name, task in gan.tasks.items():
        shown = real if role == "d" or task.uses_real_in_g_step else None
        batch = StepBatch(fake, shown, extra[name])
        asked = task.views(batch, role=role, rng=rng[f"pretext/{name}"])
        views |= {f"{name}/{key}": view for key, view in asked.items()}
    return views


def discriminate(gan: Gan, groups: Mapping[str, View]) -> dict[str, ViewOutput]:
    """Let the discriminator see all groups, in ONE forward pass unless it normalises over the batch."""
    taps = sorted({tap for task in gan.tasks.values() for tap in task.taps})
    batches = [view.batch for view in groups.values()]
    if gan.discriminator.uses_batch_statistics:
        outputs = []
        for name, view in groups.items():
            # Only what D judges as real or fake counts for its running statistics, so that no other view moves them.
            counts = name == view.source or view.adversarial
            with contextlib.nullcontext() if counts else frozen_batch_statistics(gan.discriminator):
                outputs.append(gan.discriminator(view.batch.images_NCHW, view.batch.labels_N, taps=taps))
    else:
        images = torch.cat([b.images_NCHW for b in batches])
        labels = [b.labels_N for b in batches if b.labels_N is not None]
        joined = gan.discriminator(images, torch.cat(labels) if gan.num_classes else None, taps=taps)
        outputs = joined.split([len(b) for b in batches])
    return {
        name: ViewOutput(view.batch, output, view.targets_N)
        for (name, view), output in zip(groups.items(), outputs, strict=True)
    }


def outputs_by_task(
    gan: Gan, outputs: Mapping[str, ViewOutput], extra: Mapping[str, Mapping[str, ImageBatch]]
) -> dict[str, TaskOutputs]:
    """Return what D said, by task: of the upright groups and of its own views, with the images of its extra latents."""
    return {
        name: TaskOutputs(
            outputs["fake"],
            outputs.get("real"),
            {key.removeprefix(f"{name}/"): value for key, value in outputs.items() if key.startswith(f"{name}/")},
            extra[name],
        )
        for name in gan.tasks
    }


def adversarial_logits(groups: Mapping[str, View], outputs: Mapping[str, ViewOutput], source: str) -> Tensor:
    """Return the logits of one source that enter the adversarial term: upright images, and views that ask for it."""
    return torch.cat(
        [
            outputs[name].output.logits_N.float()
            for name, view in groups.items()
            if view.source == source and (name == source or view.adversarial)
        ]
    )


@contextlib.contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Record no gradients of the network's parameters in the body: autograd then computes none of them."""
    trained = [p for p in network.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
