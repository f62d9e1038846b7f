"""A GAN and its objective, built from the description of a run."""

from collections.abc import Mapping, Sequence

from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.component import Part
from ganzoo.conditioning.base import Conditioning
from ganzoo.config.experiment import Experiment, by_name, penalties_of, short_name
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError, is_out_of_memory, out_of_memory_text
from ganzoo.gan.compatibility import (
    check_adversarial_term,
    check_augmentation,
    check_labels,
    check_penalties,
    check_resolution,
    check_taps,
    check_task_name,
)
from ganzoo.gan.model import Gan
from ganzoo.gan.steps import Objective
from ganzoo.layers.consolidation import parameter_shapes
from ganzoo.pretext.base import PretextTask
from ganzoo.randomness import initialization


def build_gan(experiment: Experiment, spec: DataSpec) -> Gan:
    """Build the networks and the tasks.

    Each is initialised from a random stream of its own, so that none shifts another's weights.

    Args:
        experiment: the run's description.
        spec: of its data set.

    Raises:
        UserError: parts that do not fit together, or networks that do not fit into memory.
    """
    conditioning = conditioning_of(experiment, spec)
    num_classes = spec.num_classes if conditioning is not None else 0
    check_resolution(experiment, spec.image_shape)
    try:
        generator, discriminator = _build_networks(experiment, spec, conditioning)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(out_of_memory_text(error, remedy="lower the widths or experiment.latent_dim")) from error
    tasks = build_tasks(
        experiment.pretext,
        discriminator,
        name=experiment.discriminator.name,
        seed=experiment.seed,
        image_shape=spec.image_shape,
        latent_dim=experiment.latent_dim,
        num_classes=num_classes,
        batch_size=experiment.batch_size,
        num_steps=experiment.num_steps,
    )
    tasks |= _auxiliary_task(experiment, conditioning, discriminator, tasks)
    check_adversarial_term(experiment, tasks)
    check_penalties(experiment, discriminator)
    check_augmentation(experiment, tasks)
    return Gan(
        generator,
        discriminator,
        tasks,
        ema_decay=experiment.ema_decay,
        num_classes=num_classes,
        conditioning=conditioning,
        ema_start=experiment.ema_start,
    )


def conditioning_of(experiment: Experiment, spec: DataSpec) -> Conditioning | None:
    """Build the conditioning, if there is one.

    Args:
        experiment: the run's description.
        spec: of its data set.

    Raises:
        UserError: the data set, or the split to train on, has no labels.
    """
    check_labels(experiment, spec)
    part = experiment.conditioning
    return None if part is None else part(num_classes=spec.num_classes)


def build_tasks(
    parts: Sequence[Part[PretextTask]],
    discriminator: Discriminator,
    *,
    name: str,
    seed: int,
    **runtime_args: object,
) -> dict[str, PretextTask]:
    """Build pretext tasks, by name; the weights of each come from a random stream of its own.

    Args:
        parts: the tasks.
        discriminator: the network whose taps they read and which they may copy.
        name: of the discriminator's component, for messages.
        seed: of the weights.
        runtime_args: the runtime arguments of a task that do not follow from the discriminator.

    Raises:
        UserError: two of the same name, or a tap that the discriminator does not have.
    """
    tasks: dict[str, PretextTask] = {}
    for task, part in by_name(parts).items():
        with initialization(seed, f"pretext/{task}"):
            tasks[task] = part(
                discriminator=discriminator,
                feature_dim=discriminator.feature_dim,
                tap_shapes=discriminator.tap_shapes,
                layers=discriminator.layers,
                **runtime_args,
            )
        check_taps(tasks[task], part, discriminator, name=name)
    return tasks


def build_objective(experiment: Experiment, discriminator: Discriminator) -> Objective:
    """Build the loss, penalties and augmentation.

    Args:
        experiment: the run's description.
        discriminator: the network that is penalised.
    """
    shapes = parameter_shapes(discriminator)
    return Objective(
        loss=experiment.loss() if experiment.loss is not None else None,
        penalties={name: part(parameter_shapes=shapes) for name, part in penalties_of(experiment).items()},
        augment=experiment.augment() if experiment.augment is not None else None,
    )


def _build_networks(
    experiment: Experiment, spec: DataSpec, conditioning: Conditioning | None
) -> tuple[Generator, Discriminator]:
    """Build both networks; the conditioning does so itself, if there is one."""
    image_shape, latent_dim, seed = spec.image_shape, experiment.latent_dim, experiment.seed
    g_part, d_part = experiment.generator, experiment.discriminator
    if conditioning is None:
        with initialization(seed, "generator"):
            generator = g_part(image_shape=image_shape, latent_dim=latent_dim, conditioning=None)
        with initialization(seed, "discriminator"):
            discriminator = d_part(image_shape=image_shape, latent_dim=latent_dim, conditioning=None)
        return generator, discriminator
    try:
        with initialization(seed, "generator"):
            generator = conditioning.build_generator(g_part, image_shape=image_shape, latent_dim=latent_dim)
        with initialization(seed, "discriminator"):
            discriminator = conditioning.build_discriminator(d_part, image_shape=image_shape, latent_dim=latent_dim)
    except ValueError as error:
        assert experiment.conditioning is not None
        raise UserError(str(error), where=experiment.conditioning.where) from error
    return generator, discriminator


def _auxiliary_task(
    experiment: Experiment,
    conditioning: Conditioning | None,
    discriminator: Discriminator,
    others: Mapping[str, PretextTask],
) -> dict[str, PretextTask]:
    """Build the task that the conditioning brings, if it brings one; by its name."""
    if experiment.conditioning is None or conditioning is None:
        return {}
    name = short_name(experiment.conditioning)
    with initialization(experiment.seed, f"conditioning/{name}"):
        task = conditioning.auxiliary_task(feature_dim=discriminator.feature_dim, layers=discriminator.layers)
    if task is None:
        return {}
    check_task_name(experiment.conditioning, others)
    return {name: task}
