"""`ganzoo bench`: a grid of runs under conditions that are proven identical."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from ganzoo.commands.options import DataDir, Device, Plugins, seeds_of
from ganzoo.commands.terminal import complain, format_duration, print_table, say
from ganzoo.errors import UserError

if TYPE_CHECKING:
    from ganzoo.bench.run_grid import GridPlan
    from ganzoo.bench.runner import Outcome
    from ganzoo.commands.grid_display import GridDisplay

WORDS = {
    "finished": "finished",
    "failed": "failed",
    "ended": "over, to be recorded",
    "interrupted": "goes on from step {step:,}",
    "new": "new",
}
EXECUTORS = ("local", "slurm")


def bench(
    grid: Annotated[Path, typer.Argument(metavar="GRID", help="A grid file.", show_default=False)],
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", metavar="N", help="Runs at a time; default: as the CPUs allow, 1 on a GPU.", min=1),
    ] = None,
    threads: Annotated[int, typer.Option("--threads", metavar="N", help="CPU threads of each run.", min=1)] = 1,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ROW", help="One row only; may be repeated.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="0,1,2", help="Some of the grid's seeds.", show_default=False)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Prove the conditions and show the plan; no data needed.")
    ] = False,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Go on under other conditions than the records that are there.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Do runs again that are recorded as failed.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Run folders; default: runs/bench/GRID.", show_default=False),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="DIR", help="Records; default: benchmarks/results/GRID.", show_default=False),
    ] = None,
    plugin: Plugins = None,
    device: Device = "cpu",
    data_dir: DataDir = None,
    executor: Annotated[str, typer.Option("--executor", metavar="WHERE", help="local, or slurm.")] = "local",
    slurm: Annotated[
        list[str] | None,
        typer.Option(
            "--slurm", metavar="KEY=VALUE", help="An option of submitit; timeout_min, minutes of a run, is needed."
        ),
    ] = None,
) -> None:
    """Run what is missing of a grid: every row with every seed.

    First all rows are built and compared, and a difference outside a row's declared axes is refused. A finished run is
    not repeated, and a run that was cut off goes on. Each run leaves a small record for tables.

    Examples:
      ganzoo bench benchmarks/quick.gin
      ganzoo bench benchmarks/fashion.gin --dry-run
      ganzoo bench benchmarks/fashion.gin --jobs 2 --threads 1 --only ssgan --seeds 0,1
      ganzoo bench benchmarks/cifar10.gin --executor slurm --device cuda --slurm timeout_min=1440
    """
    chosen = None if seeds is None else seeds_of(seeds)
    if executor not in EXECUTORS:
        raise UserError(f"no executor '{executor}'; there are {' and '.join(EXECUTORS)}")
    options = _slurm_options(slurm or ())
    if options and executor != "slurm":
        raise UserError("--slurm goes with --executor slurm")

    from ganzoo.bench.run_grid import run_grid

    outcome = run_grid(
        grid,
        jobs=jobs,
        threads=threads,
        only=only or (),
        seeds=chosen,
        dry_run=dry_run,
        allow_mixed=allow_mixed,
        retry_failed=retry_failed,
        out=out,
        results=results,
        plugins=plugin or (),
        device=device,
        data_dir=data_dir,
        executor=cast(Literal["local", "slurm"], executor),
        slurm=options,
        display=_show_plan,
    )
    if not dry_run:
        _print_outcome(outcome)
    if outcome.failed or outcome.broken:
        raise typer.Exit(1)


def _slurm_options(given: Sequence[str]) -> dict[str, str | int]:
    options: dict[str, str | int] = {}
    for text in given:
        key, is_there, value = text.partition("=")
        if not is_there:
            raise UserError(f"--slurm takes KEY=VALUE, such as slurm_partition=gpu, not '{text}'")
        options[key] = int(value) if value.isdigit() else value
    return options


def _show_plan(plan: "GridPlan") -> "GridDisplay":
    """Print every run with its state, how long what is missing will take, and the proof."""
    from ganzoo.bench.plan import seconds_left
    from ganzoo.commands.grid_display import GridDisplay

    rows = []
    for run in plan.runs:
        known = plan.estimates.get(run.built.row.name) if run in plan.todo else None
        left = format_duration(known.seconds * (1 - run.step / run.num_steps)) if known else ""
        source = f"by {'earlier ' if known.source == 'records' else 'a '}{known.source}" if known else ""
        rows.append((run.built.row.label, str(run.seed), WORDS[run.state].format(step=run.step), left, source))
    title = f"{plan.grid.title} ({plan.grid.name})"
    print_table(("row", "seed", "state", "training", "estimated"), rows, title=title)
    num_jobs, num_threads = plan.settings.num_jobs, plan.settings.num_threads
    seconds = seconds_left(plan.todo, plan.estimates, num_jobs=num_jobs)
    whole = "how long is not known yet" if seconds is None else f"about {format_duration(seconds)}, evaluations apart"
    num_todo = f"{len(plan.todo)} of {len(plan.runs)} runs to do"
    say(f"{num_todo}, {num_jobs} at a time, CPU threads of each: {num_threads}; {whole}")
    for line in [f"records: {plan.settings.results}", *plan.proof.lines()]:
        say(line)
    if plan.problem:
        complain(plan.problem)
    return GridDisplay(plan.todo, plan.estimates, num_jobs=num_jobs)


def _print_outcome(outcome: "Outcome") -> None:
    say("")
    say(f"{len(outcome.finished)} runs finished, {len(outcome.failed)} failed")
    for name, reason in outcome.broken.items():
        say(f"  {name} is not done: {reason}")
    for mismatch in outcome.mismatches:
        say(f"  warning: not identical: {mismatch}")
