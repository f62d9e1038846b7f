"""What the command line shows: tables, sentences, and the progress of a run.

On a terminal rich draws them (it respects NO_COLOR). Anywhere else they are plain lines without boxes, colours or
carriage returns, so that a log file reads well. rich is imported only where it is needed, since that takes time.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ganzoo.diagnostics.row_keys import RowKey

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import TaskID

BAR_WIDTH = 20
ACCURACY_SOURCES = ("real", "fake")


def is_terminal() -> bool:
    """Return whether standard output is a terminal that can redraw lines."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Print one sentence, as it is."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print one sentence on standard error, after the program's name."""
    print(f"ganzoo: {text}", file=sys.stderr, flush=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print a table: drawn on a terminal, columns aligned by spaces elsewhere.

    Args:
        columns: the headings; if all are empty there is no heading.
        rows: the cells, as many in each row as there are columns.
        title: a line above it.
    """
    if title:
        say(title)
    if is_terminal():
        _draw_table(columns, rows)
    else:
        for line in aligned(([list(columns)] if any(columns) else []) + [list(row) for row in rows]):
            say(line)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line a row, indented by two, with every column but the last padded to its widest cell."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _draw_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=any(columns), header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    shown = [i for i, column in enumerate(columns) if column or any(row[i] for row in rows)]
    for i in shown:
        # A name in two pieces cannot be copied; cells further right make room for it.
        table.add_column(columns[i], style="cyan" if i == 0 else None, overflow="fold", no_wrap=i == 0)
    for row in rows:
        table.add_row(*(Text(row[i]) for i in shown))
    Console(highlight=False).print(table)


def format_duration(seconds: float) -> str:
    """Return a duration as h:mm:ss."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}"


def task_accuracies(values: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return the accuracies of every task, by task and by the source of the images: `real`, `fake`."""
    found: dict[str, dict[str, float]] = {}
    for text, value in values.items():
        key = RowKey.parse(text)
        if key.accuracy_of in ACCURACY_SOURCES:
            found.setdefault(key.owner, {})[key.accuracy_of] = value
    return found


def format_progress(step: int, num_steps: int, rate: float, values: Mapping[str, float]) -> str:
    """Return the progress line.

    Args:
        step: generator updates done.
        num_steps: generator updates of the run.
        rate: generator updates per second; 0 if not known yet.
        values: the latest row: `d/loss`, `g/loss`, `d/rotation/accuracy_real`, ...
    """
    parts = [f"step {step:,}/{num_steps:,}"]
    if rate > 0:
        parts += [f"{rate:.1f} steps/s" if rate >= 1 else f"{1 / rate:.1f} s/step"]
        parts += [f"ETA {format_duration((num_steps - step) / rate)}"]
    parts += [f"{name} {values[key]:.2f}" for name, key in (("D", "d/loss"), ("G", "g/loss")) if key in values]
    for task, accuracies in task_accuracies(values).items():
        shown = [f"{source} {accuracies[source]:.0%}" for source in ACCURACY_SOURCES if source in accuracies]
        parts.append(f"{task} {' '.join(shown)}")
    return "  ".join(parts)


class ProgressBars:
    """Runs in progress: on a terminal a bar and a line for each, redrawn below what is said; elsewhere plain lines.

    Args:
        live: whether standard output is a terminal; by default it is asked.
        clock: seconds, monotonic.
    """

    seconds_live = 0.25
    """The time between two drawings on a terminal, long enough that they cost a run nothing."""
    seconds_plain = 10.0
    """The time between two printings elsewhere."""
    seconds_rate = 30.0
    """The time that a rate is averaged over."""
    has_names = False
    """Whether the names of the runs are shown."""

    def __init__(self, *, live: bool | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        self._is_live = is_terminal() if live is None else live
        self._clock, self._drawn_at = clock, clock()
        name = TextColumn("{task.description}", markup=False)
        # On a narrow terminal the line takes two rows.
        line = TextColumn("{task.fields[line]}", markup=False, table_column=Column(overflow="fold"))
        columns = (name, BarColumn(BAR_WIDTH), line)[not self.has_names :]
        self._bars = Progress(*columns, auto_refresh=False, get_time=clock, speed_estimate_period=self.seconds_rate)
        self._ids: dict[str, TaskID] = {}
        self._live: Live | None = None

    def say(self, text: str) -> None:
        """Show one sentence, above the bars if there are any."""
        if self._live is not None:
            # As it is: rich would take `file.gin:100:` for a picture's name.
            self._live.console.print(text, markup=False, emoji=False, highlight=False)
        else:
            say(text)

    def close(self) -> None:
        """Leave the bars on the screen as they are and stop."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def is_due(self) -> bool:
        """Return whether it is time to draw again, and if so count from now."""
        now = self._clock()
        if now - self._drawn_at < (self.seconds_live if self._is_live else self.seconds_plain):
            return False
        self._drawn_at = now
        return True

    def track(self, name: str, step: int, num_steps: int) -> float:
        """Take note of how far a run is, and return its generator updates per second; 0 if not known yet.

        Args:
            name: of the run.
            step: generator updates done.
            num_steps: generator updates of the run.
        """
        if name not in self._ids:
            self._ids[name] = self._bars.add_task(name, total=num_steps, completed=step, first=step, line="")
        number = self._ids[name]
        self._bars.update(number, completed=step)
        task = self._bars.tasks[number]
        # Where updates are seldom, too few lie within the last seconds: then it is the rate since the first.
        return task.speed or (step - task.fields["first"]) / (task.elapsed or math.inf)

    def draw(self, lines: Mapping[str, str], *, below: str = "") -> None:
        """Show a line for each run, and one below them."""
        if not self._is_live:
            for name, line in lines.items():
                say(f"{name}  {line}" if self.has_names else line)
            if below:
                say(below)
            return
        from rich.console import Console, Group
        from rich.live import Live
        from rich.text import Text

        for name, number in self._ids.items():
            self._bars.update(number, visible=name in lines, line=lines.get(name, ""))
        if self._live is None:
            self._live = Live(console=Console(), auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            self._live.start()
        self._live.update(Group(self._bars, Text(below)) if below else self._bars, refresh=True)


class Progress(ProgressBars):
    """A monitor for the command line: one bar on a terminal, else a plain line about every ten seconds."""

    def start(self, step: int, num_steps: int) -> None:
        """Begin to show the progress of a run, the first or another; its rate counts from here."""
        self._num_steps, self._drawn_at = num_steps, self._clock()
        for number in self._ids.values():
            self._bars.reset(number, total=num_steps, completed=step, first=step, line="")
        self.track("", step, num_steps)
        if self._is_live:
            self.draw({"": format_progress(step, num_steps, 0.0, {})})

    def progress(self, step: int, values: Mapping[str, float]) -> None:
        """Show where the run is, if that is due or if it is at its end."""
        if self.is_due() or step >= self._num_steps:
            rate = self.track("", step, self._num_steps)
            self.draw({"": format_progress(step, self._num_steps, rate, values)})
