"""Everything that a run must keep across a restart, in one object, and its two updates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import cast

import torch
from torch import Tensor

from ganzoo.batch import ImageBatch, Latents
from ganzoo.config.experiment import Experiment
from ganzoo.data.base import DataSpec
from ganzoo.gan.build import build_gan, build_objective
from ganzoo.gan.model import Gan
from ganzoo.gan.steps import Objective, StepOutput, d_step, g_step
from ganzoo.pretext.base import Role
from ganzoo.randomness import Streams
from ganzoo.training.sampler import InfiniteSampler


class RunningMeans:
    """Means of scalars since the last row; sums stay on the device, so that no step waits for a value."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Add one value of each scalar."""
        for name, value in values.items():
            value = value.detach().float()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """Return the means and start again."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return means

    def is_finite(self) -> bool:
        """Return whether no value was NaN or infinite since the last row."""
        return all(bool(torch.isfinite(total)) for total in self._sums.values())

    def state_dict(self) -> dict[str, tuple[Tensor, int]]:
        """Return sums and counts."""
        return {name: (total, self._counts[name]) for name, total in self._sums.items()}

    def load_state_dict(self, state: Mapping[str, tuple[Tensor, int]], *, device: torch.device) -> None:
        """Restore sums and counts, the sums on the device where the next values will be."""
        self._sums = {name: total.to(device) for name, (total, _) in state.items()}
        self._counts = {name: count for name, (_, count) in state.items()}


@dataclass
class TrainState:
    """The networks, optimizers, random streams and counters of a run.

    Args:
        gan: the networks with their tasks.
        objective: loss, penalties and augmentation; the last two may have state.
        g_optimizer: of the generator.
        d_optimizer: of the discriminator and the tasks' heads.
        g_scheduler: advanced once per generator update.
        d_scheduler: advanced once per generator update.
        order: of the real images.
        streams: all random streams except the order of the images.
        autocast: the context of a forward pass in the experiment's precision; holds no state.
        means: values since the last logged row.
        counters: how much was spent: generator updates, real images shown, images that passed through D.
    """

    gan: Gan
    objective: Objective
    g_optimizer: torch.optim.Optimizer
    d_optimizer: torch.optim.Optimizer
    g_scheduler: torch.optim.lr_scheduler.LRScheduler
    d_scheduler: torch.optim.lr_scheduler.LRScheduler
    order: InfiniteSampler
    streams: Streams
    autocast: torch.autocast
    means: RunningMeans = field(default_factory=RunningMeans)
    counters: dict[str, int] = field(default_factory=lambda: {"step": 0, "num_real_images": 0, "num_d_images": 0})

    @classmethod
    def create(cls, experiment: Experiment, spec: DataSpec, *, num_images: int, device: torch.device) -> "TrainState":
        """Build the state before the first step.

        Args:
            experiment: what is run.
            spec: of its data set.
            num_images: images of the training split.
            device: where the networks live.
        """
        gan = build_gan(experiment, spec).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if experiment.compile:
            gan.generator.compile()
            gan.discriminator.compile()
        objective = build_objective(experiment, gan.discriminator)
        if objective.augment is not None:
            objective.augment.to(device)
        for penalty in objective.penalties.values():
            penalty.to(device)
        g_recipe = experiment.g_optimizer(num_steps=experiment.num_steps)
        d_recipe = experiment.d_optimizer(num_steps=experiment.num_steps)
        g_optimizer = g_recipe.optimizer(gan.generator.parameters())
        d_optimizer = d_recipe.optimizer(gan.d_parameters())
        return cls(
            gan=gan,
            objective=objective,
            g_optimizer=g_optimizer,
            d_optimizer=d_optimizer,
            g_scheduler=g_recipe.scheduler(g_optimizer),
            d_scheduler=d_recipe.scheduler(d_optimizer),
            order=InfiniteSampler(num_images, seed=experiment.seed),
            streams=Streams(experiment.seed),
            autocast=torch.autocast(device.type, torch.bfloat16, enabled=experiment.precision == "bfloat16"),
        )

    @property
    def step(self) -> int:
        """Generator updates done."""
        return self.counters["step"]

    def learning_rates(self) -> dict[str, float]:
        """Return the learning rate of every optimizer group: `g/learning_rate`, and `g/learning_rate_2` of a second."""
        schedulers = {"d": self.d_scheduler, "g": self.g_scheduler}
        return {
            f"{role}/learning_rate" + (f"_{number}" if number > 1 else ""): float(rate)
            for role, scheduler in schedulers.items()
            for number, rate in enumerate(scheduler.get_last_lr(), start=1)
        }

    def next_latents(self, num: int) -> Latents:
        """Return the next latents, with uniformly drawn labels if the GAN is conditional."""
        device = next(self.gan.parameters()).device
        latents_NL = self.gan.generator.sample_latents(num, rng=self.streams["latents"]).to(device)
        if not self.gan.num_classes:
            return Latents(latents_NL)
        labels_N = torch.randint(self.gan.num_classes, (num,), generator=self.streams["labels"])
        return Latents(latents_NL, labels_N.to(device))

    def update_d(self, real: ImageBatch, latents: Latents) -> StepOutput:
        """Update the discriminator once, and return the output of the step.

        Args:
            real: real images, not augmented yet.
            latents: of the generated images.
        """
        with self.autocast:
            output = d_step(self.gan, self.objective, real, latents, step=self.step, rng=self.streams)
        update(self.d_optimizer, output.loss)
        self.account(output, "d")
        self.counters["num_real_images"] += len(real)
        return output

    def update_g(self, real: ImageBatch, latents: Latents) -> StepOutput:
        """Update the generator once, which completes a step, and return the output.

        Args:
            real: the real images of the last update of the discriminator.
            latents: of the generated images.
        """
        with self.autocast:
            output = g_step(self.gan, self.objective, real, latents, step=self.step, rng=self.streams)
        update(self.g_optimizer, output.loss)
        self.gan.update_ema(step=self.step)
        self.account(output, "g")
        self.g_scheduler.step()
        self.d_scheduler.step()
        self.counters["step"] += 1
        return output

    def account(self, output: StepOutput, role: Role) -> None:
        """Count the images of a step, and let augmentation, penalties and tasks react to it.

        Args:
            output: of the step, after the update.
            role: the network that was updated.
        """
        objective = self.objective
        self.means.add(output.parts)
        self.counters["num_d_images"] += output.num_d_images
        if role == "d" and objective.augment is not None and output.real_logits_N is not None:
            objective.augment.after_d_step(output.real_logits_N)
            self.means.add({f"augment/{name}": value for name, value in objective.augment.reports().items()})
        if role == "d" and output.real is not None:
            for penalty in objective.penalties.values():
                seen = penalty.after_d_step(self.gan.discriminator, output.real, output.fake)
                self.counters["num_d_images"] += seen
        for name, task in self.gan.tasks.items():
            outputs, rng = output.task_outputs[name].detach(), self.streams[f"pretext/{name}"]
            task.after_step(outputs, self.gan.discriminator, role=role, step=self.step, rng=rng)

    def is_finite(self) -> bool:
        """Return whether every weight and buffer, and every value since the last row, is finite."""
        tensors = chain(self.gan.parameters(), self.gan.buffers())
        return self.means.is_finite() and all(bool(torch.isfinite(t).all()) for t in tensors)

    def state_dict(self) -> dict[str, object]:
        """Return the state without the networks' tensors, which have their own file."""
        augment = self.objective.augment
        return {
            "g_optimizer": self.g_optimizer.state_dict(),
            "d_optimizer": self.d_optimizer.state_dict(),
            "g_scheduler": self.g_scheduler.state_dict(),
            "d_scheduler": self.d_scheduler.state_dict(),
            "augment": {} if augment is None else augment.state_dict(),
            "penalties": {name: penalty.state_dict() for name, penalty in self.objective.penalties.items()},
            "order": self.order.state_dict(),
            "streams": self.streams.state_dict(),
            "means": self.means.state_dict(),
            "counters": dict(self.counters),
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Restore what `state_dict` returned, whatever device its tensors are on."""
        for name in ("g_optimizer", "d_optimizer", "g_scheduler", "d_scheduler", "order", "streams"):
            getattr(self, name).load_state_dict(state[name])
        means = cast("Mapping[str, tuple[Tensor, int]]", state["means"])
        self.means.load_state_dict(means, device=next(self.gan.parameters()).device)
        if self.objective.augment is not None:
            self.objective.augment.load_state_dict(state["augment"])  # type: ignore[arg-type]
        # Older checkpoints have no states of penalties, which fits penalties without state.
        penalties = cast("Mapping[str, Mapping[str, Tensor]]", state.get("penalties", {}))
        for name, penalty in self.objective.penalties.items():
            penalty.load_state_dict(penalties.get(name, {}))
        self.counters = dict(state["counters"])  # type: ignore[call-overload]


def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one optimizer step on a loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
