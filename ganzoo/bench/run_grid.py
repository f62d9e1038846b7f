"""A benchmark in one call: prove its conditions, plan it, run what is missing, and check the records."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganzoo.bench import executor as executors
from ganzoo.bench.conditions import check_records
from ganzoo.bench.continuation import continuation_problem
from ganzoo.bench.grid import Grid, read_grid
from ganzoo.bench.plan import Estimate, PlannedRun, estimate, plan_runs
from ganzoo.bench.proof import Proof, prove
from ganzoo.bench.record import read_records
from ganzoo.bench.results import PROOF
from ganzoo.bench.rows import build_rows
from ganzoo.bench.runner import Display, Outcome, Runner, Settings
from ganzoo.errors import UserError
from ganzoo.hardware import num_cpus
from ganzoo.runs.environment import machine, packages, select_device
from ganzoo.runs.folder import Json, write_json

SlurmOptions = Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True)
class GridPlan:
    """What a call is going to do.

    Args:
        grid: the benchmark.
        proof: that its rows differ in their axes alone.
        runs: all that were asked for.
        todo: those of them that are not done yet.
        estimates: how long a run takes, by row, where that is known.
        settings: how the runs are made.
        problem: why the next runs could not stand in one table with the records there are; empty if they can.
    """

    grid: Grid
    proof: Proof
    runs: tuple[PlannedRun, ...]
    todo: tuple[PlannedRun, ...]
    estimates: Mapping[str, Estimate]
    settings: Settings
    problem: str


def run_grid(
    grid: Path,
    *,
    jobs: int | None = None,
    threads: int = 1,
    only: Collection[str] = (),
    seeds: Collection[int] | None = None,
    dry_run: bool = False,
    allow_mixed: bool = False,
    retry_failed: bool = False,
    out: Path | None = None,
    results: Path | None = None,
    plugins: Sequence[Path] = (),
    device: str = "cpu",
    data_dir: Path | None = None,
    executor: Literal["local", "slurm"] | executors.Executor = "local",
    slurm: SlurmOptions | None = None,
    display: Callable[[GridPlan], Display] | None = None,
) -> Outcome:
    """Run what is missing of a grid, as `ganzoo bench` does.

    Example:
        outcome = run_grid(Path("benchmarks/quick.gin"), seeds=[0], jobs=2, results=Path("quick"))
        print(outcome.finished)  # ['uncond-seed0', 'ssgan-seed0']
        table = build_table(read_results(Path("quick")))

    Args:
        grid: a grid file.
        jobs: runs at a time; None for as many as the CPUs allow, or one on a GPU.
        threads: CPU threads of each run.
        only: names of rows; empty for all.
        seeds: some of the grid's; None for all.
        dry_run: prove the conditions and plan, but run and write nothing; neither data nor the device is needed.
        allow_mixed: run even under other conditions than those of the records there are.
        retry_failed: do runs again that are recorded as failed.
        out: the folder of run folders; None for `runs/bench/GRID`.
        results: the folder of records; None for `benchmarks/results/GRID`.
        plugins: files of components.
        device: to train on, such as "cpu" or "cuda".
        data_dir: the folder of data sets; None for the default one.
        executor: where the runs take place: "local" for processes of this machine, "slurm", or an executor of your own.
        slurm: options of submitit, such as `{"timeout_min": 1440}`.
        display: called with the plan before anything is run; returns what shows the progress. None shows nothing.

    Raises:
        UserError: whatever cannot be run: a mistake in the grid or in a row, rows that differ outside their axes, a
            record or run folder of another configuration, an executor that is not there.
        RunInterruptedError: stopped by a signal, after every run has saved.
    """
    description = read_grid(grid)
    options = _slurm_options(executor, slurm or {}, device)
    for path in plugins:
        if not path.is_file():
            raise UserError(f"no plugin file '{path}'; give the path of a Python file")
    # In a dry run, and on a cluster, the device need not be on this machine, so only the versions are known.
    here: dict[str, Json] = {"packages": packages()}
    if executor == "local" and not dry_run:
        here = machine(select_device(device))
    settings = Settings(
        out=out or Path("runs/bench") / description.name,
        results=results or Path("benchmarks/results") / description.name,
        num_jobs=jobs or (max(1, num_cpus() // threads) if device == "cpu" else 1),
        num_threads=threads,
        device=device,
        data_dir=data_dir,
        plugins=tuple(plugins),
        retry_failed=retry_failed,
    )
    # An executor that is missing is refused before anything is built.
    runs_on = None if dry_run else _executor(executor, settings.out / "slurm", options)
    built = build_rows(description, plugins=plugins, num_threads=threads)
    proof = prove(description, built)
    runs = plan_runs(description, built, only=only, seeds=seeds, out=settings.out, results=settings.results)
    states = {"new", "interrupted"} | ({"failed"} if retry_failed else set())
    todo = [run for run in runs if run.state in states]
    records = read_records(settings.results)
    problem = ""
    if todo and not allow_mixed:
        again = {run.name for run in todo}
        kept = [record for record in records if record.row in built and record.name not in again]
        problem = continuation_problem(kept, built, machine=here, num_threads=threads, where=str(settings.results))
    if problem and not dry_run:
        raise UserError(problem)
    plan = GridPlan(
        grid=description,
        proof=proof,
        runs=tuple(runs),
        todo=tuple(todo),
        estimates=estimate(todo, records, device=device, num_threads=threads),
        settings=settings,
        problem=problem,
    )
    shown = Display() if display is None else display(plan)
    if runs_on is None:
        return Outcome()
    if todo or not (settings.results / PROOF).exists():
        # If nothing is run, the proof that is there stays: it is the one that the records were made under.
        write_json(settings.results / PROOF, proof.to_json())
    outcome = Runner(description, settings, runs_on, shown).run(runs)
    outcome.mismatches = check_records(read_records(settings.results), proof)
    return outcome


def _slurm_options(executor: object, given: SlurmOptions, device: str) -> dict[str, str | int]:
    """Return the options of Slurm jobs, with a GPU where the device is one."""
    if executor != "slurm":
        if given:
            raise UserError("options of Slurm are given for another executor; ask for the executor slurm as well")
        return {}
    executors.check_slurm_options(given)
    # Slurm gives no GPU to a job that does not ask for one.
    is_asked = any("gpu" in key or "gres" in key for key in given)
    return {**given, "gpus_per_node": 1} if device.startswith("cuda") and not is_asked else {**given}


def _executor(where: str | executors.Executor, folder: Path, options: SlurmOptions) -> executors.Executor:
    if not isinstance(where, str):
        return where
    if where == "local":
        return executors.LocalExecutor()
    return executors.SubmititExecutor(folder, options=options)
