"""The description of one run: what a recipe fills in under `experiment.`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.augment.base import Augment
from ganzoo.component import Component, Part
from ganzoo.conditioning.base import Conditioning
from ganzoo.config.evaluation_protocol import EvaluationProtocol
from ganzoo.data.base import Dataset
from ganzoo.errors import ParameterError, UserError, check_at_least
from ganzoo.losses.base import AdversarialLoss
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.penalties.base import Penalty
from ganzoo.pretext.base import PretextTask

MAX_THREADS = 4096
"""More than the largest machines have; torch fails, or dies, on numbers far beyond."""


@dataclass(frozen=True, kw_only=True)
class Experiment(EvaluationProtocol):
    """One run, and how its images are judged.

    Args:
        dataset: the images to learn.
        generator: G.
        discriminator: D.
        loss: the adversarial loss; None if a task replaces it or trains D alone.
        penalty: a regulariser, a list of several, or None.
        conditioning: how class labels enter G and D; None for an unconditional GAN.
        pretext: self-supervised tasks, in order; an empty list for none.
        augment: changes images before D sees them; None for no change.
        g_optimizer: the optimizer of G.
        d_optimizer: the optimizer of D and of the tasks' heads.
        num_steps: generator updates of the whole run.
        num_d_steps: discriminator updates before each generator update.
        batch_size: real images of a discriminator step, and as many generated ones; views come on top.
        latent_dim: length of the generator's input.
        ema_decay: decay per generator update of the moving average of G, which samples and metrics use; None for no
            average. After n updates the weights that the average started from still have the share decay^n.
        ema_start: generator updates before which the average is a copy of G, so that it starts from a trained one; 0 to
            start from G after its first update.
        seed: determines the run, together with the configuration, the versions and the number of threads.
        eval_every: generator updates between evaluations during training; 0 for at the end only.
        checkpoint_every: generator updates between checkpoints; 0 for at the end only.
        sample_every: generator updates between sample grids; 0 for at the end only.
        log_every: generator updates between rows of `metrics.jsonl`; a row has the means since the row before.
        keep_checkpoints: how many of the newest checkpoints are kept; 0 for all.
        precision: of the forward passes; `bfloat16` means autocast, with float32 weights.
        compile: whether torch.compile compiles both networks' forward passes; that takes minutes at the start.
        num_threads: CPU threads, on which the last bits of a result depend; None for as many as torch chooses here.
        train_split: the split to train on.
    """

    recipe_folder: ClassVar[str] = ""
    file_kind: ClassVar[str] = "recipe"

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
    ema_start: int = 0
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
        from_1 = ("num_steps", "num_d_steps", "batch_size", "latent_dim", "log_every")
        from_0 = ("seed", "ema_start", "eval_every", "checkpoint_every", "sample_every", "keep_checkpoints")
        check_at_least(1, **{name: getattr(self, name) for name in from_1})
        check_at_least(0, **{name: getattr(self, name) for name in from_0})
        if self.ema_decay is not None and not 0.0 <= self.ema_decay < 1.0:
            raise ParameterError(
                "ema_decay", f"must lie in [0, 1), not {self.ema_decay}; None switches the average off"
            )
        if self.ema_decay is None:
            keeps_none = "a moving average and {ema_decay} = None keeps none"
            if self.ema_start:
                raise ParameterError("ema_start", f"= {self.ema_start} is of {keeps_none}; set {{ema_start}} = 0")
            if self.eval_ema:
                raise ParameterError("eval_ema", f"asks for {keeps_none}; set {{eval_ema}} = None")
        check_num_threads(self.num_threads)


def check_num_threads(num_threads: int | None) -> None:
    """Refuse a number of threads that torch cannot use.

    Raises:
        ParameterError: it is below 1 or above `MAX_THREADS`.
    """
    if num_threads is not None and not 1 <= num_threads <= MAX_THREADS:
        limit = "at least 1" if num_threads < 1 else f"at most {MAX_THREADS}"
        raise ParameterError("num_threads", f"must be {limit}, not {num_threads}; None leaves the choice to torch")


def short_name(part: Part[Component]) -> str:
    """Return the name of a part among others of its kind: its scope and its component's name."""
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


def learnable(chance: Mapping[str, float], experiment: Experiment) -> dict[str, float]:
    """Return what guessing reaches in each accuracy, without the tasks in which there is nothing to learn.

    Args:
        chance: what guessing reaches, by key (`d/rotation/accuracy_real`).
        experiment: has the tasks.
    """
    controls = {name for name, part in by_name(experiment.pretext).items() if not part.component.is_learnable}
    return {key: value for key, value in chance.items() if key.split("/")[1] not in controls}


def penalties_of(experiment: Experiment) -> dict[str, Part[Penalty]]:
    """Return the penalties by the names of their terms: `penalty` for a single one, `penalty/r1` for one of a list.

    Raises:
        UserError: two of the same name.
    """
    bound = experiment.penalty
    if bound is None or isinstance(bound, Part):
        return {} if bound is None else {"penalty": bound}
    return {f"penalty/{name}": part for name, part in by_name(bound).items()}
