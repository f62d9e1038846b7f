"""`ganzoo sample`, `ganzoo eval` and `ganzoo diff`: what is done with a run folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.commands.options import DataDir, Device, Run, Step
from ganzoo.errors import UserError
from ganzoo.terminal import print_table, say

if TYPE_CHECKING:
    import torch

    from ganzoo.experiment import Experiment
    from ganzoo.gan import Gan
    from ganzoo.run_folder import Json, RunFolder


@dataclass(frozen=True)
class OpenRun:
    """A run whose networks are back: its folder, networks, description, the step they are of, and where they live."""

    folder: "RunFolder"
    gan: "Gan"
    experiment: "Experiment"
    step: int
    device: "torch.device"


def print_measurements(measurements: "Json", *, title: str) -> None:
    """Print the measurements of a result as a table."""
    rows = []
    for m in measurements if isinstance(measurements, list) else ():
        assert isinstance(m, dict)
        value, error = m["value"], m["standard_error"]
        assert isinstance(value, int | float)
        spread = f"± {error:.3g}" if isinstance(error, int | float) else ""
        rows.append((str(m["name"]), f"{value:.5g}", spread, "higher" if m["higher_is_better"] else "lower"))
    if rows:
        print_table(("metric", "value", "standard error", "better"), rows, title=title)
    else:
        say(f"{title}: no metrics are configured")


def open_run(run: Path, *, step: int | None, device: str) -> "OpenRun":
    """Bring a run's networks back on a device, with as many threads as it was trained with."""
    from ganzoo.run_folder import RunFolder

    folder = RunFolder.existing(run)

    import torch

    from ganzoo.checkpoint import load_gan
    from ganzoo.environment import select_device

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
    opened = open_run(run, step=step, device=device)

    import torch

    from ganzoo.plots import save_grid
    from ganzoo.sampling import sample_images

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
    try:
        save_grid(images_NCHW, out)
    except OSError as error:
        raise UserError(f"cannot write '{out}' ({error}); choose another --out") from error
    say(f"{num} images of step {opened.step}: {out}")


def evaluate_run(run: Run, step: Step = None, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Measure a run's generator again.

    The metrics are those of its configuration; nothing in the run folder changes.

    Examples:
      ganzoo eval runs/quickstart-seed0
      ganzoo eval runs/quickstart-seed0 --step 500
    """
    opened = open_run(run, step=step, device=device)

    from ganzoo.evaluate import Evaluation, check_available, evaluate, measurements_to_json

    experiment = opened.experiment
    dataset = experiment.dataset(data_dir=data_dir)
    check_available(experiment.metrics, opened.device, spec=dataset.spec())
    data_sha256 = opened.folder.environment()["data_sha256"]
    assert isinstance(data_sha256, dict)
    inputs = Evaluation(
        opened.gan.sampler,
        dataset,
        num_classes=opened.gan.num_classes,
        device=opened.device,
        seed=experiment.seed,
        uses_ema=opened.gan.ema is not None,
        data_sha256={split: str(digest) for split, digest in data_sha256.items()},
        say=say,
    )
    measurements = measurements_to_json(evaluate(experiment.metrics, inputs))
    print_measurements(measurements, title=f"{run.name}, step {opened.step}")


def diff(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="The folder of a run.")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="The folder of another.")],
) -> None:
    """Compare two runs bit for bit.

    Prints "identical" if weights, metrics.jsonl and operative configuration are, and exits with 0; otherwise says what
    differs, from which step on, and exits with 1.

    Example:
      ganzoo diff runs/quickstart-seed0 runs/again
    """
    from ganzoo.diff import differences

    found = differences(run_a, run_b)
    for line in found:
        say(line)
    if found:
        raise typer.Exit(1)
    say("identical")
