"""What a run leaves in its folder."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ganzoo import cli, registry
from ganzoo.config.load import load
from ganzoo.diagnostics.flags import judge_run
from ganzoo.diagnostics.row_keys import RowKey
from ganzoo.report.run_page import run_page
from ganzoo.runs.folder import read_rows, write_json
from ganzoo.runs.monitor import Silent
from ganzoo.testing import temporary_plugins
from ganzoo.training import recorder, result_writer, row_writer
from ganzoo.training.train_state import TrainState
from ganzoo.training.trainer import RunResult, train

PLUGIN_METRIC = '''
from ganzoo.metrics.base import Measurement, Metric
from ganzoo.registry import register

@register("metrics")
class {name}(Metric):
    """The number one.

    Source: this test.
    """

    def measure(self, inputs):
        return [Measurement("{name}", 1.0, None, True, {{}})]
'''


def run(recipe: Path, out: Path, *overrides: str, plugins: tuple[Path, ...] = ()) -> RunResult:
    configuration = load(str(recipe), overrides=overrides, plugins=plugins)
    return train(configuration, out=out, monitor=Silent())


def write_plugin(path: Path, name: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(PLUGIN_METRIC.format(name=name))
    return path


def test_a_run_keeps_the_file_of_every_plugin_that_its_configuration_names(
    tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Two files of one name, and neither of a part that trains.
    plugins = (write_plugin(tmp_path / "a/mine.py", "one"), write_plugin(tmp_path / "b/mine.py", "uno"))
    few = ("experiment.num_steps = 1", "experiment.metrics = [@metrics.one, @metrics.uno]")
    with temporary_plugins():
        run(tiny_recipe, tmp_path / "run", *few, plugins=plugins)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "run/plugins").iterdir()}
    assert kept == {
        f"mine-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.py": path.read_bytes() for path in plugins
    }

    shutil.rmtree(tmp_path / "a")
    shutil.rmtree(tmp_path / "b")
    for command in (["eval"], ["report"], ["sample", "--out", str(tmp_path / "grid.png")]):
        with temporary_plugins():
            assert cli.call([command[0], str(tmp_path / "run"), *command[1:]]) == 0, capsys.readouterr().err


def test_a_plugin_from_a_run_folder_keeps_its_name_in_the_next(tiny_recipe: Path, tmp_path: Path) -> None:
    few = ("experiment.num_steps = 1", "experiment.metrics = [@metrics.one]")
    with temporary_plugins():
        run(tiny_recipe, tmp_path / "run", *few, plugins=(write_plugin(tmp_path / "mine.py", "one"),))
    kept = tuple((tmp_path / "run/plugins").iterdir())
    with temporary_plugins():
        run(tmp_path / "run/operative.gin", tmp_path / "again", plugins=kept)
    assert [p.name for p in (tmp_path / "again/plugins").iterdir()] == [p.name for p in kept]
    assert [p.name for p in kept] != ["mine.py"]


def test_a_run_folder_whose_plugins_have_no_hash_in_their_name_can_be_opened(
    tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("experiment.num_steps = 1", "experiment.metrics = [@metrics.one]")
    with temporary_plugins():
        run(tiny_recipe, tmp_path / "run", *few, plugins=(write_plugin(tmp_path / "mine.py", "one"),))
    (kept,) = (tmp_path / "run/plugins").iterdir()
    kept.rename(kept.with_name("mine.py"))
    with temporary_plugins():
        assert cli.call(["eval", str(tmp_path / "run")]) == 0, capsys.readouterr().err


def test_evaluations_of_a_run_share_the_training_split(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthetic = registry.get("data.synthetic")
    read, loads = synthetic.load, []  # type: ignore[attr-defined]

    def load(self: object, split: str) -> object:
        loads.append(split)
        return read(self, split)

    monkeypatch.setattr(synthetic, "load", load)
    overrides = (
        "experiment.num_steps = 3",
        "experiment.eval_every = 1",
        "experiment.metrics = [@metrics.ms_ssim]",
        "metrics.ms_ssim.num_fake = 8",
    )
    run(tiny_recipe, tmp_path / "run", *overrides)
    # For training, and the held-out images that D's logits are measured on.
    assert loads == ["train", "test"]


def test_a_control_at_chance_is_no_sign_of_trouble(tiny_recipe: Path, tmp_path: Path) -> None:
    few = ("experiment.num_steps = 10", "experiment.log_every = 1")
    both = "experiment.pretext = [@pretext.rotation, @pretext.random_labels]"
    folder = run(tiny_recipe, tmp_path / "run", *few, both).folder
    # What guessing would reach is recorded of both, for their curves.
    result = folder.result()
    assert result is not None
    chance = result["chance"]
    assert isinstance(chance, dict)
    assert {RowKey.parse(key).owner for key in chance} == {"rotation", "random_labels"}

    rows = [{**row, "d/rotation/accuracy_real": 0.25, "d/random_labels/accuracy_real": 0.1} for row in folder.metrics()]
    experiment = load(str(folder.operative_path)).experiment
    judgement = judge_run(rows, experiment, chance={key: float(str(value)) for key, value in chance.items()})
    assert [flag.kind for flag in judgement.flags if "task" in flag.kind] == ["unlearned_task"]
    assert not any("random_labels" in sign for sign in [*judgement.judged, *judgement.too_few])

    write_json(folder.result_path, {**result, "flags": []})
    page = run_page(folder)
    assert "rotation that is not learnt" in page
    assert "random_labels that is not learnt" not in page


def test_a_logged_row_has_the_learning_rate_of_every_optimizer(tiny_recipe: Path, tmp_path: Path) -> None:
    settings = (
        "experiment.d_optimizer = @D/optim.adam",
        "D/optim.adam.learning_rate = 4e-4",
        "D/optim.adam.schedule = 'constant'",
        "experiment.g_optimizer = @G/optim.adam",
        "G/optim.adam.learning_rate = 1e-4",
        "G/optim.adam.schedule = 'linear'",
        "experiment.num_steps = 4",
        "experiment.log_every = 1",
    )
    rows = [row for row in run(tiny_recipe, tmp_path / "run", *settings).folder.metrics() if "d/loss" in row]
    assert [row["d/learning_rate"] for row in rows] == [4e-4] * 4
    # By the rule of the schedule: the rate of the next update, 0 after the last.
    assert [row["g/learning_rate"] for row in rows] == pytest.approx([0.75e-4, 0.5e-4, 0.25e-4, 0.0])


def test_further_groups_of_an_optimizer_are_numbered(tiny_recipe: Path) -> None:
    experiment = load(str(tiny_recipe)).experiment
    state = TrainState.create(experiment, experiment.dataset().spec(), num_images=8, device=torch.device("cpu"))
    extra = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam(
        [{"params": [extra], "lr": 0.5}, {"params": [torch.nn.Parameter(extra + 1)], "lr": 0.1}]
    )
    state.d_scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    rates = state.learning_rates()
    assert list(rates) == ["d/learning_rate", "d/learning_rate_2", "g/learning_rate"]
    assert (rates["d/learning_rate"], rates["d/learning_rate_2"]) == (0.5, 0.1)


class Clock:
    """A clock that stands still but where it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def takes(self, seconds: float, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that takes so long."""

        def slow(*arguments: Any, **options: Any) -> Any:
            self.now += seconds
            return function(*arguments, **options)

        return slow


@pytest.mark.parametrize(("log_every", "rows"), [(1, [1.0, 2.0, 3.0, 4.0, 5.0]), (5, [2.0, 4.0, 5.0])])
def test_seconds_of_training_leave_out_samples_and_evaluations_also_after_resuming(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_every: int, rows: list[float]
) -> None:
    clock = Clock()
    monkeypatch.setattr(row_writer, "time", SimpleNamespace(perf_counter=clock))
    monkeypatch.setattr(TrainState, "update_g", clock.takes(1.0, TrainState.update_g))
    for name in ("sample_images", "evaluate"):
        monkeypatch.setattr(recorder, name, clock.takes(1000.0, getattr(recorder, name)))
    monkeypatch.setattr(result_writer, "judge_run", clock.takes(1000.0, result_writer.judge_run))

    class Stop(Silent):
        def progress(self, step: int, values: object) -> None:
            if step == 3:
                raise ZeroDivisionError

    every = (f"log_every = {log_every}", "sample_every = 2", "eval_every = 2", "checkpoint_every = 2", "num_steps = 5")
    configuration = load(str(tiny_recipe), overrides=[f"experiment.{setting}" for setting in every])
    out = tmp_path / "run"
    with pytest.raises(ZeroDivisionError):
        train(configuration, out=out, monitor=Stop())
    result = train(configuration, out=out, monitor=Silent()).result
    # Update 3 is lost and done again; a checkpoint knows the seconds before it, logged or not.
    assert [row["seconds"] for row in read_rows(out / "timing.jsonl")] == rows
    assert result["seconds"] == 5.0
    assert clock.now > 6000
