"""A grid's runs: none twice, none lost, and a failing one does not end the others. Runs are made in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganzoo.bench.executor import Ended, Executor, Job
from ganzoo.bench.grid import read_grid
from ganzoo.bench.plan import PlannedRun, plan_runs
from ganzoo.bench.record import read_records
from ganzoo.bench.rows import BuiltRow, build_rows
from ganzoo.bench.runner import Display, Outcome, Runner, Settings
from ganzoo.errors import UserError
from ganzoo.runs.folder import RunFolder, write_json
from ganzoo.testing import temporary_plugins

GRID = """
grid.rows = ['base', 'nan']
grid.seeds = [0, 1]
grid.overrides = ['experiment.num_steps = 4', 'experiment.pretext = []']
row.recipe = 'tiny.gin'
nan/row:
    label = 'NaN'
    bindings = ['experiment.loss = @losses.nan_from_call']
    axes = ['experiment.loss']
"""
NAN_LOSS = '''
from ganzoo.losses.base import AdversarialLoss
from ganzoo.registry import register

@register("losses")
class nan_from_call(AdversarialLoss):
    """NaN from a call on.

    Source: this test.
    """

    def __init__(self, *, call: int = 3) -> None:
        self.left = call

    def d_loss(self, real_logits_N, fake_logits_N):
        self.left -= 1
        return (fake_logits_N - real_logits_N).mean() * (float("nan") if self.left < 0 else 1.0)

    def g_loss(self, fake_logits_N, real_logits_N):
        return -fake_logits_N.mean()
'''


class Ends:
    """Ends every job at once, with an exit code and, if it says anything, a report."""

    def __init__(self, said: str, exit_code: int) -> None:
        self.said, self.exit_code = said, exit_code
        self.submitted: list[str] = []
        self._ended: list[Ended] = []

    def submit(self, job: Job) -> None:
        self.submitted.append(job.name)
        job.prepare()
        if self.said:
            write_json(job.report_path, {"exit_code": self.exit_code, "message": self.said})
        self._ended.append(Ended(job, self.exit_code))

    def poll(self) -> list[Ended]:
        ended, self._ended = self._ended, []
        return ended

    def stop(self) -> list[Ended]:
        return self.poll()


class Quiet(Display):
    """A display that keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Bench:
    """The grid above in a folder."""

    def __init__(self, folder: Path, in_process: Callable[[], Executor]) -> None:
        self.folder, self.plugin, self.in_process = folder, folder / "nan.py", in_process
        self.plugin.write_text(NAN_LOSS)
        (folder / "grid.gin").write_text(GRID)
        self.grid = read_grid(folder / "grid.gin")
        self.built: dict[str, BuiltRow] = build_rows(self.grid, plugins=[self.plugin], num_threads=1)
        self.results, self.log = folder / "results", folder / "out" / "logs" / "base-seed0.log"

    def plan(self, **chosen: object) -> list[PlannedRun]:
        return plan_runs(self.grid, self.built, out=self.folder / "out", results=self.results, **chosen)  # type: ignore[arg-type]

    def call(
        self, *, retry_failed: bool = False, executor: Executor | None = None, **chosen: object
    ) -> tuple[Outcome, list[str], list[str]]:
        """Return how it ended, the runs that were started, and what was said."""
        settings = Settings(
            out=self.folder / "out", results=self.results, num_jobs=2, num_threads=1,
            plugins=(self.plugin,), retry_failed=retry_failed,
        )  # fmt: skip
        executor, display = executor or self.in_process(), Quiet()
        outcome = Runner(self.grid, settings, executor, display).run(self.plan(**chosen), sleep=lambda _: None)
        return outcome, executor.submitted, display.said


@pytest.fixture
def bench(tiny_recipe: Path, in_process: Callable[[], Executor]) -> Iterator[Bench]:
    with temporary_plugins():
        yield Bench(tiny_recipe.parent, in_process)


def test_a_failing_run_is_recorded_and_the_rest_goes_on(bench: Bench) -> None:
    outcome, submitted, said = bench.call()
    assert submitted == ["base-seed0", "nan-seed0", "base-seed1", "nan-seed1"]
    assert outcome == Outcome(finished=["base-seed0", "base-seed1"], failed=["nan-seed0", "nan-seed1"])
    found = {record.name: record for record in read_records(bench.results)}
    assert {name: record.status for name, record in found.items()} == {
        "base-seed0": "finished", "base-seed1": "finished", "nan-seed0": "failed", "nan-seed1": "failed",
    }  # fmt: skip
    assert found["nan-seed0"].reason is not None
    assert "NaN" in found["nan-seed0"].reason
    assert any(text.startswith("nan-seed1 failed: a loss or a weight is NaN") for text in said)
    assert found["base-seed0"].num_parameters == bench.built["base"].num_parameters
    assert (found["base-seed0"].recipe, found["nan-seed0"].label) == ("tiny.gin", "NaN")


def test_what_is_recorded_is_not_repeated_and_failed_runs_only_if_asked(bench: Bench) -> None:
    bench.call()
    before = {path: path.read_bytes() for path in bench.results.iterdir()}
    outcome, submitted, _ = bench.call()
    assert submitted == []
    assert (len(outcome.finished), len(outcome.failed)) == (2, 2)
    assert before == {path: path.read_bytes() for path in bench.results.iterdir()}
    _, submitted, _ = bench.call(retry_failed=True)
    assert submitted == ["nan-seed0", "nan-seed1"]


def test_only_some_rows_and_seeds_are_run(bench: Bench) -> None:
    _, submitted, _ = bench.call(only=["base"], seeds=[1])
    assert submitted == ["base-seed1"]
    assert [run.state for run in bench.plan(only=["base"])] == ["new", "finished"]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"only": ["bas"]}, "no row 'bas' in .*; did you mean 'base'"),
        ({"seeds": [7]}, "the grid has no seed 7; it has 0, 1"),
    ],
)
def test_a_row_or_seed_that_is_not_there_is_refused(bench: Bench, chosen, said) -> None:
    with pytest.raises(UserError, match=said):
        bench.plan(**chosen)


def test_a_run_that_ended_without_a_record_is_recorded_and_not_repeated(bench: Bench) -> None:
    bench.call(only=["base"], seeds=[0])
    record = bench.results / "base-seed0.json"
    content = record.read_bytes()
    record.unlink()
    assert [run.state for run in bench.plan(only=["base"], seeds=[0])] == ["ended"]
    _, submitted, _ = bench.call(only=["base"], seeds=[0])
    assert submitted == []
    assert record.read_bytes() == content


def test_records_and_folders_of_an_edited_grid_are_refused_with_the_difference(bench: Bench) -> None:
    bench.call(only=["base"], seeds=[0])
    (bench.folder / "grid.gin").write_text(GRID.replace("num_steps = 4", "num_steps = 5"))
    edited = read_grid(bench.folder / "grid.gin")
    bench.built = build_rows(edited, plugins=[bench.plugin], num_threads=1)
    for gone in (bench.folder / "none", bench.results / "base-seed0.json"):
        gone.unlink(missing_ok=True)
        with pytest.raises(UserError, match=r"is of another configuration(.|\n)*experiment\.num_steps: 4 -> 5"):
            bench.plan(only=["base"], seeds=[0])


def test_a_record_of_a_version_without_a_parameter_at_its_default_is_not_repeated(bench: Bench) -> None:
    bench.call(only=["base"], seeds=[0])
    path = bench.results / "base-seed0.json"
    text = path.read_text()
    assert "experiment.keep_checkpoints = 2\\n" in text
    path.write_text(text.replace("experiment.keep_checkpoints = 2\\n", ""))
    assert [run.state for run in bench.plan(only=["base"], seeds=[0])] == ["finished"]


def test_a_run_without_its_data_is_said_not_recorded_and_tried_again(bench: Bench, monkeypatch) -> None:
    def no_data(*_arguments: object, **_options: object) -> None:
        raise UserError("the data are missing")

    with monkeypatch.context() as patched:
        patched.setattr("ganzoo.data.synthetic.synthetic.load", no_data)
        outcome, _, said = bench.call(only=["base"], seeds=[0])
    assert outcome.broken == {"base-seed0": "the data are missing"}
    assert said == ["base-seed0 is not done: the data are missing"]
    assert read_records(bench.results) == []
    assert bench.call(only=["base"], seeds=[0])[0].finished == ["base-seed0"]


def test_a_run_that_crashes_is_recorded_as_failed_with_the_reason(bench: Bench, monkeypatch) -> None:
    def crash(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("ganzoo.training.recorder.Recorder.finish", crash)
    outcome, _, _ = bench.call(only=["base"], seeds=[0])
    assert outcome.failed == ["base-seed0"]
    (record,) = read_records(bench.results)
    assert record.status == "failed"
    assert record.reason is not None
    assert "unexpected error" in record.reason
    assert record.counters["step"] == 4


def test_a_folder_that_another_process_holds_is_waited_for(bench: Bench) -> None:
    held = RunFolder(bench.folder / "out" / "base-seed0").lock()
    held.__enter__()
    naps = 0

    def nap(_seconds: float) -> None:
        nonlocal naps
        naps += 1
        if naps == 3:
            held.__exit__(None, None, None)

    settings = Settings(out=bench.folder / "out", results=bench.results, num_jobs=1, num_threads=1)
    executor, display = bench.in_process(), Quiet()
    runner = Runner(bench.grid, settings, executor, display)
    outcome = runner.run(bench.plan(only=["base"]), sleep=nap)
    assert executor.submitted == ["base-seed1", "base-seed0"]
    assert outcome.finished == ["base-seed1", "base-seed0"]
    assert sum("another process is running" in text for text in display.said) == 1


def test_rows_of_one_seed_sample_from_the_same_latents(bench: Bench) -> None:
    """Before the first step both rows have the same generator, so equal pictures mean equal latents."""
    bench.call(seeds=[0])
    first = [bench.folder / "out" / f"{row}-seed0" / "samples" / "step-00000000.png" for row in ("base", "nan")]
    assert first[0].read_bytes() == first[1].read_bytes()


STOPPED = "stopped by SIGTERM after step 3, which is saved"
FULL = "cannot write to 'x' (No space left on device); the checkpoint of step 2 is kept"
NO_REPORT = ", and left no report; see {log}"


@pytest.mark.parametrize(
    ("said", "exit_code", "reason"),
    [
        (STOPPED, 3, STOPPED),
        (STOPPED, -1, STOPPED),
        (FULL, 3, FULL),
        ("", -9, f"ended by signal 9{NO_REPORT}"),
        ("", -1, f"ended by the cluster{NO_REPORT}"),
    ],
)
def test_a_run_that_was_ended_from_outside_is_not_done_and_not_recorded(
    bench: Bench, said: str, exit_code: int, reason: str
) -> None:
    folder = RunFolder(bench.folder / "out" / "base-seed0")
    bench.call(only=["base"], seeds=[0])  # so that there is a run in the folder
    folder.result_path.unlink()
    (bench.results / "base-seed0.json").unlink()
    outcome, submitted, heard = bench.call(executor=Ends(said, exit_code), only=["base"], seeds=[0])
    reason = reason.replace("{log}", str(bench.log))
    assert (submitted, outcome) == (["base-seed0"], Outcome(broken={"base-seed0": reason}))
    assert heard[-1] == f"base-seed0 is not done: {reason}"
    assert read_records(bench.results) == []


def test_an_unknown_exit_code_is_no_signal_and_points_to_the_log(bench: Bench) -> None:
    outcome, _, _ = bench.call(executor=Ends("", 139), only=["base"], seeds=[0])
    assert outcome.broken == {"base-seed0": f"ended with exit code 139, and left no report; see {bench.log}"}


def test_a_killed_run_is_not_done_whatever_an_earlier_process_said(bench: Bench) -> None:
    bench.call(executor=Ends(STOPPED, 3), only=["base"], seeds=[0])
    outcome, _, _ = bench.call(executor=Ends("", -9), only=["base"], seeds=[0])
    assert outcome == Outcome(broken={"base-seed0": f"ended by signal 9, and left no report; see {bench.log}"})


def test_a_retry_of_a_failed_run_begins_anew_once_and_then_goes_on(bench: Bench) -> None:
    commands: list[tuple[str, ...]] = []

    class Stops(Ends):
        def submit(self, job: Job) -> None:
            commands.append(job.command)
            RunFolder(bench.folder / "out" / job.name).result_path.unlink(missing_ok=True)  # as --fresh does
            super().submit(job)

    assert bench.call(only=["nan"], seeds=[0])[0].failed == ["nan-seed0"]
    for _ in range(2):
        bench.call(executor=Stops(STOPPED, 3), only=["nan"], seeds=[0], retry_failed=True)
    assert ["--fresh" in command for command in commands] == [True, False]


def test_a_retry_of_a_run_that_broke_down_goes_on_from_its_checkpoint(bench: Bench, monkeypatch) -> None:
    def crash(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError("division by zero")

    with monkeypatch.context() as patched:
        patched.setattr("ganzoo.training.recorder.Recorder.finish", crash)
        assert bench.call(only=["base"], seeds=[0])[0].failed == ["base-seed0"]
    (run,) = bench.plan(only=["base"], seeds=[0])
    assert (run.state, run.step, run.folder.checkpoints()) == ("failed", 4, [4])
    outcome, _, _ = bench.call(only=["base"], seeds=[0], retry_failed=True)
    assert outcome.finished == ["base-seed0"]
    assert "resuming" in (bench.folder / "out" / "logs" / "base-seed0.log").read_text()
