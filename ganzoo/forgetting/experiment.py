"""The description of a forgetting experiment, whose fields a recipe binds under `forgetting.`, and its arms."""

from dataclasses import dataclass
from typing import ClassVar

from ganzoo.architectures.base import Discriminator
from ganzoo.component import Part
from ganzoo.config.experiment import check_num_threads, short_name
from ganzoo.config.root import RecipeRoot
from ganzoo.data.base import Dataset, DataSpec
from ganzoo.errors import ParameterError, UserError, check_at_least
from ganzoo.losses.base import AdversarialLoss
from ganzoo.optim.base import OptimizerRecipe
from ganzoo.pretext.base import PretextTask
from ganzoo.remedies.base import Remedy

ALONE = "alone"
MIN_SEEDS = 3


@dataclass(frozen=True, kw_only=True)
class ForgettingExperiment(RecipeRoot):
    """A one-vs-all classifier whose positive class switches: trained alone, with a pretext task, or with a remedy.

    Args:
        dataset: labelled images; each class in turn is the positive one.
        discriminator: the network, used as a classifier: a logit above 0 means "positive".
        loss: the loss of D, with positive images in the place of real ones and all others in the place of fakes.
            `@losses.non_saturating` is binary cross-entropy.
        d_optimizer: the optimizer of the network and of the tasks' heads.
        pretext: self-supervised tasks; each makes an arm of the experiment.
        remedies: remedies against forgetting; each makes an arm of the experiment.
        batch_size: fresh images of a step, half of them positive.
        num_steps_per_task: updates before the positive class switches.
        num_cycles: how often every class is the positive one.
        eval_every: updates between measurements; it divides `num_steps_per_task` and is smaller.
        num_test_images: images of a measurement, half of them positive; the same for all arms and seeds.
        seeds: each gives one run of every arm.
        num_threads: CPU threads, which change the last bits of a result; None for as many as torch chooses.
        train_split: the split to train on.
        test_split: the split to measure on.
    """

    root_name: ClassVar[str] = "forgetting"
    recipe_folder: ClassVar[str] = "forgetting"

    dataset: Part[Dataset]
    discriminator: Part[Discriminator]
    loss: Part[AdversarialLoss]
    d_optimizer: Part[OptimizerRecipe]
    pretext: tuple[Part[PretextTask], ...] = ()
    remedies: tuple[Part[Remedy], ...] = ()
    batch_size: int = 64
    num_steps_per_task: int
    num_cycles: int = 2
    eval_every: int
    num_test_images: int = 1000
    seeds: tuple[int, ...] = (0, 1, 2)
    num_threads: int | None = None
    train_split: str = "train"
    test_split: str = "test"

    def __post_init__(self) -> None:
        check_at_least(1, num_steps_per_task=self.num_steps_per_task, eval_every=self.eval_every)
        check_at_least(2, batch_size=self.batch_size, num_cycles=self.num_cycles, num_test_images=self.num_test_images)
        for name in ("batch_size", "num_test_images"):
            if getattr(self, name) % 2:
                raise ParameterError(name, f"must be even, half of it positive, not {getattr(self, name)}")
        if self.num_steps_per_task % self.eval_every or self.eval_every == self.num_steps_per_task:
            raise ParameterError(
                "eval_every",
                f"must divide {{num_steps_per_task}} = {self.num_steps_per_task} and be smaller, so that every switch "
                f"and what follows it are measured, not {self.eval_every}",
            )
        if len(self.seeds) < MIN_SEEDS:
            raise ParameterError(
                "seeds", f"must be at least {MIN_SEEDS}, or nothing can be said of their spread, not {len(self.seeds)}"
            )
        if len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ParameterError("seeds", f"must be different whole numbers from 0 on, not {list(self.seeds)}")
        check_num_threads(self.num_threads)
        if not self.pretext and not self.remedies:
            raise ParameterError(
                "pretext", "and {remedies} are both empty, and nothing is left to compare with; bind one of them"
            )

    def num_steps(self, num_classes: int) -> int:
        """Return the updates of one arm under one seed."""
        return self.num_steps_per_task * num_classes * self.num_cycles


@dataclass(frozen=True)
class Arm:
    """One way to train the classifier: alone, with a pretext task, or with a remedy."""

    name: str
    pretext: Part[PretextTask] | None = None
    remedy: Part[Remedy] | None = None


def arms_of(experiment: ForgettingExperiment) -> list[Arm]:
    """Return the arms of an experiment, `alone` first.

    Raises:
        UserError: two arms of one name.
    """
    helped = [Arm(short_name(part), pretext=part) for part in experiment.pretext]
    helped += [Arm(short_name(part), remedy=part) for part in experiment.remedies]
    arms = [Arm(ALONE)]
    for arm in helped:
        if arm.name in [other.name for other in arms]:
            part = arm.pretext or arm.remedy
            assert part is not None
            raise UserError(
                f"two arms are called '{arm.name}'; give one a scope (`@other/{part.name}`)", where=part.where
            )
        arms.append(arm)
    return arms


def check_data(experiment: ForgettingExperiment, spec: DataSpec) -> None:
    """Refuse a data set whose classes cannot be tasks.

    Raises:
        UserError: it has no labels, or one class only.
    """
    if spec.num_classes < 2:
        has = "no class labels" if not spec.num_classes else "only one class"
        raise UserError(
            f"{experiment.dataset.name} has {has}, and `ganzoo forgetting` needs a task for each class; "
            "choose a labelled data set with at least 2 classes",
            where=experiment.dataset.where,
        )
