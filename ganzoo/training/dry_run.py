"""Try a recipe out in seconds: build everything, and take two steps on synthetic images of its shapes.

It needs neither the data set nor the weights of metrics. N: batch; C, H, W: image; L: latent dimension.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ganzoo.batch import ImageBatch, Latents
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import Configuration, Resolved
from ganzoo.data.base import DataSpec
from ganzoo.errors import RunFailedError, UserError
from ganzoo.evaluation.evaluate import fitting
from ganzoo.gan.build import build_gan
from ganzoo.gan.model import Gan
from ganzoo.hardware import has_fast_bfloat16
from ganzoo.training.train_state import TrainState

SMALLEST_BATCH = 8
NUM_STEPS = 2


@dataclass(frozen=True)
class DryRunReport:
    """The networks and the two steps of a dry run.

    Args:
        name: of the recipe.
        num_parameters: trained parameters of each network and of each task's heads, by name.
        shapes: of the networks' inputs and outputs, by name, without the batch.
        num_images: of each split, by name; None where only its files tell.
        batch_size: of the two steps that were taken.
        parts: named values of the last step, `d/loss`, `g/loss`, ...
        precision: of the two steps.
        resolved: every parameter in use, its value, and where it was bound.
    """

    name: str
    num_parameters: dict[str, int]
    shapes: dict[str, tuple[int, ...]]
    num_images: dict[str, int | None]
    batch_size: int
    parts: dict[str, float]
    precision: str
    resolved: list[Resolved]


def dry_run(configuration: Configuration[Experiment]) -> DryRunReport:
    """Build everything that a configuration names and take two steps of D and G on the CPU.

    The networks have the recipe's true width; only the batch is small.

    Args:
        configuration: of the recipe.

    Raises:
        UserError: parts that do not fit together.
        RunFailedError: a loss or a weight that is not finite after two steps.
    """
    experiment = configuration.experiment
    spec = experiment.dataset().spec()
    # First at the recipe's own batch size, so that an error is one of the recipe and not of the small batch.
    gan = build_gan(experiment, spec)
    check_metrics(experiment, spec, gan)
    small, state = _small_state(experiment, spec)
    parts = _take_steps(small, spec, state)
    return DryRunReport(
        name=configuration.name,
        num_parameters=_num_parameters(gan),
        shapes=_shapes(experiment, gan),
        num_images=dict(spec.num_images),
        batch_size=small.batch_size,
        parts=parts,
        precision=small.precision,
        resolved=configuration.resolved,
    )


def check_metrics(experiment: Experiment, spec: DataSpec, gan: Gan) -> None:
    """Refuse metrics that do not fit the data set or the networks, or have wrong settings; no weights are needed.

    Raises:
        UserError: something is missing, or a metric or an extractor refuses a setting.
    """
    for part in experiment.metrics:
        metric = fitting(part, spec=spec, num_classes=gan.num_classes, discriminator=gan.discriminator)
        for extractor in metric.extractors():
            extractor(device=torch.device("cpu"), discriminator=gan.discriminator)


def _small_state(experiment: Experiment, spec: DataSpec) -> tuple[Experiment, TrainState]:
    """Return the experiment and its state at the smallest batch from 8 on that every task accepts."""
    largest = experiment.batch_size
    precision = experiment.precision if has_fast_bfloat16() else "float32"
    for batch_size in [*range(min(SMALLEST_BATCH, largest), largest), largest]:
        small = replace(experiment, batch_size=batch_size, precision=precision)
        try:
            state = TrainState.create(small, spec, num_images=batch_size, device=torch.device("cpu"))
        except UserError:
            # A task may refuse a batch that it cannot share evenly; the recipe's own was accepted above.
            if batch_size == largest:
                raise
        else:
            return small, state
    raise AssertionError("the recipe's own batch size is always tried")


def _take_steps(experiment: Experiment, spec: DataSpec, state: TrainState) -> dict[str, float]:
    """Update D and G twice, and return the parts of the last step of each."""
    parts: dict[str, Tensor] = {}
    for _ in range(NUM_STEPS):
        real = noise_images(experiment, spec, state)
        d_output = state.update_d(real, state.next_latents(experiment.batch_size))
        g_output = state.update_g(real, state.next_latents(experiment.batch_size))
        parts = {**d_output.parts, **g_output.parts}
    if not state.is_finite():
        bad = [name for name, value in parts.items() if not bool(torch.isfinite(value))] or ["a weight"]
        raise RunFailedError(f"after {NUM_STEPS} steps on synthetic images {bad[0]} is NaN or infinite")
    return {name: float(value) for name, value in parts.items()}


def noise_images(experiment: Experiment, spec: DataSpec, state: TrainState) -> ImageBatch:
    """Return noise in [-1, 1], which stands for real images."""
    rng, num = state.streams["data"], experiment.batch_size
    images_NCHW = torch.rand(num, *spec.image_shape, generator=rng) * 2 - 1
    labels_N, conditioning = _labels(num, state.gan, rng), state.gan.conditioning
    if conditioning is not None and labels_N is not None:
        labels_N = conditioning.training_labels(labels_N, split=experiment.train_split)
    return ImageBatch(images_NCHW.contiguous(memory_format=torch.channels_last), labels_N)


def _labels(num: int, gan: Gan, rng: torch.Generator) -> Tensor | None:
    return torch.randint(gan.num_classes, (num,), generator=rng) if gan.num_classes else None


def _num_parameters(gan: Gan) -> dict[str, int]:
    """Return how many parameters are trained in each network and in the heads of each task."""
    counts = {"generator": _count(gan.generator), "discriminator": _count(gan.discriminator)}
    heads = {f"discriminator, heads of {name}": _count(task) for name, task in gan.tasks.items()}
    if not heads:
        return counts
    return {**counts, **heads, "discriminator with heads": sum(p.numel() for p in gan.d_parameters())}


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@torch.no_grad()
def _shapes(experiment: Experiment, gan: Gan) -> dict[str, tuple[int, ...]]:
    """Return the shapes on the way of two images through the untrained networks."""
    rng = torch.Generator().manual_seed(experiment.seed)
    labels_N = _labels(2, gan, rng)
    latents_NL = gan.generator.sample_latents(2, rng=rng)
    images_NCHW = gan.generator(Latents(latents_NL, labels_N))
    output = gan.discriminator(images_NCHW, labels_N, taps=tuple(gan.discriminator.tap_shapes))
    tensors = {
        "generator: latent": latents_NL,
        "generator: image": images_NCHW,
        "discriminator: logit": output.logits_N,
        "discriminator: features": output.features_NF,
        **{f"discriminator: tap {name}": tap for name, tap in output.taps.items()},
    }
    return {name: tuple(tensor.shape[1:]) for name, tensor in tensors.items()}
