"""Time ganzoo's discriminator and generator update against a textbook's, alternating in one process.

    python benchmarks/throughput.py                         # the SNGAN-size SSGAN: 32 px, width 256 / 128, batch 64
    python benchmarks/throughput.py --size 16 --width 64    # the small one of the Fashion-MNIST recipes

The textbook trains the same networks (same parameters, spectral norm, rotation task) as most repositories do: three
forward passes of D for real, fake and rotated images, all four rotations anew, upsampling and pooling apart from their
convolutions, D not frozen in G's step, G's graph built in D's step and thrown away, contiguous NCHW, float32.
Peak memory is that of a fresh process that makes the same two updates.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from unittest import mock

import torch
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from ganzoo import registry
from ganzoo.batch import ImageBatch, Latents
from ganzoo.config.experiment import Experiment
from ganzoo.data.base import DataSpec
from ganzoo.gan.build import build_gan, build_objective
from ganzoo.gan.model import Gan
from ganzoo.gan.steps import d_step, g_step
from ganzoo.hardware import peak_memory_bytes
from ganzoo.layers import residual
from ganzoo.layers.spectral_norm import advance_spectral_norm
from ganzoo.randomness import Streams
from ganzoo.training.train_state import update

KERNELS = ("conv", "addmm", "aten::mm", "bmm", "matmul")  # parts of the names of convolution and matrix operators


def make_experiment(size: int, width: int, batch_size: int) -> tuple[Experiment, DataSpec]:
    """Return the SSGAN of one size: hinge, spectral norm, rotation, one D update per G update."""
    part = registry.part
    g_width, d_width = (2 * width, width) if size == 32 else (width, width)
    experiment = Experiment(
        dataset=part("data.synthetic", size=size),
        generator=part("architectures.resnet_generator", width=g_width, normalization=part("normalizations.batch")),
        discriminator=part(
            "architectures.resnet_discriminator", width=d_width, normalization=part("normalizations.none")
        ),
        loss=part("losses.hinge"),
        pretext=(part("pretext.rotation"),),
        g_optimizer=part("optim.adam"),
        d_optimizer=part("optim.adam"),
        num_steps=1000,
        batch_size=batch_size,
    )
    return experiment, DataSpec((3, size, size), 0, {"train": None})


class GanzooStep:
    """One D and one G update as ganzoo makes them."""

    def __init__(self, experiment: Experiment, spec: DataSpec, precision: str) -> None:
        self.gan: Gan = build_gan(experiment, spec).to(memory_format=torch.channels_last)
        self.objective = build_objective(experiment, self.gan.discriminator)
        self.rng = Streams(0)
        self.autocast = precision == "bfloat16"
        self.g_optimizer = experiment.g_optimizer(num_steps=1000).optimizer(self.gan.generator.parameters())
        self.d_optimizer = experiment.d_optimizer(num_steps=1000).optimizer(self.gan.d_parameters())
        self.real = ImageBatch(
            torch.rand(experiment.batch_size, *spec.image_shape).mul(2).sub(1).to(memory_format=torch.channels_last)
        )

    def latents(self) -> Latents:
        return Latents(torch.randn(len(self.real), 128, generator=self.rng["latents"]))

    def __call__(self) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            output = d_step(self.gan, self.objective, self.real, self.latents(), step=0, rng=self.rng)
        update(self.d_optimizer, output.loss)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            output = g_step(self.gan, self.objective, self.real, self.latents(), step=0, rng=self.rng)
        update(self.g_optimizer, output.loss)


class TextbookStep:
    """The same two updates as a textbook writes them."""

    def __init__(self, experiment: Experiment, spec: DataSpec) -> None:
        self.gan: Gan = build_gan(experiment, spec)
        self.task = self.gan.tasks["rotation"]
        self.g_optimizer = torch.optim.Adam(self.gan.generator.parameters(), 2e-4, (0.0, 0.9))
        self.d_optimizer = torch.optim.Adam(self.gan.d_parameters(), 2e-4, (0.0, 0.9))
        self.real = torch.rand(experiment.batch_size, *spec.image_shape).mul(2).sub(1)

    def rotation_loss(self, images: torch.Tensor) -> torch.Tensor:
        share = images[-len(images) // 4 :]
        turned = torch.cat([torch.rot90(share, k, (2, 3)) for k in range(4)])
        labels = torch.arange(4).repeat_interleave(len(share))
        return functional.cross_entropy(self.task.head(self.gan.discriminator(turned).features_NF), labels)

    def fake(self) -> torch.Tensor:
        return self.gan.generator(Latents(torch.randn(len(self.real), 128)))

    def __call__(self) -> None:
        with textbook_resampling():
            advance_spectral_norm(self.gan)
            fake = self.fake()
            real_logits = self.gan.discriminator(self.real).logits_N
            fake_logits = self.gan.discriminator(fake.detach()).logits_N
            loss = functional.relu(1 - real_logits).mean() + functional.relu(1 + fake_logits).mean()
            update(self.d_optimizer, loss + self.rotation_loss(self.real))
            fake = self.fake()
            update(self.g_optimizer, -self.gan.discriminator(fake).logits_N.mean() + 0.2 * self.rotation_loss(fake))


@contextlib.contextmanager
def textbook_resampling() -> Iterator[None]:
    """Upsample before, and pool after, a plain 3x3 convolution in the body."""
    with (
        mock.patch.object(residual, "upsample_conv2d", lambda x, conv: conv(functional.interpolate(x, scale_factor=2))),
        mock.patch.object(residual, "conv2d_downsample", lambda x, conv: functional.avg_pool2d(conv(x), 2)),
    ):
        yield


def seconds(step: Callable[[], None]) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def share_in_kernels(step: Callable[[], None]) -> float:
    """Return the share of a call's CPU time that convolution and matrix operators take."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        step()
    events = profiled.key_averages()
    total = sum(e.self_cpu_time_total for e in events)
    return sum(e.self_cpu_time_total for e in events if any(k in e.key for k in KERNELS)) / total


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=32, help="image height and width, px")
    parser.add_argument("--width", type=int, default=128, help="channels of D (G has twice as many at 32 px)")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds, after one that is not")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--bfloat16", action="store_true", help="time ganzoo's step under bfloat16 autocast, too")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    makers: dict[str, Callable[[], Callable[[], None]]] = {
        "textbook": lambda: TextbookStep(*make_experiment(arguments.size, arguments.width, arguments.batch_size)),
        "float32": lambda: GanzooStep(
            *make_experiment(arguments.size, arguments.width, arguments.batch_size), "float32"
        ),
        "bfloat16": lambda: GanzooStep(
            *make_experiment(arguments.size, arguments.width, arguments.batch_size), "bfloat16"
        ),
    }
    if not arguments.bfloat16:
        del makers["bfloat16"]
    if arguments.only:
        step = makers[arguments.only]()
        step()
        print(peak_memory_bytes())
        return

    steps = {name: make() for name, make in makers.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for round_number in range(arguments.rounds + 1):
        for name, step in steps.items():
            elapsed = seconds(step)
            if round_number:
                times[name].append(elapsed)
    report = {}
    for name, step in steps.items():
        ratios = [t / own for t, own in zip(times["textbook"], times[name], strict=True)]
        command = [sys.executable, *sys.argv, "--only", name]
        memory = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        report[name] = {
            "seconds_median": round(statistics.median(times[name]), 4),
            "ratio_median": round(statistics.median(ratios), 2),
            "ratio_min_max": [round(min(ratios), 2), round(max(ratios), 2)],
            "peak_memory_mib": round(memory / 2**20),
            "share_in_kernels": round(share_in_kernels(step), 3),
        }
    machine = {"cpu_capability": torch.backends.cpu.get_cpu_capability(), "torch": torch.__version__}
    settings = {key: value for key, value in vars(arguments).items() if key != "only"}
    print(json.dumps({"settings": settings, "machine": machine, **report}, indent=2))


if __name__ == "__main__":
    main()
