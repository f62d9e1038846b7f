"""`ganzoo forgetting`: how much a discriminator forgets when its task changes."""

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.commands.options import DataDir, Device, Fresh, Plugins, Settings, Threads, seeds_of
from ganzoo.commands.terminal import Progress, print_table, say

if TYPE_CHECKING:
    from ganzoo.forgetting.study import Study
    from ganzoo.forgetting.summary import Difference, Spread


def forgetting(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="Path of a gin file, or a packaged one: fashion_mnist, cifar10.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The folder; default: runs/forgetting-RECIPE.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="N,N,N", help="Sets forgetting.seeds; at least three.")
    ] = None,
    settings: Settings = None,
    plugin: Plugins = None,
    device: Device = "cpu",
    data_dir: DataDir = None,
    threads: Threads = None,
    fresh: Fresh = False,
) -> None:
    """Measure how much a discriminator forgets.

    It learns to tell one class from all others, and the class switches; once alone, and once with each remedy. When it
    is given again, the same command does only the runs that are missing. A folder of another configuration is refused.

    Examples:
      ganzoo forgetting fashion_mnist
      ganzoo forgetting cifar10 --device cuda --seeds 0,1,2,3,4
      ganzoo forgetting fashion_mnist --set 'forgetting.remedies = []' --out runs/rotation-alone
    """
    from ganzoo.config.load import load
    from ganzoo.forgetting.experiment import ForgettingExperiment

    options = {} if seeds is None else {f"--seeds {seeds}": f"forgetting.seeds = {seeds_of(seeds)}"}
    options |= {} if threads is None else {f"--threads {threads}": f"forgetting.num_threads = {threads}"}
    configuration = load(recipe, ForgettingExperiment, overrides=settings or [], options=options, plugins=plugin or [])
    folder = out or Path("runs") / f"forgetting-{configuration.name}"

    from ganzoo.forgetting.study import run_study

    command = shlex.join(["ganzoo", *sys.argv[1:]])
    with contextlib.closing(Progress()) as progress:
        study = run_study(
            configuration, out=folder, device=device, data_dir=data_dir, fresh=fresh, command=command, monitor=progress
        )
    show_study(study)


def show_study(study: "Study") -> None:
    """Print the summary and the paths of the files."""
    whole = [
        (row.arm, _shown(row.mean), f"{row.lowest.mean:.3f}", f"{row.peak.mean:.3f}", _difference(row.above_alone))
        for row in study.summary
    ]
    switches = [
        (row.arm, f"{cycle + 1}", _shown(row.at_switch[cycle]), _shown(row.after_switch[cycle]))
        for row in study.summary
        for cycle in range(len(row.at_switch))
    ]
    say("")
    print_table(
        ("arm", "mean", "lowest", "peak", "mean above alone (95 % interval)"),
        whole,
        title="test accuracy over all updates, mean over seeds (lowest to highest seed):",
    )
    say("")
    print_table(
        ("arm", "cycle", "at a switch", f"{study.eval_every} updates later"),
        switches,
        title="test accuracy on the new class, mean over the switches of a cycle:",
    )
    say("")
    say("at a switch nothing was learned about the new class, and a perfect classifier of the old one is below 1/2")
    say("")
    print_table(("", ""), [("picture", str(study.picture_path)), ("result", str(study.result_path))])


def _shown(spread: "Spread") -> str:
    return f"{spread.mean:.3f} ({spread.lowest:.3f} to {spread.highest:.3f})"


def _difference(difference: "Difference | None") -> str:
    return "" if difference is None else f"{difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
