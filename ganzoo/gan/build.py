"""A GAN and its objective from the description of a run, or a sentence that says which parts do not fit together."""

from collections.abc import Mapping, Sequence

from ganzoo.architectures.base import Discriminator, Generator, ImageShape
from ganzoo.component import Component, Part, options_of
from ganzoo.conditioning.base import Conditioning
from ganzoo.config.experiment import Experiment, by_name, penalties_of, short_name
from ganzoo.data.base import DataSpec
from ganzoo.errors import Bound, UserError, is_out_of_memory, out_of_memory_text
from ganzoo.gan.model import Gan
from ganzoo.gan.steps import Objective
from ganzoo.layers.consolidation import parameter_shapes
from ganzoo.pretext.base import PretextTask
from ganzoo.randomness import initialization


def build_gan(experiment: Experiment, spec: DataSpec) -> Gan:
    """Build the networks, each initialised from a stream of its own, so that none shifts another's weights.

    Args:
        experiment: the run's description.
        spec: of its data set.

    Raises:
        UserError: parts that do not fit together, or networks that do not fit into memory.
    """
    conditioning = conditioning_of(experiment, spec)
    num_classes = spec.num_classes if conditioning is not None else 0
    _check_resolution(experiment, spec.image_shape)
    try:
        generator, discriminator = _build_networks(experiment, spec, conditioning)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(out_of_memory_text(error, remedy="lower the widths or experiment.latent_dim")) from error
    runtime_args: dict[str, object] = {
        "image_shape": spec.image_shape,
        "latent_dim": experiment.latent_dim,
        "feature_dim": discriminator.feature_dim,
        "tap_shapes": discriminator.tap_shapes,
        "num_classes": num_classes,
        "batch_size": experiment.batch_size,
        "num_steps": experiment.num_steps,
        "layers": discriminator.layers,
    }
    tasks = build_tasks(
        experiment.pretext,
        discriminator,
        name=experiment.discriminator.name,
        seed=experiment.seed,
        runtime_args=runtime_args,
    )
    tasks |= _auxiliary_task(experiment, conditioning, discriminator, tasks)
    _check_terms(experiment, tasks)
    _check_penalties(experiment, discriminator)
    _check_augment(experiment, tasks)
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
    part = experiment.conditioning
    if part is None:
        return None
    if not spec.num_classes:
        raise UserError(
            f"{part.name} needs class labels and {experiment.dataset.name} has none; "
            "choose a labelled data set or set experiment.conditioning = None",
            where=part.where,
        )
    if not spec.num_classes_of(experiment.train_split):
        labelled = [split for split in spec.num_images if spec.num_classes_of(split)]
        raise UserError(
            f"{part.name} needs class labels and the split '{experiment.train_split}' of {experiment.dataset.name} has "
            f"none; set experiment.train_split = '{labelled[0]}' or experiment.conditioning = None",
            where=part.where,
        )
    return part(num_classes=spec.num_classes)


def build_tasks(
    parts: Sequence[Part[PretextTask]],
    discriminator: Discriminator,
    *,
    name: str,
    seed: int,
    runtime_args: Mapping[str, object],
) -> dict[str, PretextTask]:
    """Build pretext tasks, by name, the weights of each from a stream of its own.

    Args:
        parts: the tasks.
        discriminator: whose taps they read, and which they may copy.
        name: of its component, for messages.
        seed: of the weights.
        runtime_args: the other runtime arguments of a task.

    Raises:
        UserError: two of the same name, or a tap that the discriminator does not have.
    """
    tasks: dict[str, PretextTask] = {}
    for task, part in by_name(parts).items():
        with initialization(seed, f"pretext/{task}"):
            tasks[task] = part(**runtime_args, discriminator=discriminator)
        missing = [tap for tap in tasks[task].taps if tap not in discriminator.tap_shapes]
        if missing:
            known = ", ".join(discriminator.tap_shapes)
            raise UserError(f"{part.name} reads the tap '{missing[0]}' of {name}, which has: {known}", where=part.where)
    return tasks


def build_objective(experiment: Experiment, discriminator: Discriminator) -> Objective:
    """Build the loss, penalties and augmentation.

    Args:
        experiment: the run's description.
        discriminator: what the penalties are of.
    """
    shapes = parameter_shapes(discriminator)
    return Objective(
        loss=experiment.loss() if experiment.loss is not None else None,
        penalties={name: part(parameter_shapes=shapes) for name, part in penalties_of(experiment).items()},
        augment=experiment.augment() if experiment.augment is not None else None,
    )


def _check_resolution(experiment: Experiment, image_shape: ImageShape) -> None:
    """Refuse images that a network is not made for, where the data set's size was bound."""
    dataset, networks = experiment.dataset, (experiment.generator, experiment.discriminator)
    choices = [set(part.component.resolutions) for part in networks if part.component.resolutions]
    _, height, width = image_shape
    for part in networks:
        if not part.component.resolutions:
            continue
        try:
            part.component.check_resolution(image_shape)
        except ValueError as error:
            known = ", ".join(map(str, part.component.resolutions))
            remedy = "choose another architecture or data set"
            # Of two that are equally near, the larger loses nothing.
            nearest = max(set.intersection(*choices), key=lambda size: (-abs(size - height), size), default=None)
            if nearest is not None and "size" in options_of(dataset.component):
                remedy = f"set {dataset.section}.size = {nearest}"
            size = dataset.bound.get("size", Bound("", dataset.where))
            raise UserError(
                f"{dataset.name} gives {height} x {width} px, {part.name} is made for squares of {known} px; "
                f"{remedy}{size.macro}",
                where=size.where,
            ) from error


def _build_networks(
    experiment: Experiment, spec: DataSpec, conditioning: Conditioning | None
) -> tuple[Generator, Discriminator]:
    """Build both networks; a conditioning builds them itself."""
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
    """Build the task that goes with the conditioning, by its name, if there is one."""
    if experiment.conditioning is None or conditioning is None:
        return {}
    name = short_name(experiment.conditioning)
    with initialization(experiment.seed, f"conditioning/{name}"):
        task = conditioning.auxiliary_task(feature_dim=discriminator.feature_dim, layers=discriminator.layers)
    if task is not None and name in others:
        raise UserError(
            f"{experiment.conditioning.name} brings a task of the name '{name}', which is in experiment.pretext too; "
            f"give one a scope (`@other/{experiment.conditioning.name}`)",
            where=experiment.conditioning.where,
        )
    return {} if task is None else {name: task}


def _check_terms(experiment: Experiment, tasks: dict[str, PretextTask]) -> None:
    """Refuse an adversarial term that two parts claim, or that none provides."""
    sections = _sections(experiment)
    replacing = next((name for name, task in tasks.items() if task.replaces_adversarial), None)
    if replacing is not None:
        _check_replaced(experiment, sections[replacing], tasks[replacing])
    needing = [name for name, task in tasks.items() if task.needs_adversarial]
    if needing and experiment.loss is None:
        asked, remedy = "", "bind a loss (@losses.hinge) or leave the task out"
        if replacing is not None:
            asked, setting = f", as {sections[replacing]} asks", tasks[replacing].adds_to_adversarial
            add = f"set experiment.loss = @losses.hinge and {sections[replacing]}.{setting}, or " if setting else ""
            remedy = f"{add}leave one of the two out"
        raise UserError(
            f"{sections[needing[0]]} means nothing without an adversarial loss and experiment.loss is None{asked}; "
            f"{remedy}"
        )
    if experiment.loss is None and not tasks:
        raise UserError(
            "experiment.loss is None and experiment.pretext holds no task that stands in for it; "
            "bind a loss (@losses.hinge) or a pretext task"
        )


def _sections(experiment: Experiment) -> dict[str, str]:
    """Return what the part of each task is called in a configuration, by the task's name."""
    parts: dict[str, Part[Component]] = {**by_name(experiment.pretext)}
    if experiment.conditioning is not None:
        parts[short_name(experiment.conditioning)] = experiment.conditioning
    return {name: part.section for name, part in parts.items()}


def _check_replaced(experiment: Experiment, section: str, task: PretextTask) -> None:
    """Refuse a loss, or a penalty on its logit, beside a task that stands in for the loss."""
    loss = experiment.loss
    beside = f"{section}.{task.adds_to_adversarial}" if task.adds_to_adversarial else ""
    for part in penalties_of(experiment).values():
        if part.component.needs_adversarial_logit:
            # Without the penalty, a loss would be refused next; without a loss, so would the penalty.
            remedies = [f"{_without_penalty(experiment)}{'' if loss is None else ' and experiment.loss = None'}"]
            if beside:
                remedies.insert(0, f"set {'experiment.loss = @losses.hinge and ' if loss is None else ''}{beside}")
            raise UserError(
                f"{part.name} differentiates the adversarial logit, which {section} replaces; {', or '.join(remedies)}",
                where=part.where,
            )
    if loss is not None:
        raise UserError(
            f"{section} replaces the adversarial term, which {loss.name} is; set experiment.loss = None"
            f"{f' or {beside}' if beside else ''}",
            where=loss.where,
        )


def _without_penalty(experiment: Experiment) -> str:
    return "set experiment.penalty = None" if isinstance(experiment.penalty, Part) else "take it out of the list"


def _check_penalties(experiment: Experiment, discriminator: Discriminator) -> None:
    """Refuse a penalty that has no meaning beside the other parts."""
    remedy = _without_penalty(experiment)
    for part in penalties_of(experiment).values():
        if part.component.needs_adversarial_logit and experiment.loss is None:
            raise UserError(
                f"{part.name} differentiates the adversarial logit, which nothing trains while experiment.loss is "
                f"None; {remedy}",
                where=part.where,
            )
        # A penalty on each image's own gradient has no meaning where no logit is an image's own.
        if part.component.needs_independent_logits and discriminator.uses_batch_statistics:
            normalization = experiment.discriminator.arguments.get("normalization")
            by = f" by {normalization.name}" if isinstance(normalization, Part) else ""
            raise UserError(
                f"{part.name} needs logits that depend on one image each, but {experiment.discriminator.name} "
                f"normalises over the batch{by}; give it another normalization (layer, none) or {remedy}",
                where=part.where,
            )


def _check_augment(experiment: Experiment, tasks: Mapping[str, PretextTask]) -> None:
    """Refuse an augmentation that hides what a task must tell, or that follows logits which nothing trains."""
    part = experiment.augment
    if part is None:
        return
    augment = part()
    upright = [name for name, task in tasks.items() if task.needs_upright]
    if augment.turns_images and upright:
        raise UserError(
            f"{part.name} turns images and {_sections(experiment)[upright[0]]} must tell how they were turned; leave "
            "the turns out of the augmentation or the task out of experiment.pretext",
            where=part.where,
        )
    if augment.follows_logits and experiment.loss is None:
        raise UserError(
            f"{part.name} follows the logits of real images, which nothing trains while experiment.loss is None; "
            "choose an augmentation that does not, or set experiment.augment = None",
            where=part.where,
        )
