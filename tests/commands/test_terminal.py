"""What the command line shows, against lines written by hand."""

import io

import pytest
from rich.console import Console

from ganzoo.commands import terminal
from ganzoo.commands.terminal import Progress, aligned, format_duration, format_progress, print_table, task_accuracies

VALUES = {"d/loss": 1.25, "g/loss": -0.5, "d/rotation/accuracy_real": 0.875, "g/rotation/accuracy_fake": 0.5}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_progress_line_shows_step_rate_remaining_time_losses_and_accuracies():
    line = format_progress(1200, 5000, 2.0, VALUES)
    assert line == "step 1,200/5,000  2.0 steps/s  ETA 0:31:40  D 1.25  G -0.50  rotation real 88% fake 50%"


def test_progress_line_of_a_slow_run_shows_seconds_a_step():
    assert format_progress(1, 3, 0.25, {}) == "step 1/3  4.0 s/step  ETA 0:00:08"


def test_progress_line_without_rate_or_row_shows_the_step_alone():
    assert format_progress(0, 10, 0.0, {}) == "step 0/10"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (59.6, "0:01:00"), (3599, "0:59:59"), (90061, "25:01:01")]
)
def test_durations_are_hours_minutes_seconds(seconds, text):
    assert format_duration(seconds) == text


def test_accuracies_of_any_task_are_found_and_nothing_else():
    values = {**VALUES, "d/other_jigsaw/accuracy_real": 0.1, "d/rotation/loss": 1.0, "metric/accuracy_real": 0.3}
    assert task_accuracies(values) == {"rotation": {"real": 0.875, "fake": 0.5}, "other_jigsaw": {"real": 0.1}}


def test_columns_are_as_wide_as_their_widest_cell_and_lines_have_no_trailing_space():
    assert aligned([["a", "bb", ""], ["ccc", "d", "e"]]) == ["  a    bb", "  ccc  d   e"]


def test_table_in_a_pipe_is_plain_ascii_without_boxes(capsys):
    print_table(("name", "value"), [("fd", "12.5"), ("kd_long", "1")], title="metrics")
    assert capsys.readouterr().out == "metrics\n  name     value\n  fd       12.5\n  kd_long  1\n"


def test_table_without_headings_has_only_its_rows(capsys):
    print_table(("", ""), [("a", "b")])
    assert capsys.readouterr().out == "  a  b\n"


def test_a_table_on_a_narrow_terminal_breaks_between_words_and_no_name(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    print_table(("", "", ""), [("a_name_of_twenty_chars", "a sentence of several words", "")])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["a_name_of_twenty_chars  a sentence of", " " * 24 + "several words"]


def test_without_a_terminal_a_line_comes_every_ten_seconds_and_at_the_end(capsys):
    clock = Clock()
    progress = Progress(live=False, clock=clock)
    progress.start(0, 100)
    for step in range(1, 101):
        clock.now += 0.3
        progress.progress(step, VALUES)
    progress.close()
    lines = capsys.readouterr().out.splitlines()
    # A line is due at the first step 10 s after the one before: 34 steps of 0.3 s.
    assert [line.split("  ")[0] for line in lines] == ["step 34/100", "step 68/100", "step 100/100"]
    assert all("3.3 steps/s" in line for line in lines)
    assert lines[-1].split("  ")[2] == "ETA 0:00:00"


def test_rate_counts_from_where_a_run_resumes(capsys):
    clock = Clock()
    progress = Progress(live=False, clock=clock)
    progress.start(90, 100)
    clock.now += 5.0
    progress.progress(100, {})
    assert capsys.readouterr().out.startswith("step 100/100  2.0 steps/s")


def test_another_run_has_its_own_rate_and_number_of_steps(capsys):
    clock = Clock()
    progress = Progress(live=False, clock=clock)
    for num_steps, seconds in ((100, 10.0), (60, 20.0)):
        progress.start(0, num_steps)
        clock.now += seconds
        progress.progress(num_steps // 2, {})
        progress.close()
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["step 50/100  5.0 steps/s  ETA 0:00:10", "step 30/60  1.5 steps/s  ETA 0:00:20"]


def test_rate_is_known_where_a_step_takes_longer_than_it_is_averaged_over(capsys):
    clock = Clock()
    progress = Progress(live=False, clock=clock)
    progress.start(0, 10)
    for step in (1, 2, 3):
        clock.now += 50.0
        progress.progress(step, {})
    assert capsys.readouterr().out.splitlines()[-1] == "step 3/10  50.0 s/step  ETA 0:05:50"


def test_rate_forgets_what_is_long_ago(capsys):
    clock = Clock()
    progress = Progress(live=False, clock=clock)
    progress.start(0, 1000)
    for step, seconds in ((100, 10), (110, 10), (120, 10), (130, 10), (140, 10), (150, 10)):
        clock.now += seconds
        progress.progress(step, {})
    # The first ten seconds, at 10 steps/s, are over; what remains runs at 1 step/s.
    assert capsys.readouterr().out.splitlines()[-1].startswith("step 150/1,000  1.0 steps/s")


def test_on_a_terminal_the_line_is_redrawn_and_sentences_stand_above_it(monkeypatch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr("rich.console.Console", lambda: console)
    clock = Clock()
    progress = Progress(live=True, clock=clock)
    progress.start(0, 10)
    for step in range(1, 11):
        clock.now += 0.1
        progress.progress(step, VALUES)
    progress.say("resuming [bold]nothing[/bold] of x.gin:100: again")
    progress.close()
    shown = screen.getvalue()
    assert "step 3/10" in shown
    assert "step 2/10" not in shown
    assert "step 10/10" in shown
    assert "resuming [bold]nothing[/bold] of x.gin:100: again" in shown


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.is_terminal()
