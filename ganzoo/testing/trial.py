"""A toy GAN with a task, ready for steps as in training. N: batch."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.batch import ImageBatch, Latents
from ganzoo.component import Part
from ganzoo.gan.model import Gan
from ganzoo.gan.steps import Objective, StepOutput, d_step, g_step
from ganzoo.losses.wasserstein import wasserstein
from ganzoo.pretext.base import PretextTask, Role, StepBatch, View
from ganzoo.randomness import Streams, initialization
from ganzoo.testing.tools import equal, hide_labels, make_images, make_latents, make_rng, snapshot
from ganzoo.testing.toys import IMAGE_SHAPE, LATENT_DIM, ToyDiscriminator, ToyGenerator, task_args

TASK = "task"


class Trial:
    """A toy GAN with the task, ready for steps.

    Args:
        part: the task; None for the same GAN without it.
        batch_size: real images, and fakes, of a step.
        num_classes: classes of a conditional GAN; 0 for an unconditional one.
        batch_norm: whether D normalises over the batch.
        seed: of heads and weights.
    """

    def __init__(
        self,
        part: Part[PretextTask] | None,
        *,
        batch_size: int,
        num_classes: int = 0,
        batch_norm: bool = False,
        seed: int = 0,
    ) -> None:
        self.batch_size, self.num_classes, self.rng = batch_size, num_classes, Streams(0)
        with initialization(seed, "networks"):
            generator = ToyGenerator(num_classes=num_classes)
            discriminator = ToyDiscriminator(
                num_classes=num_classes, batch_norm=batch_norm, spectral_norm=not batch_norm
            )
        tasks: dict[str, PretextTask] = {}
        if part is not None:
            with initialization(seed, TASK):
                tasks[TASK] = part(**task_args(discriminator, batch_size=batch_size))
        self.gan = Gan(generator, discriminator, tasks, ema_decay=None, num_classes=num_classes)
        replaces = any(task.replaces_adversarial for task in tasks.values())
        self.objective = Objective(None if replaces else wasserstein(), {}, None)
        self.optimizer = torch.optim.SGD(self.gan.d_parameters(), lr=0.01)

    @property
    def task(self) -> PretextTask:
        """The task under check."""
        return self.gan.tasks[TASK]

    def real(self, step: int) -> ImageBatch:
        """Return the real images of a step, some of them unlabelled."""
        images = make_images(self.batch_size, shape=IMAGE_SHAPE, num_classes=self.num_classes, seed=100 + step)
        return hide_labels(images)

    def d_step(self, step: int) -> StepOutput:
        """Take a discriminator step up to its gradients."""
        latents = make_latents(self.batch_size, latent_dim=LATENT_DIM, num_classes=self.num_classes, seed=200 + step)
        return self._backward(d_step(self.gan, self.objective, self.real(step), latents, step=step, rng=self.rng))

    def g_step(self, step: int) -> StepOutput:
        """Take a generator step up to its gradients."""
        latents = make_latents(self.batch_size, latent_dim=LATENT_DIM, num_classes=self.num_classes, seed=300 + step)
        return self._backward(g_step(self.gan, self.objective, self.real(step), latents, step=step, rng=self.rng))

    def _backward(self, output: StepOutput) -> StepOutput:
        self.gan.zero_grad(set_to_none=True)
        output.loss.backward()  # type: ignore[no-untyped-call]
        return output

    def train(self, steps: range) -> dict[str, Tensor]:
        """Take steps with updates of D, and return the parts of all of them."""
        parts: dict[str, Tensor] = {}
        for step in steps:
            d_output = self.d_step(step)
            self.optimizer.step()
            self._after_step(d_output, "d", step)
            g_output = self.g_step(step)
            self._after_step(g_output, "g", step)
            parts |= {f"{step}/{name}": value for name, value in (d_output.parts | g_output.parts).items()}
        return parts

    def _after_step(self, output: StepOutput, role: Role, step: int) -> None:
        outputs, rng = output.task_outputs[TASK].detach(), self.rng[f"pretext/{TASK}"]
        self.task.after_step(outputs, self.gan.discriminator, role=role, step=step, rng=rng)

    @torch.no_grad()
    def views(self, role: Role) -> tuple[Mapping[str, View], bool]:
        """Return the views that the task asks for, and whether asking left the batch it was given unchanged."""
        task, rng = self.task, make_rng()
        latents = make_latents(self.batch_size, latent_dim=LATENT_DIM, num_classes=self.num_classes)
        fake, real = self._generate(latents), self.real(0)
        originals = [batch.images_NCHW.clone() for batch in (fake, real)]
        asked = task.extra_latents(latents, role=role, rng=rng)
        extra = {name: self._generate(value) for name, value in asked.items()}
        shown = real if role == "d" or task.uses_real_in_g_step else None
        found = task.views(StepBatch(fake, shown, extra), role=role, rng=rng)
        return found, all(torch.equal(a, b.images_NCHW) for a, b in zip(originals, (fake, real), strict=True))

    def _generate(self, latents: Latents) -> ImageBatch:
        return ImageBatch(self.gan.generator(latents), latents.labels_N, latents.latents_NL)


class WatchedTrial(Trial):
    """A trial that notes whether a task's `after_step` changes the networks."""

    is_meddling = False

    def _after_step(self, output: StepOutput, role: Role, step: int) -> None:
        networks = (self.gan.generator, self.gan.discriminator)
        before = [snapshot(network) for network in networks]
        super()._after_step(output, role, step)
        self.is_meddling |= not all(equal(a, snapshot(network)) for a, network in zip(before, networks, strict=True))
