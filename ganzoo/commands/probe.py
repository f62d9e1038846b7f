"""`ganzoo probe`: what the discriminators of runs know of classes that they were never told."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.commands.options import DataDir, Device, write_for_user
from ganzoo.terminal import print_table, say

if TYPE_CHECKING:
    from ganzoo.probe import ProbedNetwork


def probe(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of runs.", show_default=False)],
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
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Also write all as JSON.", show_default=False)
    ] = None,
    device: Device = "cpu",
    data_dir: DataDir = None,
) -> None:
    """Probe the discriminators of runs by logistic regression on their frozen features.

    The accuracy on test images, for the output of every residual block and for the pooled features, with its 95 %
    interval over probe seeds. Beside each run stands its own discriminator before training, and raw pixels; the
    recipes called `rotation_only` train the control that knows no adversary. metrics.linear_probe does the same during
    training.

    Examples:
      ganzoo probe runs/fashion_ssgan_resnet-seed0 --step 500 --step 3000
      ganzoo probe runs/fashion_ssgan_resnet-seed0 runs/fashion_rotation_only_resnet-seed0 --out probes.json
    """
    from ganzoo.run_folder import RunFolder

    folders = [RunFolder.existing(run) for run in runs]

    from ganzoo.environment import packages, select_device
    from ganzoo.metrics.linear_probe import linear_probe
    from ganzoo.probe import probe_runs, probes_to_json

    metric = linear_probe(num_train=num_train, num_probe_seeds=num_seeds, pool_size=pool_size)
    probes = probe_runs(
        folders, steps=step or (), metric=metric, device=select_device(device), data_dir=data_dir, say=say
    )
    say("")
    print_probes(probes)
    if out is not None:
        settings = {"num_train": num_train, "num_probe_seeds": num_seeds, "pool_size": pool_size}
        report = {"settings": settings, "packages": packages(), "probes": probes_to_json(probes)}
        write_for_user(out, json.dumps(report, indent=2) + "\n")
        say(f"accuracies: {out}")


def print_probes(probes: list["ProbedNetwork"]) -> None:
    """Print one row a network and one column a tap: mean accuracy and half the width of its interval."""
    from ganzoo.probe import PIXELS, interval

    taps = list(dict.fromkeys(tap for p in probes if p.network != PIXELS for tap in p.places))
    rows = []
    for p in probes:
        cells = {}
        for tap, found in p.places.items():
            limits = interval(found.accuracies)
            mean = sum(found.accuracies) / len(found.accuracies)
            cells[tap] = f"{mean:.3f}" + ("" if limits is None else f" ± {(limits[1] - limits[0]) / 2:.3f}")
        if p.network == PIXELS:
            rows.append(("raw pixels", "", cells[PIXELS], *("" for _ in taps[1:])))
        else:
            rows.append((p.run, p.network, *(cells.get(tap, "") for tap in taps)))
    num_seeds = len(next(iter(probes[0].places.values())).accuracies)
    spread = f", ± half the 95 % interval over {num_seeds} probe seeds" if num_seeds > 1 else ""
    print_table(("run", "discriminator", *taps), rows, title=f"accuracy on test images{spread}:")
