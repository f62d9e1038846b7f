"""The runs of a grid that are still to be done, and how long they will take."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from ganzoo.bench.grid import Grid
from ganzoo.bench.record import RunRecord, read_record, run_name
from ganzoo.bench.rows import BuiltRow
from ganzoo.errors import UserError
from ganzoo.runs.folder import RunFolder, read_rows
from ganzoo.training.dry_run import noise_images
from ganzoo.training.train_state import TrainState

State = Literal["finished", "failed", "interrupted", "ended", "new"]
PROBE_SECONDS = 2.0
MAX_PROBE_STEPS = 5


@dataclass(frozen=True)
class PlannedRun:
    """One run of a grid.

    Args:
        built: its row.
        seed: of the run.
        folder: its run folder.
        record_path: where its record is, or will be.
        state: `finished` and `failed`: there is a record; `ended`: the run is over and its record is not yet written;
            `interrupted`: there is a folder to go on from; `new`: there is nothing yet.
        step: generator updates done.
    """

    built: BuiltRow
    seed: int
    folder: RunFolder
    record_path: Path
    state: State
    step: int

    @property
    def name(self) -> str:
        """`ROW-seedN`."""
        return run_name(self.built.row.name, self.seed)

    @property
    def num_steps(self) -> int:
        """Generator updates of the whole run."""
        return self.built.configuration.experiment.num_steps


@dataclass(frozen=True)
class Estimate:
    """How long the runs of a row take.

    Args:
        seconds: of training, of one whole run.
        source: `records` of this grid, or a `probe` of a few steps.
    """

    seconds: float
    source: Literal["records", "probe"]


def plan_runs(
    grid: Grid,
    built: Mapping[str, BuiltRow],
    *,
    only: Collection[str] = (),
    seeds: Collection[int] | None = None,
    out: Path,
    results: Path,
) -> list[PlannedRun]:
    """Return the runs that are asked for, the first seed of every row before the second.

    Args:
        grid: the benchmark.
        built: its rows, by name.
        only: names of rows; empty for all.
        seeds: some of the grid's; None for all.
        out: the folder of run folders.
        results: the folder of records.

    Raises:
        UserError: a row or seed that the grid does not have; a record or run folder of another configuration.
    """
    rows = [grid.row(name).name for name in only] or grid.rows
    strange = [seed for seed in seeds or () if seed not in grid.seeds]
    if strange:
        raise UserError(f"the grid has no seed {strange[0]}; it has {', '.join(map(str, grid.seeds))}")
    chosen = [seed for seed in grid.seeds if seeds is None or seed in seeds]
    return [_plan_run(built[row], seed, out, results) for seed in chosen for row in rows]


def _plan_run(built: BuiltRow, seed: int, out: Path, results: Path) -> PlannedRun:
    name = run_name(built.row.name, seed)
    folder, record_path = RunFolder(out / name), results / f"{name}.json"

    def planned(state: State, step: int) -> PlannedRun:
        return PlannedRun(built, seed, folder, record_path, state, step)

    if record_path.exists():
        record = read_record(record_path)
        _refuse_other(record.operative, built, seed, record_path)
        is_over = record.status == "finished" or folder.result_path.exists()
        return planned(record.status, record.counters["step"] if is_over else current_step(folder))
    if folder.operative_path.exists():
        _refuse_other(folder.operative_path.read_text(encoding="utf-8"), built, seed, folder.path)
        if folder.result_path.exists():
            return planned("ended", built.configuration.experiment.num_steps)
        return planned("interrupted", current_step(folder))
    return planned("new", 0)


def _refuse_other(there: str, wanted: BuiltRow, seed: int, path: Path) -> None:
    difference = wanted.configuration.with_seed(seed).difference(there)
    if difference:
        lines = "".join(f"\n  {line}" for line in difference)
        raise UserError(
            f"'{path}' is of another configuration than the grid has now; move it away, or give other folders with "
            f"--results and --out. It differs in:{lines}"
        )


def current_step(folder: RunFolder) -> int:
    """Return the generator updates that a run has logged."""
    rows = read_rows(folder.timing_path)
    return int(rows[-1]["step"]) if rows else 0


def estimate(
    runs: Sequence[PlannedRun], records: Sequence[RunRecord], *, device: str, num_threads: int
) -> dict[str, Estimate]:
    """Return how long a run of each row takes: by its finished records if there are any, else by a probe.

    A probe tells something of the CPU only, so for another device a row without records is left out.

    Args:
        runs: whose rows are asked for.
        records: of the grid.
        device: where the runs train.
        num_threads: CPU threads of a run.
    """
    found: dict[str, Estimate] = {}
    for run in runs:
        row = run.built.row.name
        known = [r.seconds for r in records if r.row == row and r.status == "finished"]
        if row in found:
            continue
        if known:
            found[row] = Estimate(sum(known) / len(known), "records")
        elif device == "cpu":
            found[row] = Estimate(seconds_per_step(run.built, num_threads=num_threads) * run.num_steps, "probe")
    return found


def seconds_per_step(built: BuiltRow, *, num_threads: int) -> float:
    """Time a few steps on noise on the CPU and return the mean seconds of one, without the first, which warms up."""
    experiment = built.configuration.experiment
    spec = experiment.dataset().spec()
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        state = TrainState.create(experiment, spec, num_images=experiment.batch_size, device=torch.device("cpu"))
        times: list[float] = []
        while len(times) < MAX_PROBE_STEPS and sum(times) < PROBE_SECONDS:
            since = time.perf_counter()
            for _ in range(experiment.num_d_steps):
                real = noise_images(experiment, spec, state)
                state.update_d(real, state.next_latents(experiment.batch_size))
            state.update_g(real, state.next_latents(experiment.batch_size))
            times.append(time.perf_counter() - since)
        return sum(times[1:]) / len(times[1:]) if len(times) > 1 else times[0]
    finally:
        torch.set_num_threads(before)


def seconds_left(runs: Sequence[PlannedRun], estimates: Mapping[str, Estimate], *, num_jobs: int) -> float | None:
    """Return the estimated seconds until all runs are trained, `num_jobs` at a time; None if one is not known."""
    if any(run.built.row.name not in estimates for run in runs):
        return None
    whole = [estimates[run.built.row.name].seconds * (1 - run.step / run.num_steps) for run in runs]
    return max([sum(whole) / num_jobs, *whole]) if whole else 0.0
