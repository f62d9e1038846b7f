"""What the command line shows: tables, sentences, and the progress of a run.

On a terminal they are drawn by rich (which respects NO_COLOR); anywhere else they are plain lines without boxes,
colours or carriage returns, so that a log file reads well. rich is imported only where something is drawn.
"""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.live import Live

SECONDS_BETWEEN_LINES = 10.0
RATE_WINDOW_SECONDS = 30.0
ACCURACY_SOURCES = ("real", "fake")


def is_terminal() -> bool:
    """Return whether a person watches standard output."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Print one sentence, as it is."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print one sentence on standard error, as ganzoo's."""
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
    for key, value in values.items():
        _, _, report = key.partition("/")
        task, _, name = report.rpartition("/")
        source = name.removeprefix("accuracy_")
        if task and name.startswith("accuracy_") and source in ACCURACY_SOURCES:
            found.setdefault(task, {})[source] = value
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


class Progress:
    """A monitor for the command line: one live line on a terminal, else a plain line about every ten seconds.

    Args:
        live: whether standard output is a terminal; by default it is asked.
        clock: seconds, monotonic.
    """

    def __init__(self, *, live: bool | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._is_live = is_terminal() if live is None else live
        self._clock = clock
        self._display: Live | None = None
        self._num_steps = 0
        self._history: deque[tuple[float, int]] = deque()
        self._shown_at = 0.0

    def say(self, text: str) -> None:
        """Show one sentence, above the live line if there is one."""
        if self._display is not None:
            # As it is: rich would take `file.gin:100:` for a picture's name.
            self._display.console.print(text, markup=False, emoji=False, highlight=False)
        else:
            say(text)

    def start(self, step: int, num_steps: int) -> None:
        """Begin to show progress; the rate counts from here."""
        self._num_steps = num_steps
        self._shown_at = self._clock()
        self._history = deque([(self._shown_at, step)])
        if self._is_live:
            from rich.console import Console
            from rich.live import Live

            self._display = Live(console=Console(), auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            self._display.start()
            self._draw(format_progress(step, num_steps, 0.0, {}))

    def progress(self, step: int, values: Mapping[str, float]) -> None:
        """Show where the run is; drawn at most four times a second, so that it costs the run nothing."""
        now = self._clock()
        is_last = step >= self._num_steps
        if now - self._shown_at < (0.25 if self._is_live else SECONDS_BETWEEN_LINES) and not is_last:
            return
        self._shown_at = now
        self._history.append((now, step))
        while len(self._history) > 2 and now - self._history[1][0] > RATE_WINDOW_SECONDS:
            self._history.popleft()
        since, first = self._history[0]
        rate = (step - first) / (now - since) if now > since else 0.0
        line = format_progress(step, self._num_steps, rate, values)
        if self._is_live:
            self._draw(line)
        else:
            say(line)

    def close(self) -> None:
        """Leave the last line on the screen and stop."""
        if self._display is not None:
            self._display.stop()
            self._display = None

    def _draw(self, line: str) -> None:
        from rich.text import Text

        assert self._display is not None
        self._display.update(Text(line), refresh=True)  # on a narrow terminal it takes two rows
