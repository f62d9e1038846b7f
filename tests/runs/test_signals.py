"""Real signals to a real process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganzoo import cli
from ganzoo.config.load import load
from ganzoo.errors import RunInterruptedError
from ganzoo.runs.folder import RunFolder
from ganzoo.runs.monitor import Silent
from ganzoo.runs.signals import stop_requests
from ganzoo.training.trainer import train


def arguments(recipe: Path, out: Path) -> list[str]:
    return ["run", str(recipe), "--out", str(out), "--set", "experiment.num_steps = 100"]


def start(recipe: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ganzoo", *arguments(recipe, out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def wait_for_checkpoint(out: Path, process: subprocess.Popen[str], step: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if any(s >= step for s in RunFolder(out).checkpoints()):
            return
        time.sleep(0.005)
    raise AssertionError(f"no checkpoint {step}: {process.communicate()}")


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_of_either_kind_ends_at_once(second: signal.Signals) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    seen: list[int] = []
    try:
        for number in handlers:
            signal.signal(number, lambda number, _frame: seen.append(number))
        with stop_requests() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert (stop.signal, seen) == (signal.SIGINT, [])
            os.kill(os.getpid(), second)
            assert seen == [second]
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_a_request_that_comes_after_a_step_was_saved_or_not_is_for_the_next_one(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    class Impatient(Silent):
        def progress(self, step: int, values: object) -> None:
            if step == 3:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(RunInterruptedError, match="stopped by SIGTERM after step 4, which is saved"):
        train(load(str(tiny_recipe)), out=tmp_path / "run", monitor=Impatient())
    assert RunFolder(tmp_path / "run").checkpoints() == [4]


@pytest.mark.slow
def test_sigkill_and_sigterm_at_any_moment_lose_nothing(
    tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.call(arguments(tiny_recipe, tmp_path / "whole")) == 0

    process = start(tiny_recipe, tmp_path / "hurt")
    wait_for_checkpoint(tmp_path / "hurt", process, 8)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    process = start(tiny_recipe, tmp_path / "hurt")
    wait_for_checkpoint(tmp_path / "hurt", process, 24)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 3
    assert "stopped by SIGTERM after step" in errors
    assert "Traceback" not in errors

    assert cli.call(arguments(tiny_recipe, tmp_path / "hurt")) == 0
    capsys.readouterr()
    assert cli.call(["diff", str(tmp_path / "whole"), str(tmp_path / "hurt")]) == 0
    assert capsys.readouterr().out.strip() == "identical"
