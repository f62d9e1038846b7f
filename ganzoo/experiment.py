"""The description of one run: what a recipe fills in under `experiment.`, and how the GAN is built from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ganzoo.architectures.base import Discriminator, Generator, Network
from ganzoo.augment.base import Augment
from ganzoo.conditioning.base import Conditioning
from ganzoo.data.base import Dataset, DataSpec
from ganzoo.errors import UserError
from ganzoo.evaluation_protocol import EvaluationProtocol
from ganzoo.gan import Gan
from ganzoo.losses.base import AdversarialLoss
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.penalties.base import Penalty
from ganzoo.pretext.base import PretextTask
from ganzoo.randomness import initialization
from ganzoo.registry import Component, Part, parameters
from ganzoo.steps import Objective


@dataclass(frozen=True, kw_only=True)
class Experiment(EvaluationProtocol):
    """One run, with how its images are judged.

    Args:
        dataset: what to learn.
        generator: G.
        discriminator: D.
        loss: the adversarial loss; None where a task replaces it, or trains D alone.
        penalty: a regulariser of D, or None.
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
    penalty: Part[Penalty] | None = None
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
    facts: dict[str, object] = {"image_shape": spec.image_shape, "latent_dim": experiment.latent_dim}
    with initialization(experiment.seed, "generator"):
        generator = experiment.generator(**facts, conditioning=conditioning)
    with initialization(experiment.seed, "discriminator"):
        discriminator = experiment.discriminator(**facts, conditioning=conditioning)

    facts |= {
        "feature_dim": discriminator.feature_dim,
        "tap_shapes": discriminator.tap_shapes,
        "num_classes": spec.num_classes if conditioning is not None else 0,
        "batch_size": experiment.batch_size,
        "num_steps": experiment.num_steps,
        "layers": discriminator.layers,
    }
    tasks = build_tasks(
        experiment.pretext, discriminator, name=experiment.discriminator.name, seed=experiment.seed, facts=facts
    )
    _check_terms(experiment, tasks)
    _check_penalty(experiment, discriminator)
    num_classes = spec.num_classes if conditioning is not None else 0
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
        discriminator: whose taps they read.
        name: of its component, for messages.
        seed: of the weights.
        facts: the runtime facts of a task.

    Raises:
        UserError: two of the same name, or a tap that the discriminator does not have.
    """
    tasks: dict[str, PretextTask] = {}
    for part in parts:
        task = short_name(part)
        if task in tasks:
            raise UserError(
                f"{part.name} is in the list twice; give one a scope (`@other/{part.name}`)", where=part.where
            )
        with initialization(seed, f"pretext/{task}"):
            tasks[task] = part(**facts)
        missing = [tap for tap in tasks[task].taps if tap not in discriminator.tap_shapes]
        if missing:
            known = ", ".join(discriminator.tap_shapes)
            raise UserError(f"{part.name} reads the tap '{missing[0]}' of {name}, which has: {known}", where=part.where)
    return tasks


def short_name(part: Part[Component]) -> str:
    """Return how a part is called among others of its kind: its scope and its component's name."""
    return f"{part.scope}_{part.component.__name__}".lstrip("_").replace("/", "_")


def build_objective(experiment: Experiment) -> Objective:
    """Build the loss, penalty and augmentation."""
    return Objective(
        loss=experiment.loss() if experiment.loss is not None else None,
        penalty=experiment.penalty() if experiment.penalty is not None else None,
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
    networks: list[Part[Network]] = [experiment.generator, experiment.discriminator]
    for network in networks:
        if "conditioning" not in parameters(network.component):
            raise UserError(
                f"{network.name} would ignore {part.name}; choose an architecture that takes conditioning, "
                "or set experiment.conditioning = None",
                where=part.where,
            )
    return part(num_classes=spec.num_classes)


def _check_terms(experiment: Experiment, tasks: dict[str, PretextTask]) -> None:
    """Refuse an adversarial term that two parts claim, or that none provides."""
    replacing = [name for name, task in tasks.items() if task.replaces_adversarial]
    if replacing and experiment.loss is not None:
        raise UserError(
            f"the task '{replacing[0]}' replaces the adversarial term; set experiment.loss = None",
            where=experiment.loss.where,
        )
    if experiment.loss is None and not tasks:
        raise UserError("experiment.loss is None and no task stands in for it; bind a loss or a pretext task")
    if experiment.loss is None and experiment.penalty is not None:
        raise UserError(
            f"{experiment.penalty.name} differentiates the adversarial logit, which nothing trains while "
            "experiment.loss is None; set experiment.penalty = None",
            where=experiment.penalty.where,
        )


def _check_penalty(experiment: Experiment, discriminator: Discriminator) -> None:
    """Refuse a penalty on each image's own gradient where no logit is an image's own."""
    penalty = experiment.penalty
    if penalty is not None and penalty.component.needs_independent_logits and discriminator.uses_batch_statistics:
        raise UserError(
            f"{penalty.name} needs logits that depend on one image each, but {experiment.discriminator.name} "
            "normalises over the batch; give it another normalization (layer, none) or set experiment.penalty = None",
            where=penalty.where,
        )
