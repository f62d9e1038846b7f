"""`ganzoo probe`: what the discriminators of runs know of classes that they were never told."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.commands.options import DataDir, Device, write_for_user
from ganzoo.commands.terminal import print_table, say
from ganzoo.errors import UserError

if TYPE_CHECKING:
    from ganzoo.training.probe_runs import ProbedNetwork


def probe(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of runs.")],
    step: Annotated[
        list[int] | None,
        typer.Option("--step", metavar="N", help="A checkpoint to probe; may be repeated. Default: the newest."),
    ] = None,
    num_train: Annotated[
        int, typer.Option("--num-train", metavar="N", help="Training images of each probe seed.", min=10)
    ] = 10_000,
    num_seeds: Annotated[int, typer.Option("--num-seeds", metavar="N", help="Probe seeds.", min=1)] = 3,
    pool_size: Annotated[
        int,
        typer.Option("--pool-size", metavar="N", help="Fields, N x N, that a block's output is averaged to.", min=1),
    ] = 1,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Also write all as JSON.")] = None,
    device: Device = "cpu",
    data_dir: DataDir = None,
) -> None:
    """Probe what the discriminators of runs know of classes.

    By logistic regression on frozen features: the accuracy on test images, for the output of every residual block and
    for the pooled features, with its 95 % interval over probe seeds. For comparison each run is shown with its own
    discriminator before training, and with raw pixels; the recipes called `rotation_only` train a control without an
    adversary. metrics.linear_probe does the same during training.

    Examples:
      ganzoo probe runs/fashion_ssgan_resnet-seed0 --step 2500 --step 3000
      ganzoo probe runs/fashion_ssgan_resnet-seed0 runs/fashion_rotation_only_resnet-seed0 --out probes.json
    """
    from ganzoo.runs.folder import RunFolder

    folders = [RunFolder.existing(run) for run in runs]

    from ganzoo.metrics.linear_probe import linear_probe
    from ganzoo.runs.environment import packages, select_device
    from ganzoo.training.probe_runs import probe_runs, probes_to_json

    metric = linear_probe(num_train=num_train, num_probe_seeds=num_seeds, pool_size=pool_size)
    try:
        probes = probe_runs(
            folders, steps=step or (), metric=metric, device=select_device(device), data_dir=data_dir, say=say
        )
    except UserError as error:
        # The message names a parameter of the metric, which is an option here.
        raise UserError(str(error).replace("metrics.linear_probe.num_train", "--num-train")) from error
    say("")
    print_probes(probes)
    if out is not None:
        settings = {"num_train": num_train, "num_probe_seeds": num_seeds, "pool_size": pool_size}
        report = {"settings": settings, "packages": packages(), "probes": probes_to_json(probes)}
        write_for_user(out, json.dumps(report, indent=2) + "\n")
        say(f"accuracies: {out}")


def print_probes(probes: list["ProbedNetwork"]) -> None:
    """Print raw pixels, then one row a network and one column a tap: mean accuracy and half the interval's width."""
    from ganzoo.training.probe_runs import PIXELS

    num_seeds = len(next(iter(probes[0].places.values())).accuracies)
    spread = f", ± half the 95 % interval over {num_seeds} probe seeds" if num_seeds > 1 else ""
    say(f"accuracy on test images{spread}:")
    # Pixels are not the output of a network, so they do not fit into a column of the table.
    for p in probes:
        if p.network == PIXELS:
            print_table(("", ""), [("raw pixels", _accuracy_text(p.places[PIXELS].accuracies))])
            say("")
    networks = [p for p in probes if p.network != PIXELS]
    taps = list(dict.fromkeys(tap for p in networks for tap in p.places))
    rows = []
    for p in networks:
        cells = {tap: _accuracy_text(found.accuracies) for tap, found in p.places.items()}
        rows.append((p.run, p.network, *(cells.get(tap, "") for tap in taps)))
    print_table(("run", "discriminator", *taps), rows)


def _accuracy_text(accuracies: Sequence[float]) -> str:
    from ganzoo.training.probe_runs import interval

    limits, mean = interval(accuracies), sum(accuracies) / len(accuracies)
    return f"{mean:.3f}" + ("" if limits is None else f" ± {(limits[1] - limits[0]) / 2:.3f}")
