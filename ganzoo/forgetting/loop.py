"""The training loop of one arm under one seed, through all tasks of all cycles."""

from dataclasses import dataclass

import torch

from ganzoo.data.base import Dataset, DataSpec
from ganzoo.errors import RunFailedError
from ganzoo.forgetting.experiment import Arm, ForgettingExperiment
from ganzoo.forgetting.learner import Learner, accuracy, build_learner, train_step
from ganzoo.forgetting.one_vs_all import OneVsAll
from ganzoo.gan.steps import StepOutput
from ganzoo.randomness import make_generator
from ganzoo.remedies.base import Examples
from ganzoo.runs.monitor import Monitor


@dataclass(frozen=True)
class Point:
    """A measurement: the updates done, the positive class at that time, and the accuracy on its test set."""

    step: int
    positive_class: int
    accuracy: float


@dataclass(frozen=True)
class Curve:
    """The measurements of one arm under one seed, and how many images the network saw in training."""

    arm: str
    seed: int
    points: tuple[Point, ...]
    num_d_images: int


@dataclass(frozen=True)
class Tasks:
    """The data of all tasks: training examples, a test set for each class, and the hash of every split."""

    spec: DataSpec
    train: OneVsAll
    tests: tuple[Examples, ...]
    data_sha256: dict[str, str]


def load_tasks(experiment: ForgettingExperiment, dataset: Dataset, *, device: torch.device) -> Tasks:
    """Load the data of all tasks.

    Raises:
        UserError: files are missing, or a class has too few images.
    """
    spec, splits, hashes = dataset.spec(), list[OneVsAll](), dict[str, str]()
    for split in (experiment.train_split, experiment.test_split):
        data, name = dataset.load(split), f"the split '{split}' of {experiment.dataset.name}"
        splits.append(OneVsAll(data, num_classes=spec.num_classes, device=device, name=name))
        hashes[split] = data.sha256
    train, test = splits
    tests = tuple(test.test_set(k, experiment.num_test_images) for k in range(spec.num_classes))
    return Tasks(spec, train, tests, hashes)


def train_arm(
    experiment: ForgettingExperiment,
    arm: Arm,
    tasks: Tasks,
    *,
    seed: int,
    device: torch.device,
    monitor: Monitor,
    steps_before: int = 0,
) -> Curve:
    """Train one arm under one seed and return its curve.

    Args:
        experiment: the description.
        arm: how the network is trained.
        tasks: the data.
        seed: of weights, batches and everything else that is random.
        device: where to train.
        monitor: receives progress.
        steps_before: updates of earlier arms, only for the progress.

    Raises:
        RunFailedError: a weight is NaN or infinite.
    """
    learner = build_learner(experiment, arm, tasks.spec, seed=seed, device=device)
    batches = make_generator(seed, "forgetting/batches")  # the same in all arms, whatever else they draw
    num_classes = tasks.spec.num_classes
    num_steps = experiment.num_steps(num_classes)
    points: list[Point] = []
    num_d_images, row = 0, dict[str, float]()

    for step in range(num_steps):
        positive = step // experiment.num_steps_per_task % num_classes

        # At a switch the new task is measured before any update on it.
        if step % experiment.eval_every == 0:
            points.append(Point(step, positive, accuracy(learner, tasks.tests[positive])))

        fresh = tasks.train.draw(positive, experiment.batch_size, rng=batches)
        output = train_step(learner, fresh, step=step)
        num_d_images += output.num_d_images

        if (step + 1) % experiment.num_steps_per_task == 0:
            end_task(learner, tasks.train, positive)
        if (step + 1) % experiment.eval_every == 0:
            row = finite_parts(learner, output, arm=arm, seed=seed, step=step + 1)
        monitor.progress(steps_before + step + 1, row)

    points.append(Point(num_steps, positive, accuracy(learner, tasks.tests[positive])))
    return Curve(arm.name, seed, tuple(points), num_d_images)


def end_task(learner: Learner, train: OneVsAll, positive: int) -> None:
    """Let the remedy act on the task that has ended, with examples from a random stream of its own."""
    if learner.remedy is not None:
        rng = learner.streams["remedy/after_task"]
        num = learner.remedy.num_task_examples
        learner.remedy.after_task(learner.gan.discriminator, train.draw(positive, num + num % 2, rng=rng)[:num])


def finite_parts(learner: Learner, output: StepOutput, *, arm: Arm, seed: int, step: int) -> dict[str, float]:
    """Return the parts of a step's loss; raise if the loss or a weight is not finite."""
    parts = {name: float(value) for name, value in output.parts.items()}
    weights = [p for p in learner.gan.parameters() if not bool(torch.isfinite(p).all())]
    if weights or not bool(torch.isfinite(output.loss)):
        raise RunFailedError(
            f"the arm '{arm.name}' of seed {seed}: a loss or a weight is NaN or infinite at step {step}"
        )
    return parts
