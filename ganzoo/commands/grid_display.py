"""A grid in progress: on a terminal one line for each running run and one for the whole, elsewhere plain lines.

Where a run is, is read from its folder; nothing of its output is parsed.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ganzoo.bench.plan import Estimate, PlannedRun, current_step
from ganzoo.bench.runner import Display
from ganzoo.commands.terminal import format_duration, format_progress, is_terminal, say

if TYPE_CHECKING:
    from rich.live import Live

SECONDS_BETWEEN_LINES = 30.0
SECONDS_BETWEEN_DRAWINGS = 1.0


class GridDisplay(Display):
    """Shows the running runs and the whole.

    Args:
        runs: all that are asked for.
        estimates: seconds of one whole run, by row.
        num_jobs: runs at a time.
        live: whether standard output is a terminal; by default it is asked.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        estimates: Mapping[str, Estimate],
        *,
        num_jobs: int,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runs = {run.name: run for run in runs}
        self._estimates, self._num_jobs, self._clock = dict(estimates), num_jobs, clock
        self._is_live = is_terminal() if live is None else live
        self._display: Live | None = None
        self._shown_at = clock()
        self._since: dict[str, tuple[float, int]] = {}

    def say(self, text: str) -> None:
        """Show one sentence, above the live lines if there are any."""
        if self._display is not None:
            # As it is: rich would take `file.gin:100:` for a picture's name.
            self._display.console.print(text, markup=False, emoji=False, highlight=False)
        else:
            say(text)

    def show(self, running: Sequence[PlannedRun], *, num_finished: int, num_failed: int, num_left: int) -> None:
        """Show where the runs are, once a second on a terminal, every half minute elsewhere."""
        now = self._clock()
        if now - self._shown_at < (SECONDS_BETWEEN_DRAWINGS if self._is_live else SECONDS_BETWEEN_LINES):
            return
        self._shown_at = now
        lines: list[str] = []
        seconds: list[float | None] = []
        for run in running:
            step = current_step(run.folder)
            rate = self._rate(run, step, now)
            is_trained = step == run.num_steps
            progress = "is measured" if is_trained else format_progress(step, run.num_steps, rate, {})
            lines.append(f"{run.name}  {progress}")
            seconds.append(self._seconds_left(run, step, rate))
        counts = f"{num_finished} finished, {num_failed} failed, {len(running)} running, {num_left} left"
        whole = self._whole(seconds, num_left)
        lines.append(f"whole: {counts}" + (f"  ETA {format_duration(whole)}" if whole is not None else ""))
        self._print(lines)

    def _whole(self, running: Sequence[float | None], num_left: int) -> float | None:
        """Return the seconds until all runs are trained, from those of the running ones; None if not known."""
        estimated = [self._estimates.get(run.built.row.name) for run in self._runs.values()]
        known = [estimate.seconds for estimate in estimated if estimate is not None]
        seconds = [value for value in running if value is not None]
        if len(seconds) < len(running) or (num_left and not known):
            return None
        # Of those that wait no names are needed: the mean over all rows stands for each.
        waiting = num_left * sum(known) / len(known) if num_left else 0.0
        return max([(sum(seconds) + waiting) / self._num_jobs, *seconds])

    def _seconds_left(self, run: PlannedRun, step: int, rate: float) -> float | None:
        """Return the seconds until a run is trained, by its rate, else by its row's estimate; None if not known."""
        if step == run.num_steps:
            return 0.0
        if rate:
            return (run.num_steps - step) / rate
        estimate = self._estimates.get(run.built.row.name)
        return None if estimate is None else estimate.seconds * (1 - step / run.num_steps)

    def _rate(self, run: PlannedRun, step: int, now: float) -> float:
        """Return generator updates per second since the first look at a run; 0 until it has logged."""
        since, first = self._since.setdefault(run.name, (now, step))
        return (step - first) / (now - since) if now > since and step > first else 0.0

    def _print(self, lines: Sequence[str]) -> None:
        if not self._is_live:
            for line in lines:
                say(line)
            return
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if self._display is None:
            self._display = Live(console=Console(), auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            self._display.start()
        self._display.update(Text("\n".join(lines)), refresh=True)

    def close(self) -> None:
        """Leave the last lines on the screen and stop."""
        if self._display is not None:
            self._display.stop()
            self._display = None
