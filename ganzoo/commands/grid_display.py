"""A grid in progress: on a terminal a bar for each running run and a line for the whole, elsewhere plain lines.

The step of a run is read from its folder; its output is not parsed.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from ganzoo.bench.plan import Estimate, PlannedRun, current_step
from ganzoo.bench.runner import Display
from ganzoo.commands.terminal import ProgressBars, format_duration, format_progress


class GridDisplay(ProgressBars, Display):
    """Shows the running runs and the whole.

    Args:
        runs: all that are asked for.
        estimates: seconds of one whole run, by row.
        num_jobs: runs at a time.
        live: whether standard output is a terminal; by default it is asked.
        clock: seconds, monotonic.
    """

    seconds_live, seconds_plain = 1.0, 30.0
    seconds_rate = 1800.0  # a run logs its steps seldom
    has_names = True

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        estimates: Mapping[str, Estimate],
        *,
        num_jobs: int,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(live=live, clock=clock)
        self._runs = {run.name: run for run in runs}
        self._estimates, self._num_jobs = dict(estimates), num_jobs

    def show(self, running: Sequence[PlannedRun], *, num_finished: int, num_failed: int, num_left: int) -> None:
        """Show where the runs are, once a second on a terminal, every half minute elsewhere."""
        if not self.is_due():
            return
        lines: dict[str, str] = {}
        seconds: list[float | None] = []
        for run in running:
            step = current_step(run.folder)
            rate = self.track(run.name, step, run.num_steps)
            is_trained = step == run.num_steps
            lines[run.name] = "is measured" if is_trained else format_progress(step, run.num_steps, rate, {})
            seconds.append(self._seconds_left(run, step, rate))
        counts = f"{num_finished} finished, {num_failed} failed, {len(running)} running, {num_left} left"
        whole = self._whole(seconds, num_left)
        self.draw(lines, below=f"whole: {counts}" + (f"  ETA {format_duration(whole)}" if whole is not None else ""))

    def _whole(self, running: Sequence[float | None], num_left: int) -> float | None:
        """Return the seconds until all runs are trained, given those of the running ones; None if not known."""
        estimated = [self._estimates.get(run.built.row.name) for run in self._runs.values()]
        known = [estimate.seconds for estimate in estimated if estimate is not None]
        seconds = [value for value in running if value is not None]
        if len(seconds) < len(running) or (num_left and not known):
            return None
        # Every run that waits is taken to last the mean over all rows.
        waiting = num_left * sum(known) / len(known) if num_left else 0.0
        return max([(sum(seconds) + waiting) / self._num_jobs, *seconds])

    def _seconds_left(self, run: PlannedRun, step: int, rate: float) -> float | None:
        """Return the seconds until a run is trained, by its rate or else by its row's estimate; None if not known."""
        if step == run.num_steps:
            return 0.0
        if rate:
            return (run.num_steps - step) / rate
        estimate = self._estimates.get(run.built.row.name)
        return None if estimate is None else estimate.seconds * (1 - step / run.num_steps)
