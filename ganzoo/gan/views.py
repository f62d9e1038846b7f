"""The images that the discriminator sees in a step, and what it says of them.

It sees groups of images, by name: `real`, `fake`, and `<task>/<view>` for each view of each task.
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
    """Return the images that G makes from latents, with their labels.

    They are float32, as all images are, even if G runs in bfloat16.
    """
    return ImageBatch(gan.generator(latents).float(), latents.labels_N, latents.latents_NL)


def generate_extra(
    gan: Gan, augment: Augment | None, latents: Latents, role: Role, rng: Streams
) -> dict[str, dict[str, ImageBatch]]:
    """Return the images that G makes from each task's extra latents, by task and name, augmented as fakes are.

    They pass through G apart from the batch and leave its running statistics alone, so that no task changes the batch.
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
    """Return the batch as D and the tasks see it.

    Each use has a random stream of its own, so that a task which shows more images changes no other use.
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
    """Return the views of all tasks, by the names of their groups."""
    views: dict[str, View] = {}
    for name, task in gan.tasks.items():
        shown = real if role == "d" or task.uses_real_in_g_step else None
        batch = StepBatch(fake, shown, extra[name])
        asked = task.views(batch, role=role, rng=rng[f"pretext/{name}"])
        views |= {f"{name}/{key}": view for key, view in asked.items()}
    return views


def discriminate(gan: Gan, groups: Mapping[str, View]) -> dict[str, ViewOutput]:
    """Return what D says of each group: in ONE forward pass over all, unless it normalises over the batch."""
    taps = sorted({tap for task in gan.tasks.values() for tap in task.taps})
    batches = [view.batch for view in groups.values()]
    if gan.discriminator.uses_batch_statistics:
        outputs = []
        for name, view in groups.items():
            # Running statistics are those of the images that D judges as real or fake; other views leave them alone.
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
    """Return what D said, by task: of fakes and real images, and of the task's own views; with its extra images."""
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
    """Return the logits of `real` or `fake` in the adversarial term: of that group, and of views that ask for it."""
    return torch.cat(
        [
            outputs[name].output.logits_N.float()
            for name, view in groups.items()
            if view.source == source and (name == source or view.adversarial)
        ]
    )


@contextlib.contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Compute no gradients of the network's parameters in the body."""
    trained = [p for p in network.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
