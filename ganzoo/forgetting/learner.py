"""The classifier of one arm, and one step of its training. N: batch; C, H, W: image; L: latent dimension."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.architectures.base import Generator, ImageShape
from ganzoo.batch import ImageBatch, Latents
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.forgetting.experiment import Arm, ForgettingExperiment
from ganzoo.gan.build import build_tasks
from ganzoo.gan.model import Gan
from ganzoo.gan.steps import StepOutput, finish
from ganzoo.gan.views import discriminate, outputs_by_task, task_views
from ganzoo.layers.consolidation import parameter_shapes
from ganzoo.layers.spectral_norm import advance_spectral_norm
from ganzoo.losses.base import AdversarialLoss
from ganzoo.pretext.base import LossTerm, View, ViewOutput
from ganzoo.randomness import Streams, initialization
from ganzoo.remedies.base import Examples, Remedy
from ganzoo.training.train_state import update


class NoGenerator(Generator):
    """A stand-in for the generator of a `Gan`; it makes no images.

    Args:
        image_shape: (C, H, W).
    """

    uses_batch_statistics = False

    def __init__(self, image_shape: ImageShape) -> None:
        super().__init__()
        self.image_shape, self.latent_dim = image_shape, 0

    def forward(self, inputs: Latents) -> Tensor:
        """Return images (0, C, H, W)."""
        return inputs.latents_NL.new_zeros((0, *self.image_shape))


@dataclass
class Learner:
    """What trains in one arm under one seed.

    Args:
        gan: the network with its pretext tasks; its generator makes no images.
        loss: of the logits.
        remedy: a remedy against forgetting, or None.
        optimizer: of the network and the tasks' heads.
        scheduler: advanced once per step.
        streams: the random streams of tasks and remedy; the batches have their own.
    """

    gan: Gan
    loss: AdversarialLoss
    remedy: Remedy | None
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    streams: Streams


def build_learner(
    experiment: ForgettingExperiment, arm: Arm, spec: DataSpec, *, seed: int, device: torch.device
) -> Learner:
    """Build what trains; the network starts from the same weights in all arms of a seed.

    Args:
        experiment: the description.
        arm: how the network is trained.
        spec: of the data set.
        seed: of the run.
        device: where the network lives.

    Raises:
        UserError: parts that do not fit together.
    """
    num_steps = experiment.num_steps(spec.num_classes)
    with initialization(seed, "discriminator"):
        network = experiment.discriminator(image_shape=spec.image_shape, latent_dim=0, conditioning=None)
    tasks = build_tasks(
        [] if arm.pretext is None else [arm.pretext],
        network,
        name=experiment.discriminator.name,
        seed=seed,
        image_shape=spec.image_shape,
        latent_dim=0,
        num_classes=0,
        batch_size=experiment.batch_size,
        num_steps=num_steps,
    )
    remedy = None
    if arm.remedy is not None:
        if arm.remedy.component.needs_independent_logits and network.uses_batch_statistics:
            raise UserError(
                f"{arm.remedy.name} needs logits that depend on one image each, but {experiment.discriminator.name} "
                "normalises over the batch; give it another normalization (layer, none)",
                where=arm.remedy.where,
            )
        remedy = arm.remedy(
            image_shape=spec.image_shape,
            parameter_shapes=parameter_shapes(network),
            batch_size=experiment.batch_size,
        ).to(device)
    gan = Gan(NoGenerator(spec.image_shape), network, tasks, ema_decay=None, num_classes=0)
    gan = gan.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    recipe = experiment.d_optimizer(num_steps=num_steps)
    optimizer = recipe.optimizer(gan.d_parameters())
    return Learner(gan, experiment.loss(), remedy, optimizer, recipe.scheduler(optimizer), Streams(seed))


def train_step(learner: Learner, fresh: Examples, *, step: int) -> StepOutput:
    """Make one update on fresh examples, and return what it minimised.

    Args:
        learner: of the arm; the network's spectral norms advance by one power iteration.
        fresh: the step's examples; the pretext task sees all of them as real images.
        step: updates done so far.
    """
    gan, remedy, streams = learner.gan, learner.remedy, learner.streams
    output = step_output(learner, fresh, step=step)
    update(learner.optimizer, output.loss)
    learner.scheduler.step()
    for name, task in gan.tasks.items():
        rng = streams[f"pretext/{name}"]
        task.after_step(output.task_outputs[name].detach(), gan.discriminator, role="d", step=step, rng=rng)
    if remedy is not None:
        remedy.after_step(fresh, rng=streams["remedy/after_step"])
    return output


def step_output(learner: Learner, fresh: Examples, *, step: int) -> StepOutput:
    """Return the loss of a step: one-vs-all, the remedy's terms, the pretext task's terms."""
    gan, remedy, streams = learner.gan, learner.remedy, learner.streams
    advance_spectral_norm(gan.discriminator)
    advance_spectral_norm(gan.task_modules)
    examples = fresh if remedy is None else remedy.mix(fresh, rng=streams["remedy/mix"])

    # All examples take the place of the real images of a discriminator's step; there are no fakes.
    nothing = examples.batch[:0]
    groups = {"real": View(examples.batch, "real")}
    no_extra: dict[str, dict[str, ImageBatch]] = {name: {} for name in gan.tasks}
    groups |= task_views(gan, nothing, examples.batch, no_extra, "d", streams)
    outputs = discriminate(gan, groups)
    outputs["fake"] = ViewOutput(nothing, outputs["real"].output.split([0, len(examples.batch)])[0])
    task_outputs = outputs_by_task(gan, outputs, no_extra)

    logits_N, is_positive_N = outputs["real"].output.logits_N, examples.is_positive_N
    value = learner.loss.d_loss(logits_N[is_positive_N], logits_N[~is_positive_N])
    terms = [LossTerm("one_vs_all", value)]
    if remedy is not None:
        terms += remedy.terms(gan.discriminator)
    results = {name: task.d_terms(task_outputs[name], step=step) for name, task in gan.tasks.items()}
    return finish("d", terms, {}, results, task_outputs, outputs)


@torch.no_grad()
def accuracy(learner: Learner, test: Examples) -> float:
    """Return the share of examples that are classified correctly."""
    network = learner.gan.discriminator.eval()
    logits = [network(images_NCHW).logits_N for images_NCHW in torch.split(test.batch.images_NCHW, 256)]
    network.train()
    return float(((torch.cat(logits) > 0) == test.is_positive_N).double().mean())


def try_out(experiment: ForgettingExperiment, arm: Arm, spec: DataSpec) -> None:
    """Build an arm and compute one loss on noise, so that parts that do not fit are refused before any training.

    Raises:
        UserError: parts that do not fit together, or a task that needs a generator.
    """
    learner = build_learner(experiment, arm, spec, seed=experiment.seeds[0], device=torch.device("cpu"))
    num, rng, part = experiment.batch_size, Streams(0), arm.pretext
    images_NCHW = torch.rand(num, *spec.image_shape, generator=rng["images"]) * 2 - 1
    fresh = Examples(ImageBatch(images_NCHW), torch.arange(num) % 2 == 0)
    if part is None:
        step_output(learner, fresh, step=0)
        return
    needs = f"{part.name} does not fit a classifier, which has no generator: "
    (task,) = learner.gan.tasks.values()
    if task.replaces_adversarial:
        raise UserError(f"{needs}it replaces the adversarial term; choose another task", where=part.where)
    if task.extra_latents(Latents(torch.zeros(num, 0)), role="d", rng=rng["latents"]):
        raise UserError(f"{needs}it needs generated images of its own; choose another task", where=part.where)
    try:
        loss = step_output(learner, fresh, step=0).loss
    except (RuntimeError, ValueError, IndexError, AssertionError) as error:
        raise UserError(
            f"{needs}it fails without generated images ({error}); choose another", where=part.where
        ) from error
    if not bool(torch.isfinite(loss)):
        raise UserError(f"{needs}its loss without generated images is {float(loss.detach())}", where=part.where)
