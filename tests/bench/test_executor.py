"""Jobs as processes: exit codes, threads, the last sentence, and a benchmark that is killed or stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from ganzoo import cli
from ganzoo.bench import executor as executor_module
from ganzoo.bench.executor import ENDED_BY_CLUSTER, Ended, Executor, Job, LocalExecutor, SubmititExecutor, execute
from ganzoo.bench.record import RunRecord, read_records
from ganzoo.bench.run_grid import run_grid
from ganzoo.errors import UserError
from ganzoo.runs.exit_report import read_exit_report
from ganzoo.runs.folder import RunFolder

SCRIPT = (
    "import os, sys; from ganzoo.runs.exit_report import write_exit_report; "
    "write_exit_report({code}, f\"threads {{os.environ['OMP_NUM_THREADS']}}\"); sys.exit({code})"
)
PROC = Path("/proc")
GRID = """
grid.rows = ['base', 'ssgan']
grid.seeds = [0]
grid.overrides = ['experiment.num_steps = 60']
row.recipe = 'tiny.gin'
base/row.bindings = ['experiment.pretext = []']
ssgan/row.axes = ['experiment.pretext']
"""


def job(folder: Path, name: str, script: str) -> Job:
    return Job(name, (sys.executable, "-c", script), 3, folder / "logs" / f"{name}.log")


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ends(executor: Executor, number: int) -> list[Ended]:
    found: list[Ended] = []

    def collected() -> bool:
        found.extend(executor.poll())
        return len(found) >= number

    until(collected)
    return found


@pytest.mark.parametrize("kind", ["local", "submitit"])
def test_exit_codes_threads_and_the_last_sentence_come_back(kind: str, tmp_path: Path) -> None:
    if kind == "submitit":
        pytest.importorskip("submitit")
    executor = LocalExecutor() if kind == "local" else SubmititExecutor(tmp_path / "submitit", cluster="local")
    jobs = [job(tmp_path, f"job{code}", SCRIPT.format(code=code)) for code in (0, 3)]
    for one in jobs:
        executor.submit(one)
    assert {e.job.name: e.exit_code for e in ends(executor, 2)} == {"job0": 0, "job3": 3}
    assert [one.message() for one in jobs] == ["threads 3", "threads 3"]
    assert executor.poll() == []


def test_what_an_earlier_process_reported_is_not_the_message_of_a_job(tmp_path: Path) -> None:
    executor = LocalExecutor()
    first = job(tmp_path, "job", SCRIPT.format(code=3))
    executor.submit(first)
    ends(executor, 1)
    assert first.message() == "threads 3"
    again = job(tmp_path, "job", "import os; os.kill(os.getpid(), 9)")
    executor.submit(again)
    assert [e.exit_code for e in ends(executor, 1)] == [-9]
    assert again.message() == ""


def test_a_refused_run_reports_its_exit_code_and_the_sentence_that_it_says(tmp_path: Path) -> None:
    refused = Job("x", (sys.executable, "-m", "ganzoo", "run", "no_such_recipe"), 1, tmp_path / "x.log")
    executor = LocalExecutor()
    executor.submit(refused)
    assert [e.exit_code for e in ends(executor, 1)] == [2]
    report = read_exit_report(refused.report_path)
    assert report is not None
    assert report["exit_code"] == 2
    assert report["message"] == refused.message()
    assert "no_such_recipe" in refused.message()
    assert f"ganzoo: {refused.message()}" in refused.log.read_text()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let processes started here take SIGINT, which a shell makes its background commands ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("kind", ["local", "submitit"])
def test_stopping_sends_sigterm_and_waits_until_a_run_has_saved(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "submitit":
        pytest.importorskip("submitit")
        # A stopped job leaves no result. On a slow file system it might come late, so that submitit waits 15 seconds.
        monkeypatch.setattr("submitit.local.local.LocalJob._results_timeout_s", 1)
    executor = LocalExecutor() if kind == "local" else SubmititExecutor(tmp_path / "submitit", cluster="local")
    script = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(print('saved') or 7)); "
        "print('up', flush=True); time.sleep(60)"
    )
    executor.submit(job(tmp_path, "sleeper", script))
    log = tmp_path / "logs" / "sleeper.log"
    until(lambda: log.exists() and "up" in log.read_text())
    assert [e.exit_code for e in executor.stop()] == [7 if kind == "local" else ENDED_BY_CLUSTER]
    assert "saved" in log.read_text()
    assert executor.poll() == []


@pytest.mark.skipif(not PROC.exists(), reason="the system has no /proc")
def test_a_run_saves_when_the_cluster_announces_the_end_of_its_job(tmp_path: Path) -> None:
    script = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(print('saved') or 7)); "
        "print('up', flush=True); time.sleep(60)"
    )
    one = job(tmp_path, "sleeper", script)
    one.prepare()

    class AnnouncedError(Exception):
        """What submitit raises in the handler of the signal."""

    def announced(*_: object) -> None:
        raise AnnouncedError

    def announce() -> None:
        until(lambda: one.log.exists() and "up" in one.log.read_text())
        # Slurm sends it to every process of the job.
        for pid in (*children(os.getpid()), os.getpid()):
            os.kill(pid, signal.SIGUSR2)

    before = signal.signal(signal.SIGUSR2, announced)
    try:
        thread = threading.Thread(target=announce)
        thread.start()
        with pytest.raises(AnnouncedError):
            execute(one)
        thread.join()
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert "saved" in one.log.read_text()


def test_a_job_on_slurm_without_a_limit_of_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="such as --slurm timeout_min=1440"):
        SubmititExecutor(tmp_path, options={"slurm_partition": "gpu"})


def test_a_cluster_that_is_not_here_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    with pytest.raises(UserError, match="submitit cannot use the cluster 'slurm'"):
        SubmititExecutor(tmp_path, cluster="slurm", options={"timeout_min": 5})


def start(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "ganzoo", "bench", str(folder / "grid.gin"), "--jobs", "2"]
    command += ["--out", str(folder / "hurt" / "runs"), "--results", str(folder / "hurt" / "results")]
    # Not in a checkout, whose code it would take in place of an installed package that this process may have.
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **pipes, text=True, env=os.environ, cwd=folder)


def children(pid: int) -> list[int]:
    """Return the processes below one, the deepest first."""
    threads = (PROC / str(pid) / "task").iterdir() if PROC.exists() else ()
    own = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    return [*(below for child in own for below in children(child)), *own]


def comparable(results: Path) -> list[RunRecord]:
    """Return the records without what is measured in seconds and bytes."""
    return [replace(record, seconds=0.0, peak_memory_bytes=0) for record in read_records(results)]


@pytest.mark.slow
def test_a_grid_of_cluster_jobs_leaves_the_records_of_one_in_this_process(
    tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_process: type[Executor]
) -> None:
    pytest.importorskip("submitit")
    monkeypatch.chdir(tiny_recipe.parent)
    Path("grid.gin").write_text(GRID.replace("num_steps = 60", "num_steps = 2"))
    given: list[Mapping[str, object]] = []

    def without_slurm(folder: Path, *, options: Mapping[str, object]) -> SubmititExecutor:
        given.append(options)
        return SubmititExecutor(folder, cluster="local")

    monkeypatch.setattr(executor_module, "SubmititExecutor", without_slurm)
    to_slurm = ["--executor", "slurm", "--slurm", "timeout_min=10"]
    out = ["--out", "cluster/runs", "--results", "cluster/results"]
    assert cli.call(["bench", "grid.gin", "--jobs", "2", *out, *to_slurm]) == 0, capsys.readouterr()
    run_grid(Path("grid.gin"), out=Path("here/runs"), results=Path("here/results"), executor=in_process())
    assert given == [{"timeout_min": 10}]
    assert [record.name for record in read_records(Path("cluster/results"))] == ["base-seed0", "ssgan-seed0"]
    assert comparable(Path("cluster/results")) == comparable(Path("here/results"))


@pytest.mark.slow
def test_a_grid_killed_stopped_and_started_again_gives_the_same_records_to_the_bit(
    tiny_recipe: Path, in_process: type[Executor]
) -> None:
    # The whole grid trains in this process, one run after the other, and the hurt one in processes, two at a time.
    folder = tiny_recipe.parent
    (folder / "grid.gin").write_text(GRID)
    out, results = folder / "whole" / "runs", folder / "whole" / "results"
    outcome = run_grid(folder / "grid.gin", out=out, results=results, executor=in_process())
    assert outcome.finished == ["base-seed0", "ssgan-seed0"]

    for sent, step in ((signal.SIGKILL, 8), (signal.SIGTERM, 24)):
        process = start(folder)
        runs = [RunFolder(folder / "hurt" / "runs" / f"{row}-seed0") for row in ("base", "ssgan")]
        until(lambda runs=runs, step=step: any((run.checkpoints() or [0])[-1] >= step for run in runs))
        if sent is signal.SIGKILL:
            # The runs as well, which otherwise would get SIGTERM and save, and unseen by the benchmark.
            process.send_signal(signal.SIGSTOP)
            for pid in children(process.pid):
                os.kill(pid, signal.SIGKILL)
        process.send_signal(sent)
        out, err = process.communicate()
        assert process.returncode == (-signal.SIGKILL if sent is signal.SIGKILL else 3), (out, err)
        if sent is signal.SIGTERM:
            assert "the same command goes on from there" in err
            assert "Traceback" not in err
    last = start(folder)
    out, err = last.communicate()
    assert last.returncode == 0, (out, err)
    assert comparable(folder / "hurt" / "results") == comparable(folder / "whole" / "results")
    for row in ("base", "ssgan"):
        pictures = [folder / name / "results" / f"{row}-seed0.png" for name in ("whole", "hurt")]
        assert pictures[0].read_bytes() == pictures[1].read_bytes()
        weights = [RunFolder(folder / name / "runs" / f"{row}-seed0").checkpoint_path(60) for name in ("whole", "hurt")]
        assert len({(path / "networks.safetensors").read_bytes() for path in weights}) == 1
    proofs = [folder / name / "results" / "proof.json" for name in ("whole", "hurt")]
    assert proofs[0].read_bytes() == proofs[1].read_bytes()
