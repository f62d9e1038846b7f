"""The description of one run: what a recipe fills in under `experiment.`, and how the GAN is built from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.augment.base import Augment
from ganzoo.conditioning.base import Conditioning
from ganzoo.data.base import Dataset, DataSpec
from ganzoo.errors import UserError
from ganzoo.evaluation_protocol import EvaluationProtocol
from ganzoo.gan import Gan
from ganzoo.layers.consolidation import parameter_shapes
from ganzoo.losses.base import AdversarialLoss
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.penalties.base import Penalty
from ganzoo.pretext.base import PretextTask
from ganzoo.randomness import initialization
from ganzoo.registry import Component, Part
from ganzoo.steps import Objective


@dataclass(frozen=True, kw_only=True)
class Experiment(EvaluationProtocol):
    """One run, with how its images are judged.

    Args:
        dataset: what to learn.
        generator: G.
        discriminator: D.
        loss: the adversarial loss; None where a task replaces it, or trains D alone.
        penalty: a regulariser, a list of several, or None.
        conditioning: how class labels enter G and D; None for an unconditional GAN.
        pretext: self-supervised tasks, in order; an empty list for none.
        augment: a transformation of the batch before D, or None.
        g_optimizer: the optimizer of G.
        d_optimizer: the optimizer of D and of the tasks' heads.
        num_steps: generator updates of the whole run.
        num_d_steps: discriminator updates before each generator update.
        batch_size: images of a discriminator step that are real, and that are generated, before views.
        latent_dim: length of the generator's input.
        ema_decay: decay per generator update of the moving average of G that samples and metrics use; None for none.
        seed: determines the run, together with the configuration, the versions and the number of threads.
        eval_every: generator updates between evaluations during training; 0 for at the end only.
        checkpoint_every: generator updates between checkpoints; 0 for at the end only.
        sample_every: generator updates between sample grids; 0 for at the end only.
        log_every: generator updates between rows of `metrics.jsonl`, each the mean since the row before.
        keep_checkpoints: how many of the newest checkpoints are kept; 0 for all.
        precision: of the forward passes; `bfloat16` means autocast, with float32 weights.
        compile: whether torch.compile makes kernels of both networks' forward passes; it takes minutes at the start.
        num_threads: CPU threads, of which the last bit of a result depends; None for as many as torch chooses here.
        train_split: the split to train on.
    """

    dataset: Part[Dataset]
    generator: Part[Generator]
    discriminator: Part[Discriminator]
    loss: Part[AdversarialLoss] | None
    penalty: Part[Penalty] | tuple[Part[Penalty], ...] | None = None
    conditioning: Part[Conditioning] | None = None
    pretext: tuple[Part[PretextTask], ...] = ()
    augment: Part[Augment] | None = None
    g_optimizer: Part[OptimizerRecipe]
    d_optimizer: Part[OptimizerRecipe]
    num_steps: int
    num_d_steps: int = 1
    batch_size: int = 64
    latent_dim: int = 128
    ema_decay: float | None = None
    seed: int = 0
    eval_every: int = 0
    checkpoint_every: int = 1000
    sample_every: int = 1000
    log_every: int = 50
    keep_checkpoints: int = 2
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    num_threads: int | None = None
    train_split: str = "train"

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least = {"num_steps": 1, "num_d_steps": 1, "batch_size": 1, "latent_dim": 1, "log_every": 1, "seed": 0}
        at_least |= dict.fromkeys(("eval_every", "checkpoint_every", "sample_every", "keep_checkpoints"), 0)
        for name, least in at_least.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if self.ema_decay is not None and not 0.0 <= self.ema_decay < 1.0:
            raise ValueError(f"ema_decay must lie in [0, 1), not {self.ema_decay}; None switches the average off")
        if self.eval_ema and self.ema_decay is None:
            raise ValueError("eval_ema asks for a moving average and ema_decay = None keeps none; set eval_ema = None")
        if self.num_threads is not None and self.num_threads < 1:
            raise ValueError(f"num_threads must be at least 1, not {self.num_threads}")


def build_gan(experiment: Experiment, spec: DataSpec) -> Gan:
    """Build the networks, each initialised from a stream of its own, so that none shifts another's weights.

    Args:
        experiment: the run's description.
        spec: of its data set.

    Raises:
        UserError: parts that do not fit together.
    """
    conditioning = _conditioning(experiment, spec)
    num_classes = spec.num_classes if conditioning is not None else 0
    generator, discriminator = _build_networks(experiment, spec, conditioning)
    facts: dict[str, object] = {
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
        experiment.pretext, discriminator, name=experiment.discriminator.name, seed=experiment.seed, facts=facts
    )
    tasks |= _auxiliary_task(experiment, conditioning, discriminator, tasks)
    _check_terms(experiment, tasks)
    _check_penalties(experiment, discriminator)
    _check_augment(experiment, tasks)
    return Gan(generator, discriminator, tasks, ema_decay=experiment.ema_decay, num_classes=num_classes)


def build_tasks(
    parts: Sequence[Part[PretextTask]],
    discriminator: Discriminator,
    *,
    name: str,
    seed: int,
    facts: Mapping[str, object],
) -> dict[str, PretextTask]:
    """Build pretext tasks, by name, the weights of each from a stream of its own.

    Args:
        parts: the tasks.
        discriminator: whose taps they read, and which they may copy.
        name: of its component, for messages.
        seed: of the weights.
        facts: the other runtime facts of a task.

    Raises:
        UserError: two of the same name, or a tap that the discriminator does not have.
    """
    tasks: dict[str, PretextTask] = {}
    for task, part in by_name(parts).items():
        with initialization(seed, f"pretext/{task}"):
            tasks[task] = part(**facts, discriminator=discriminator)
        missing = [tap for tap in tasks[task].taps if tap not in discriminator.tap_shapes]
        if missing:
            known = ", ".join(discriminator.tap_shapes)
            raise UserError(f"{part.name} reads the tap '{missing[0]}' of {name}, which has: {known}", where=part.where)
    return tasks


def short_name(part: Part[Component]) -> str:
    """Return how a part is called among others of its kind: its scope and its component's name."""
    return f"{part.scope}_{part.component.__name__}".lstrip("_").replace("/", "_")


P = TypeVar("P", bound=Component)


def by_name(parts: Sequence[Part[P]]) -> dict[str, Part[P]]:
    """Return the parts of a list by their short names, in order.

    Raises:
        UserError: two of the same name.
    """
    found: dict[str, Part[P]] = {}
    for part in parts:
        if short_name(part) in found:
            raise UserError(
                f"{part.name} is in the list twice; give one a scope (`@other/{part.name}`)", where=part.where
            )
        found[short_name(part)] = part
    return found


def penalties_of(experiment: Experiment) -> dict[str, Part[Penalty]]:
    """Return the penalties by the names of their terms: `penalty` of one, `penalty/r1` and so on of a list.

    Raises:
        UserError: two of the same name.
    """
    bound = experiment.penalty
    if bound is None or isinstance(bound, Part):
        return {} if bound is None else {"penalty": bound}
    return {f"penalty/{name}": part for name, part in by_name(bound).items()}


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


def _conditioning(experiment: Experiment, spec: DataSpec) -> Conditioning | None:
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
    replacing = [name for name, task in tasks.items() if task.replaces_adversarial]
    if replacing and experiment.loss is not None:
        raise UserError(
            f"the task '{replacing[0]}' replaces the adversarial term; set experiment.loss = None",
            where=experiment.loss.where,
        )
    needing = [name for name, task in tasks.items() if task.needs_adversarial]
    if needing and experiment.loss is None:
        raise UserError(
            f"the task '{needing[0]}' means nothing without an adversarial loss and experiment.loss is None; "
            "bind a loss (@losses.hinge) or leave the task out"
        )
    if experiment.loss is None and not tasks:
        raise UserError("experiment.loss is None and no task stands in for it; bind a loss or a pretext task")


def _check_penalties(experiment: Experiment, discriminator: Discriminator) -> None:
    """Refuse a penalty that has no meaning beside the other parts."""
    remedy = "set experiment.penalty = None" if isinstance(experiment.penalty, Part) else "take it out of the list"
    for part in penalties_of(experiment).values():
        if part.component.needs_adversarial_logit and experiment.loss is None:
            raise UserError(
                f"{part.name} differentiates the adversarial logit, which nothing trains while experiment.loss is "
                f"None; {remedy}",
                where=part.where,
            )
        # A penalty on each image's own gradient has no meaning where no logit is an image's own.
        if part.component.needs_independent_logits and discriminator.uses_batch_statistics:
            raise UserError(
                f"{part.name} needs logits that depend on one image each, but {experiment.discriminator.name} "
                f"normalises over the batch; give it another normalization (layer, none) or {remedy}",
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
            f"{part.name} turns images and the task '{upright[0]}' must tell how they were turned; leave the turns out "
            "of the augmentation or the task out of experiment.pretext",
            where=part.where,
        )
    if augment.follows_logits and experiment.loss is None:
        raise UserError(
            f"{part.name} follows the logits of real images, which nothing trains while experiment.loss is None; "
            "choose an augmentation that does not, or set experiment.augment = None",
            where=part.where,
        )
