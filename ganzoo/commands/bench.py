"""`ganzoo bench`: a grid of runs under conditions that are proven identical."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ganzoo.commands.options import DataDir, Device, Plugins, seeds_of
from ganzoo.commands.terminal import complain, format_duration, print_table, say
from ganzoo.errors import UserError

if TYPE_CHECKING:
    from ganzoo.bench.executor import Executor
    from ganzoo.bench.grid import Grid
    from ganzoo.bench.plan import Estimate, PlannedRun
    from ganzoo.bench.runner import Outcome
    from ganzoo.runs.folder import Json

WORDS = {
    "finished": "finished",
    "failed": "failed",
    "ended": "over, to be recorded",
    "interrupted": "goes on from step {step:,}",
    "new": "new",
}


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

    First all rows are built and compared, and a difference outside a row's declared axes is refused. Runs that are
    finished are not repeated, and what was cut off goes on. Each run leaves a small record for tables.

    Examples:
      ganzoo bench benchmarks/quick.gin
      ganzoo bench benchmarks/fashion.gin --dry-run
      ganzoo bench benchmarks/fashion.gin --jobs 2 --threads 1 --only ssgan --seeds 0,1
      ganzoo bench benchmarks/cifar10.gin --executor slurm --device cuda --slurm timeout_min=1440
    """
    from ganzoo.bench.grid import read_grid

    description = read_grid(grid)
    chosen = None if seeds is None else seeds_of(seeds)
    where = _where(executor)
    options = _slurm_options(where, slurm or (), device)
    for path in plugin or ():
        if not path.is_file():
            raise UserError(f"no plugin file '{path}'; --plugin takes the path of a Python file")

    from ganzoo.bench.continuation import continuation_problem
    from ganzoo.bench.plan import estimate, plan_runs
    from ganzoo.bench.proof import check_records, prove
    from ganzoo.bench.record import read_records
    from ganzoo.bench.results import PROOF, write_proof
    from ganzoo.bench.rows import build_rows
    from ganzoo.bench.runner import Runner, Settings
    from ganzoo.commands.grid_display import GridDisplay
    from ganzoo.runs.environment import machine, packages, select_device

    # Elsewhere, and of a device that need not be here, only the versions are known.
    here: dict[str, Json] = {"packages": packages()}
    if not dry_run and where == "local":
        here = machine(select_device(device))
    settings = Settings(
        out=out or Path("runs/bench") / description.name,
        results=results or Path("benchmarks/results") / description.name,
        num_jobs=jobs or _default_jobs(device, threads),
        num_threads=threads,
        device=device,
        data_dir=data_dir,
        plugins=tuple(plugin or ()),
        retry_failed=retry_failed,
    )
    # Before anything is built: what it lacks is known at once.
    runs_on = None if dry_run else _executor(where, settings.out / "slurm", options)
    built = build_rows(description, plugins=settings.plugins, num_threads=threads)
    proof = prove(description, built)
    runs = plan_runs(description, built, only=only or (), seeds=chosen, out=settings.out, results=settings.results)
    todo = [run for run in runs if run.state in _states_to_do(retry_failed=retry_failed)]
    again = {run.name for run in todo}
    records = [r for r in read_records(settings.results) if r.row in built and r.name not in again]
    problem = ""
    if todo and not allow_mixed:
        problem = continuation_problem(records, built, machine=here, num_threads=threads, where=str(settings.results))
    if problem and not dry_run:
        raise UserError(problem)
    estimates = estimate(todo, read_records(settings.results), device=device, num_threads=threads)
    _print_plan(description, runs, todo, estimates, num_jobs=settings.num_jobs, num_threads=threads)
    for line in proof.lines():
        say(line)
    if runs_on is None:
        if problem:
            complain(problem)
        return

    if todo or not (settings.results / PROOF).exists():
        # Otherwise nothing is run, and the proof that is there is the one the records were made under.
        write_proof(settings.results, description, proof)
    display = GridDisplay(todo, estimates, num_jobs=settings.num_jobs)
    outcome = Runner(description, settings, runs_on, display).run(runs)
    _print_outcome(outcome, settings.results)
    for mismatch in check_records(read_records(settings.results), proof):
        say(f"  warning: not identical: {mismatch}")
    if outcome.failed or outcome.broken:
        raise typer.Exit(1)


def _states_to_do(*, retry_failed: bool) -> tuple[str, ...]:
    return ("new", "interrupted", "failed") if retry_failed else ("new", "interrupted")


def _where(name: str) -> Literal["local", "slurm"]:
    if name == "local":
        return "local"
    if name == "slurm":
        return "slurm"
    raise UserError(f"no executor '{name}'; there are local and slurm")


def _default_jobs(device: str, num_threads: int) -> int:
    from ganzoo.hardware import num_cpus

    return max(1, num_cpus() // num_threads) if device == "cpu" else 1


def _slurm_options(where: Literal["local", "slurm"], given: Sequence[str], device: str) -> dict[str, str | int]:
    from ganzoo.bench.executor import check_slurm_options

    if where == "local":
        if given:
            raise UserError("--slurm goes with --executor slurm")
        return {}
    options: dict[str, str | int] = {}
    for text in given:
        key, is_there, value = text.partition("=")
        if not is_there:
            raise UserError(f"--slurm takes KEY=VALUE, such as slurm_partition=gpu, not '{text}'")
        options[key] = int(value) if value.isdigit() else value
    check_slurm_options(options)
    # Slurm gives no GPU to a job that does not ask for one.
    if device.startswith("cuda") and not any("gpu" in key or "gres" in key for key in options):
        options["gpus_per_node"] = 1
    return options


def _executor(where: Literal["local", "slurm"], folder: Path, options: Mapping[str, str | int]) -> "Executor":
    from ganzoo.bench.executor import LocalExecutor, SubmititExecutor

    return LocalExecutor() if where == "local" else SubmititExecutor(folder, options=options)


def _print_plan(
    grid: "Grid",
    runs: Sequence["PlannedRun"],
    todo: Sequence["PlannedRun"],
    estimates: Mapping[str, "Estimate"],
    *,
    num_jobs: int,
    num_threads: int,
) -> None:
    """Print every run with its state, and how long what is missing will take."""
    from ganzoo.bench.plan import seconds_left

    rows = []
    for run in runs:
        known = estimates.get(run.built.row.name) if run in todo else None
        left = f"{format_duration(known.seconds * (1 - run.step / run.num_steps))}" if known else ""
        source = f"by {'earlier ' if known.source == 'records' else 'a '}{known.source}" if known else ""
        rows.append((run.built.row.label, str(run.seed), WORDS[run.state].format(step=run.step), left, source))
    print_table(("row", "seed", "state", "training", "estimated"), rows, title=f"{grid.title} ({grid.name})")
    seconds = seconds_left(todo, estimates, num_jobs=num_jobs)
    whole = "how long is not known yet" if seconds is None else f"about {format_duration(seconds)}, evaluations apart"
    say(f"{len(todo)} of {len(runs)} runs to do, {num_jobs} at a time, CPU threads of each: {num_threads}; {whole}")


def _print_outcome(outcome: "Outcome", results: Path) -> None:
    say("")
    say(f"{len(outcome.finished)} runs finished, {len(outcome.failed)} failed; records: {results}")
    for name, reason in outcome.broken.items():
        say(f"  {name} is not done: {reason}")
