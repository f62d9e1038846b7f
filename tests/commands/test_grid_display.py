"""What a grid in progress shows, of states made by hand: on a recorded terminal, and as plain lines."""

import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from ganzoo.bench.plan import Estimate, PlannedRun
from ganzoo.commands.grid_display import GridDisplay
from ganzoo.runs.folder import RunFolder, append_row

NUM_STEPS = 1000
BAR = re.compile(r" +[━╸╺ ]{20} ")


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


class Grid:
    """Runs of made-up rows in a folder, with a display of two jobs at a time."""

    def __init__(self, folder: Path, clock: Clock, *, live: bool, estimates: dict[str, float]) -> None:
        self.clock = clock
        self.runs = [self.planned(folder, row, seed) for seed in (0, 1) for row in ("base", "ssgan")]
        known = {row: Estimate(seconds, "records") for row, seconds in estimates.items()}
        self.display = GridDisplay(self.runs, known, num_jobs=2, live=live, clock=clock)

    @staticmethod
    def planned(folder: Path, row: str, seed: int) -> PlannedRun:
        experiment = SimpleNamespace(num_steps=NUM_STEPS)
        built = SimpleNamespace(
            row=SimpleNamespace(name=row, label=row), configuration=SimpleNamespace(experiment=experiment)
        )
        path = folder / f"{row}-seed{seed}"
        path.mkdir()
        return PlannedRun(built, seed, RunFolder(path), folder / f"{path.name}.json", "new", 0)  # type: ignore[arg-type]

    def reach(self, run: PlannedRun, step: int) -> None:
        append_row(run.folder.timing_path, {"step": step, "seconds": 1.0})

    def show(self, *running: int, after: float, finished: int = 0, failed: int = 0, left: int = 0) -> None:
        self.clock.now += after
        chosen = [self.runs[i] for i in running]
        self.display.show(chosen, num_finished=finished, num_failed=failed, num_left=left)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Console:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None, record=True)
    monkeypatch.setattr("rich.console.Console", lambda: console)
    return console


def drawn(screen: Console) -> list[str]:
    """Return the lines drawn since the last call, without their bars."""
    return [BAR.sub("  ", line).rstrip() for line in screen.export_text().splitlines()]


@pytest.fixture
def grid(tmp_path: Path, clock: Clock, screen: Console) -> Grid:
    return Grid(tmp_path, clock, live=True, estimates={"base": 100.0, "ssgan": 200.0})


def test_a_terminal_has_a_line_for_each_running_run_and_one_for_the_whole(grid: Grid, screen: Console) -> None:
    grid.show(0, 1, after=1.0, left=2)
    # By estimates: 100 s and 200 s run, 2 times 150 s wait, at two jobs: 300 s.
    assert drawn(screen) == [
        "base-seed0  step 0/1,000",
        "ssgan-seed0  step 0/1,000",
        "whole: 0 finished, 0 failed, 2 running, 2 left  ETA 0:05:00",
    ]


def test_a_runs_rate_is_read_from_its_folder_and_the_whole_follows_it(grid: Grid, screen: Console) -> None:
    grid.show(0, 1, after=1.0, left=2)
    drawn(screen)
    grid.reach(grid.runs[0], 100)
    grid.show(0, 1, after=50.0, left=2)
    # 900 steps are left at 2 a second; ssgan has logged nothing: 200 s. With 300 s that wait: 950 / 2.
    assert drawn(screen) == [
        "base-seed0  step 100/1,000  2.0 steps/s  ETA 0:07:30",
        "ssgan-seed0  step 0/1,000",
        "whole: 0 finished, 0 failed, 2 running, 2 left  ETA 0:07:55",
    ]


def test_the_whole_takes_no_less_than_its_slowest_run(grid: Grid, screen: Console) -> None:
    grid.reach(grid.runs[0], 900)
    grid.show(0, 1, after=1.0, finished=2)
    # 10 s of base and 200 s of ssgan, side by side.
    assert drawn(screen)[-1] == "whole: 2 finished, 0 failed, 2 running, 0 left  ETA 0:03:20"


def test_a_run_at_its_last_step_is_measured_and_a_failed_one_is_counted(grid: Grid, screen: Console) -> None:
    grid.reach(grid.runs[2], NUM_STEPS)
    grid.show(2, after=1.0, finished=1, failed=1, left=1)
    assert drawn(screen) == [
        "base-seed1  is measured",
        "whole: 1 finished, 1 failed, 1 running, 1 left  ETA 0:01:15",
    ]


def test_a_resumed_run_counts_from_where_it_was(grid: Grid, screen: Console) -> None:
    grid.reach(grid.runs[0], 600)
    grid.show(0, after=1.0)
    assert drawn(screen) == [
        "base-seed0  step 600/1,000",
        "whole: 0 finished, 0 failed, 1 running, 0 left  ETA 0:00:40",
    ]
    grid.reach(grid.runs[0], 700)
    grid.show(0, after=10.0)
    assert drawn(screen)[0] == "base-seed0  step 700/1,000  10.0 steps/s  ETA 0:00:30"


def test_a_bar_is_filled_by_the_share_of_steps_that_are_done(grid: Grid, screen: Console) -> None:
    grid.reach(grid.runs[0], 600)
    grid.reach(grid.runs[1], NUM_STEPS)
    grid.show(0, 1, after=1.0)
    assert [line.count("━") for line in screen.export_text().splitlines()] == [12, 20, 0]


def test_a_run_that_ended_is_drawn_no_more(grid: Grid, screen: Console) -> None:
    grid.show(0, 1, after=1.0, left=2)
    drawn(screen)
    grid.show(1, after=1.0, finished=1, left=2)
    assert [line.split()[0] for line in drawn(screen)] == ["ssgan-seed0", "whole:"]


def test_a_terminal_is_drawn_at_most_once_a_second(grid: Grid, screen: Console) -> None:
    grid.show(0, after=0.5)
    assert drawn(screen) == []
    grid.show(0, after=0.6)
    assert len(drawn(screen)) == 2
    grid.show(0, after=0.9)
    assert drawn(screen) == []


def test_sentences_stand_as_they_are_above_the_lines_which_stay_in_the_end(grid: Grid, screen: Console) -> None:
    grid.show(0, after=1.0, left=1)
    drawn(screen)
    grid.display.say("ssgan-seed0 failed: x.gin:100: [red]NaN[/red]")
    grid.show(0, after=1.0, failed=1, left=1)
    grid.display.close()
    lines = drawn(screen)
    assert lines[0] == "ssgan-seed0 failed: x.gin:100: [red]NaN[/red]"
    assert lines[-1].startswith("whole: 0 finished, 1 failed, 1 running, 1 left")


def test_after_closing_sentences_are_plain(grid: Grid, capsys: pytest.CaptureFixture[str]) -> None:
    grid.show(0, after=1.0)
    grid.display.close()
    grid.display.close()
    grid.display.say("done [here]")
    assert capsys.readouterr().out == "done [here]\n"


@pytest.mark.parametrize("estimates", [{}, {"ssgan": 200.0}])
def test_no_time_is_promised_where_none_is_known(
    tmp_path: Path, clock: Clock, screen: Console, estimates: dict[str, float]
) -> None:
    grid = Grid(tmp_path, clock, live=True, estimates=estimates)
    grid.show(0, after=1.0, left=1)
    assert drawn(screen)[-1] == "whole: 0 finished, 0 failed, 1 running, 1 left"
    grid.reach(grid.runs[0], 500)
    grid.show(0, after=100.0, left=1)
    # base has a rate by now: 100 s. What waits is known by ssgan's estimate, or not at all.
    shown = "  ETA 0:02:30" if estimates else ""
    assert drawn(screen)[-1] == f"whole: 0 finished, 0 failed, 1 running, 1 left{shown}"


def test_elsewhere_the_lines_are_printed_every_half_minute(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = Grid(tmp_path, clock, live=False, estimates={"base": 100.0, "ssgan": 200.0})
    for _ in range(7):
        grid.show(0, after=10.0)
    lines = ["base-seed0  step 0/1,000", "whole: 0 finished, 0 failed, 1 running, 0 left  ETA 0:01:40"]
    assert capsys.readouterr().out.splitlines() == lines * 2


def test_nothing_running_and_nothing_left_takes_no_time(grid: Grid, screen: Console) -> None:
    grid.show(after=1.0, finished=4)
    assert drawn(screen) == ["whole: 4 finished, 0 failed, 0 running, 0 left  ETA 0:00:00"]
