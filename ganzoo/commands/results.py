"""`ganzoo sample` and `ganzoo diff`, and how commands open a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.commands.options import Device, Run, Step, writing
from ganzoo.commands.terminal import say
from ganzoo.errors import UserError

if TYPE_CHECKING:
    import torch

    from ganzoo.config.experiment import Experiment
    from ganzoo.gan.model import Gan
    from ganzoo.runs.folder import RunFolder


@dataclass(frozen=True)
class OpenRun:
    """A run with its networks loaded: its folder, networks, description, the step of the networks, their device."""

    folder: "RunFolder"
    gan: "Gan"
    experiment: "Experiment"
    step: int
    device: "torch.device"


def open_run(run: Path, *, step: int | None, device: str) -> "OpenRun":
    """Load a run's networks onto a device, and use as many threads as it was trained with."""
    from ganzoo.runs.folder import RunFolder

    folder = RunFolder.existing(run)

    import torch

    from ganzoo.runs.environment import select_device
    from ganzoo.training.checkpoint import load_gan

    torch_device = select_device(device)
    plugins = sorted(folder.plugins_path.glob("*.py"))
    gan, configuration, found = load_gan(folder, step=step, plugins=plugins)
    torch.set_num_threads(configuration.experiment.num_threads or torch.get_num_threads())
    return OpenRun(folder, gan.to(torch_device), configuration.experiment, found, torch_device)


def sample(
    run: Run,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The PNG to write.")],
    num: Annotated[int, typer.Option("--num", metavar="N", help="How many images.", min=1)] = 64,
    label: Annotated[
        int | None, typer.Option("--class", metavar="K", help="Only images of this class, from 0 on.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the latents.", min=0)] = 0,
    step: Step = None,
    device: Device = "cpu",
) -> None:
    """Draw images from a run's generator into a PNG.

    Examples:
      ganzoo sample runs/quickstart-seed0 --num 64 --out grid.png
      ganzoo sample runs/cond_resnet-seed0 --class 3 --seed 7 --out class3.png
    """
    if out.suffix and out.suffix.lower() != ".png":
        raise UserError(f"--out {out}: a PNG is written, not a '{out.suffix}'; write --out {out.with_suffix('.png')}")
    opened = open_run(run, step=step, device=device)

    import torch

    from ganzoo.diagnostics.plots import save_grid
    from ganzoo.evaluation.sampling import sample_images

    gan = opened.gan
    if label is not None and not gan.num_classes:
        raise UserError(f"'{run}' is an unconditional GAN and knows no classes; leave out --class")
    if label is not None and not 0 <= label < gan.num_classes:
        raise UserError(f"no class {label}; '{run}' has the classes 0 to {gan.num_classes - 1}")
    images_NCHW, _ = sample_images(
        gan.sampler,
        num,
        num_classes=gan.num_classes,
        labels=torch.full((num,), label) if label is not None else None,
        seed=seed,
        stream="sample command",
        device=opened.device,
    )
    with writing(out):
        save_grid(images_NCHW, out)
    say(f"{num} images of step {opened.step}: {out}")


def diff(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="The folder of a run.")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="The folder of another.")],
) -> None:
    """Compare two runs bit for bit.

    If weights, metrics.jsonl and operative configuration are equal, it prints "identical" and exits with 0. Otherwise
    it prints what differs from which step on, and exits with 1.

    Example:
      ganzoo diff runs/quickstart-seed0 runs/again
    """
    from ganzoo.training.compare_runs import compare_runs

    found = compare_runs(run_a, run_b)
    for line in found:
        say(line)
    if found:
        raise typer.Exit(1)
    say("identical")
