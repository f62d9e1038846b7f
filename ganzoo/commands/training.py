"""`ganzoo run` and `ganzoo check`: train a recipe, or try it out."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.commands.options import DataDir, Device, Fresh, Plugins, Recipe, Settings, Threads
from ganzoo.commands.terminal import Progress, is_terminal, print_table, say
from ganzoo.config.recipe_files import recipes_dir, shown

if TYPE_CHECKING:
    from ganzoo.config.load import Resolved
    from ganzoo.training.dry_run import DryRunReport
    from ganzoo.training.trainer import RunResult


def run(
    recipe: Recipe,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The run folder; default: runs/RECIPE-seedN.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Sets experiment.seed.")] = None,
    settings: Settings = None,
    plugin: Plugins = None,
    device: Device = "cpu",
    data_dir: DataDir = None,
    threads: Threads = None,
    fresh: Fresh = False,
) -> None:
    """Train a recipe and measure the result.

    The run folder holds all files of the run. If a run was stopped, the same command goes on from its last checkpoint;
    a folder with a run of another configuration is refused.

    Examples:
      ganzoo run quickstart
      ganzoo run ssgan_resnet --seed 1 --data-dir ~/data
      ganzoo run gin/quickstart.gin --set 'experiment.num_steps = 200' --out runs/short
      ganzoo run runs/short/operative.gin --out runs/again
    """
    from ganzoo.config.load import load

    options = {} if threads is None else {f"--threads {threads}": f"experiment.num_threads = {threads}"}
    options |= {} if seed is None else {f"--seed {seed}": f"experiment.seed = {seed}"}
    configuration = load(recipe, overrides=settings or [], options=options, plugins=plugin or [])
    folder = out or Path("runs") / f"{configuration.name}-seed{configuration.experiment.seed}"

    from ganzoo.training import trainer

    with contextlib.closing(Progress()) as progress:
        try:
            result = trainer.train(
                configuration, out=folder, device=device, data_dir=data_dir, fresh=fresh, monitor=progress
            )
        except Exception as error:
            # Shown if the error is unexpected; what the user did wrong has a message of its own.
            error.add_note(f"The run folder is '{folder}'.")
            raise
    show_result(result)
    if result.result["status"] != "finished":
        raise typer.Exit(1)


def show_result(result: "RunResult") -> None:
    """Print the metrics of a run that ended, its flags, and where its files are."""
    import msgspec

    from ganzoo.commands.evaluation import print_measurements
    from ganzoo.diagnostics.flag import flags_of
    from ganzoo.metrics.base import Measurement

    folder, values = result.folder, result.result
    if result.was_finished:
        state = "finished" if values["status"] == "finished" else f"ended as failed ({values.get('reason')})"
        say(f"'{folder.path}' had {state} before; nothing was done. --fresh starts it anew.")
    say("")
    measured = msgspec.convert(values.get("metrics", []), list[Measurement])
    # Of a failed run, or if every metric failed, the warnings below say why there are none.
    if measured or (values["status"] == "finished" and not values.get("metric_failures")):
        print_measurements(measured, title=f"{values.get('name', folder.path.name)}, step {values['step']}")
    for flag in flags_of(values, where=folder.result_path):
        say(f"  warning: {flag.text}")
    say("")
    places = [("samples", values.get("samples")), ("curves", values.get("curves")), ("run folder", ".")]
    print_table(("", ""), [(what, str(folder.path / str(place))) for what, place in places if place is not None])


def check(recipe: Recipe, settings: Settings = None, plugin: Plugins = None) -> None:
    """Build a recipe and take two steps on synthetic images.

    It takes seconds and needs neither the data set nor the weights of metrics. It shows how many parameters every
    network has at the recipe's true width, the shapes of inputs and outputs, and the value of every parameter of the
    recipe.

    Examples:
      ganzoo check ssgan_resnet
      ganzoo check my.gin --plugin jigsaw.py --set 'experiment.batch_size = 32'
    """
    from ganzoo.config.load import load

    configuration = load(recipe, overrides=settings or [], plugins=plugin or [])

    from ganzoo.training.dry_run import dry_run

    show_dry_run(dry_run(configuration), precision=configuration.experiment.precision)


def show_dry_run(report: "DryRunReport", *, precision: str) -> None:
    """Print the networks, the parameters and the last step of a dry run."""
    print_table(("parameters", ""), [(name, f"{num:,}") for name, num in report.num_parameters.items()])
    say("")
    sizes = [(s, "as many as its files hold" if num is None else f"{num:,}") for s, num in report.num_images.items()]
    print_table(("split", "images"), sizes)
    say("")
    print_table(("shape", ""), [(name, _shape(shape)) for name, shape in report.shapes.items()])
    say("")
    _show_parameters(report.resolved)
    print_table(("after two steps", ""), [(name, f"{value:.4g}") for name, value in report.parts.items()])
    say("")
    changed = report.precision != precision
    emulated = f" in {report.precision}, since this CPU has no fast {precision}" if changed else ""
    say(f"{report.name} is sound: two steps at batch {report.batch_size} on synthetic images{emulated}")


def _show_parameters(resolved: Sequence["Resolved"]) -> None:
    """Print every parameter, its value and where it was bound: in a pipe one table, on a terminal one per component."""
    packaged = f"{shown(recipes_dir())}/"
    tables: dict[str, list[tuple[str, str, str]]] = {}
    for key, value, where in resolved:
        # A whole name, a value and a place together are wider than most terminals.
        section, _, name = key.rpartition(".") if is_terminal() else ("", "", key)
        tables.setdefault(section, []).append((name, value, where.removeprefix(packaged)))
    for section, rows in tables.items():
        print_table(("parameter", "value", "bound at"), rows, title=section)
        say("")


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "scalar"
