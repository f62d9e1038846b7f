"""Carries out a plan: submits the runs that are missing, records those that ended, and does nothing twice."""

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.bench.conditions import Mismatch
from ganzoo.bench.executor import ENDED_BY_CLUSTER, Ended, Executor, Job
from ganzoo.bench.grid import Grid
from ganzoo.bench.plan import PlannedRun
from ganzoo.bench.record import RunRecord, write_record
from ganzoo.bench.recording import RunResult, failed_result, make_record
from ganzoo.errors import RunInterruptedError, UserError
from ganzoo.runs.folder import RunFolder, write_atomically
from ganzoo.runs.signals import stop_requests

POLL_SECONDS = 0.2
FAILED = 1  # exit code of a run that broke down
MISTAKE = 2  # exit code of a run that cannot be done as it is: no data, no weights


class Display:
    """Shows a grid in progress; this one shows nothing."""

    def say(self, text: str) -> None:
        """Show one sentence."""

    def show(self, running: Sequence[PlannedRun], *, num_finished: int, num_failed: int, num_left: int) -> None:
        """Show where every run is; called some times a second."""

    def close(self) -> None:
        """Stop showing."""


@dataclass
class Outcome:
    """How a grid ended.

    Args:
        finished: names of runs that finished, in this call or before.
        failed: names of runs that are recorded as failed, in this call or before.
        broken: names of runs that were ended from outside, with the reason; the next call goes on with them.
        left: names of runs that were not done because the grid was stopped.
        mismatches: conditions in which the records of the grid differ.
    """

    finished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    mismatches: list[Mismatch] = field(default_factory=list)


@dataclass(frozen=True)
class Settings:
    """How the runs of a grid are made.

    Args:
        out: the folder of run folders, logs and the rows' configurations.
        results: the folder of records.
        num_jobs: runs at a time.
        num_threads: CPU threads of each.
        device: as of `ganzoo run`.
        data_dir: as of `ganzoo run`.
        plugins: as of `ganzoo run`.
        retry_failed: whether runs that are recorded as failed are done again. A run that itself ended as failed starts
            anew, and one that broke down goes on from its newest checkpoint.
    """

    out: Path
    results: Path
    num_jobs: int
    num_threads: int
    device: str = "cpu"
    data_dir: Path | None = None
    plugins: tuple[Path, ...] = ()
    retry_failed: bool = False


class Runner:
    """One call of a benchmark.

    Args:
        grid: the benchmark.
        settings: how it is run.
        executor: where.
        display: shows the progress.
    """

    def __init__(self, grid: Grid, settings: Settings, executor: Executor, display: Display) -> None:
        self.grid, self.settings, self.executor, self.display = grid, settings, executor, display
        self.outcome = Outcome()
        self.running: dict[str, PlannedRun] = {}
        self.waiting: deque[PlannedRun] = deque()
        self.postponed: set[str] = set()

    def run(self, runs: Sequence[PlannedRun], *, sleep: Callable[[float], None] = time.sleep) -> Outcome:
        """Do what is missing of the runs and record it; a run that fails does not end the others.

        Raises:
            RunInterruptedError: stopped by a signal, after every run has saved.
        """
        for run in runs:
            self._sort_in(run)
        try:
            with stop_requests() as stop:
                while (self.waiting or self.running) and stop.signal is None:
                    self._submit()
                    for ended in self.executor.poll():
                        self._collect(ended)
                    self._show()
                    if self.waiting or self.running:
                        sleep(POLL_SECONDS)
                if stop.signal is not None:
                    self.display.say(f"{stop.signal.name}: {len(self.running)} runs save and end")
                for ended in self.executor.stop():
                    self._collect(ended, was_stopped=True)
        finally:
            self.display.close()
        self.outcome.left += [run.name for run in self.waiting]
        if stop.signal is not None:
            raise RunInterruptedError(
                f"stopped by {stop.signal.name}; {len(self.outcome.finished)} runs are finished, "
                f"{len(self.outcome.left)} are left; the same command goes on from there"
            )
        return self.outcome

    def _sort_in(self, run: PlannedRun) -> None:
        if run.state == "finished":
            self.outcome.finished.append(run.name)
        elif run.state == "failed" and not self.settings.retry_failed:
            self.outcome.failed.append(run.name)
        elif run.state == "ended" and not (self.settings.retry_failed and _has_failed(run.folder)):
            self._record(run)
        else:
            self.waiting.append(run)

    def _submit(self) -> None:
        """Fill the free places; a run whose folder another process holds goes to the end of the queue."""
        for _ in range(len(self.waiting)):
            if len(self.running) >= self.settings.num_jobs:
                return
            run = self.waiting.popleft()
            if _is_locked(run.folder):
                self._postpone(run)
                continue
            self.running[run.name] = run
            self.executor.submit(self._job(run))

    def _postpone(self, run: PlannedRun) -> None:
        if run.name not in self.postponed:
            self.postponed.add(run.name)
            self.display.say(f"{run.name} waits: another process is running in '{run.folder.path}'")
        self.waiting.append(run)

    def _job(self, run: PlannedRun) -> Job:
        """Return the command line of a run, and write the row's whole configuration to a file for it."""
        settings = self.settings
        recipe = settings.out / f"{run.built.row.name}.gin"
        write_atomically(recipe, run.built.configuration.source())
        command = [sys.executable, "-m", "ganzoo", "run", str(recipe), "--seed", str(run.seed)]
        command += ["--out", str(run.folder.path), "--device", settings.device]
        command += ["--data-dir", str(settings.data_dir)] if settings.data_dir is not None else []
        for plugin in settings.plugins:
            command += ["--plugin", str(plugin)]
        command += ["--fresh"] if _has_failed(run.folder) else []
        return Job(run.name, tuple(command), settings.num_threads, settings.out / "logs" / f"{run.name}.log")

    def _collect(self, ended: Ended, *, was_stopped: bool = False) -> None:
        """Record a run that finished or failed, and say what became of any other."""
        run, message = self.running.pop(ended.job.name), ended.job.message()
        if run.folder.result_path.exists():
            self._record(run)
        elif was_stopped:
            self.outcome.left.append(run.name)
        elif ended.exit_code == MISTAKE and _is_locked(run.folder):
            self._postpone(run)
        elif ended.exit_code == FAILED and run.folder.operative_path.exists():
            # A run that broke down by itself is a result, which a table must not drop. Its folder stays as it is, so
            # that a retry can go on from the newest checkpoint once the cause is mended.
            self._record(run, failed_result(run.folder, reason=message or f"see {ended.job.log}"))
        else:
            reason = message or _how(ended)
            self.outcome.broken[run.name] = reason
            self.display.say(f"{run.name} is not done: {reason}")

    def _record(self, run: PlannedRun, result: RunResult | None = None) -> None:
        record = make_record(run, grid=self.grid.name, results=self.settings.results, result=result)
        write_record(record, self.settings.results)
        self._say_end(record)

    def _say_end(self, record: RunRecord) -> None:
        if record.status == "failed":
            self.outcome.failed.append(record.name)
            self.display.say(f"{record.name} failed: {record.reason}")
            return
        self.outcome.finished.append(record.name)
        values = "  ".join(f"{m.name} {m.value:.4g}" for m in record.metrics)
        self.display.say(f"{record.name} finished  {values}".rstrip())
        for flag in record.flags:
            self.display.say(f"  warning: {flag.text}")

    def _show(self) -> None:
        self.display.show(
            list(self.running.values()),
            num_finished=len(self.outcome.finished),
            num_failed=len(self.outcome.failed) + len(self.outcome.broken),
            num_left=len(self.waiting),
        )


def _how(ended: Ended) -> str:
    """Say how a job ended that left no report."""
    if ended.exit_code == ENDED_BY_CLUSTER:
        how = "ended by the cluster"
    elif ended.exit_code < 0:
        how = f"ended by signal {-ended.exit_code}"
    else:
        how = f"ended with exit code {ended.exit_code}"
    return f"{how}, and left no report; see {ended.job.log}"


def _has_failed(folder: RunFolder) -> bool:
    result = folder.result()
    return result is not None and result["status"] != "finished"


def _is_locked(folder: RunFolder) -> bool:
    """Return whether another process trains in a folder."""
    if not folder.path.exists():
        return False
    try:
        with folder.lock():
            return False
    except UserError:
        return True
