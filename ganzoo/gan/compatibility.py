"""Which parts of a GAN fit together: each check refuses a combination in a sentence with the ways to mend it."""

from collections.abc import Mapping

from ganzoo.architectures.base import Discriminator, ImageShape
from ganzoo.component import Bound, Component, Part, options_of
from ganzoo.conditioning.base import Conditioning
from ganzoo.config.experiment import Experiment, by_name, penalties_of, short_name
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.pretext.base import PretextTask


def check_labels(experiment: Experiment, spec: DataSpec) -> None:
    """Refuse conditioning where the data set, or the split to train on, has no labels."""
    part, name, split = experiment.conditioning, experiment.dataset.name, experiment.train_split
    if part is None or spec.num_classes_of(split):
        return
    whose, remedy = name, "choose a labelled data set"
    if spec.num_classes:
        labelled = next(other for other in spec.num_images if spec.num_classes_of(other))
        whose, remedy = f"the split '{split}' of {name}", f"set experiment.train_split = '{labelled}'"
    raise UserError(
        f"{part.name} needs class labels and {whose} has none; {remedy} or set experiment.conditioning = None",
        where=part.where,
    )


def check_resolution(experiment: Experiment, image_shape: ImageShape) -> None:
    """Refuse images that a network is not made for, at the place where the data set's size was bound."""
    dataset = experiment.dataset
    networks = [part for part in (experiment.generator, experiment.discriminator) if part.component.resolutions]
    _, height, width = image_shape
    for part in networks:
        if height == width and height in part.component.resolutions:
            continue
        remedy = "choose another architecture or data set"
        if common := set.intersection(*(set(network.component.resolutions) for network in networks)):
            # Of two that are equally near, the larger loses nothing.
            nearest = max(common, key=lambda size: (-abs(size - height), size))
            if "size" in options_of(dataset.component):
                remedy = f"set {dataset.section}.size = {nearest}"
        size = dataset.bound.get("size", Bound("", dataset.where))
        known = ", ".join(map(str, part.component.resolutions))
        raise UserError(
            f"{dataset.name} gives {height} x {width} px, {part.name} is made for squares of {known} px; "
            f"{remedy}{size.macro}",
            where=size.where,
        )


def check_taps(task: PretextTask, part: Part[PretextTask], discriminator: Discriminator, *, name: str) -> None:
    """Refuse a task that reads a tap which the discriminator, of this name, does not have."""
    missing = [tap for tap in task.taps if tap not in discriminator.tap_shapes]
    if missing:
        known = ", ".join(discriminator.tap_shapes)
        raise UserError(f"{part.name} reads the tap '{missing[0]}' of {name}, which has: {known}", where=part.where)


def check_task_name(part: Part[Conditioning], others: Mapping[str, PretextTask]) -> None:
    """Refuse conditioning whose task has the name of another."""
    if short_name(part) in others:
        raise UserError(
            f"{part.name} brings a task of the name '{short_name(part)}', which is in experiment.pretext too; "
            f"give one a scope (`@other/{part.name}`)",
            where=part.where,
        )


def check_adversarial_term(experiment: Experiment, tasks: Mapping[str, PretextTask]) -> None:
    """Refuse an adversarial term that two parts provide, or that none provides and one needs."""
    sections = task_sections(experiment)
    replacing = next((name for name, task in tasks.items() if task.replaces_adversarial), None)
    if replacing is not None:
        _check_replaced_term(experiment, sections[replacing], tasks[replacing])
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


def _check_replaced_term(experiment: Experiment, section: str, task: PretextTask) -> None:
    """Refuse a loss, or a penalty on its logit, beside a task that replaces the loss."""
    loss = experiment.loss
    beside = f"{section}.{task.adds_to_adversarial}" if task.adds_to_adversarial else ""
    for part in penalties_of(experiment).values():
        if part.component.needs_adversarial_logit:
            # Each remedy is complete: without the penalty the loss would be refused next, without a loss the penalty.
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


def check_penalties(experiment: Experiment, discriminator: Discriminator) -> None:
    """Refuse a penalty that has no meaning beside the other parts."""
    remedy = _without_penalty(experiment)
    for part in penalties_of(experiment).values():
        if part.component.needs_adversarial_logit and experiment.loss is None:
            raise UserError(
                f"{part.name} differentiates the adversarial logit, which nothing trains while experiment.loss is "
                f"None; {remedy}",
                where=part.where,
            )
        # A penalty on each image's own gradient has no meaning where a logit depends on the other images.
        if part.component.needs_independent_logits and discriminator.uses_batch_statistics:
            normalization = experiment.discriminator.arguments.get("normalization")
            by = f" by {normalization.name}" if isinstance(normalization, Part) else ""
            raise UserError(
                f"{part.name} needs logits that depend on one image each, but {experiment.discriminator.name} "
                f"normalises over the batch{by}; give it another normalization (layer, none) or {remedy}",
                where=part.where,
            )


def check_augmentation(experiment: Experiment, tasks: Mapping[str, PretextTask]) -> None:
    """Refuse an augmentation that hides what a task must tell, or that follows logits which nothing trains."""
    part = experiment.augment
    if part is None:
        return
    augment = part()
    upright = [name for name, task in tasks.items() if task.needs_upright]
    if augment.turns_images and upright:
        raise UserError(
            f"{part.name} turns images and {task_sections(experiment)[upright[0]]} must tell how they were turned; "
            "leave the turns out of the augmentation or the task out of experiment.pretext",
            where=part.where,
        )
    if augment.follows_logits and experiment.loss is None:
        raise UserError(
            f"{part.name} follows the logits of real images, which nothing trains while experiment.loss is None; "
            "choose an augmentation that does not, or set experiment.augment = None",
            where=part.where,
        )


def task_sections(experiment: Experiment) -> dict[str, str]:
    """Return the `scope/kind.name` that each task's parameters are bound by, by the task's name."""
    parts: dict[str, Part[Component]] = {**by_name(experiment.pretext)}
    if experiment.conditioning is not None:
        parts[short_name(experiment.conditioning)] = experiment.conditioning
    return {name: part.section for name, part in parts.items()}


def _without_penalty(experiment: Experiment) -> str:
    return "set experiment.penalty = None" if isinstance(experiment.penalty, Part) else "take it out of the list"
