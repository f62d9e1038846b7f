"""The command line with a run: from a recipe to its folder and back, on twelve steps of noise."""

import importlib.metadata
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ganzoo import cli
from ganzoo.commands.training import show_dry_run
from ganzoo.config.load import Resolved, load
from ganzoo.config.recipe_files import recipes_dir, shown
from ganzoo.testing import temporary_plugins


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.call([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def finished(tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the tiny recipe, the same for all tests, beside its recipe `tiny.gin`."""
    folder = tmp_path_factory.getbasetemp() / "finished"
    if not folder.exists():
        folder.mkdir()
        shutil.copy(tiny_recipe, folder)
        assert cli.call(["run", str(folder / "tiny.gin"), "--out", str(folder / "run")]) == 0
    return folder / "run"


def read_grid(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_run_ends_with_the_places_of_samples_curves_and_folder(tiny_recipe, tmp_path, capsys):
    code, out, err = call(capsys, "run", tiny_recipe, "--out", tmp_path / "run")
    assert (code, err) == (0, "")
    for label in ("samples", "curves", "run folder"):
        place = re.search(rf"^  {label} +(.+)$", out, re.MULTILINE)
        assert place, out
        assert Path(place[1]).exists()
    assert "step 12/12" in out
    assert "rotation real" in out


def test_the_default_folder_is_named_after_recipe_and_seed(tiny_recipe, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call(capsys, "run", tiny_recipe, "--seed", 5)[0] == 0
    assert (tmp_path / "runs" / "tiny-seed5" / "result.json").is_file()
    assert json.loads((tmp_path / "runs" / "tiny-seed5" / "result.json").read_text())["seed"] == 5


def test_seed_threads_and_settings_are_bindings_of_the_run(tiny_recipe, tmp_path, capsys):
    code, _, err = call(
        capsys, "run", tiny_recipe, "--out", tmp_path / "run", "--seed", 3, "--threads", 1,
        "--set", "experiment.num_steps = 2", "--set", "optim.adam.learning_rate = 0.5",
    )  # fmt: skip
    assert (code, err) == (0, "")
    loaded = load(str(tmp_path / "run" / "operative.gin")).experiment
    assert (loaded.seed, loaded.num_threads, loaded.num_steps) == (3, 1, 2)
    assert loaded.g_optimizer.arguments["learning_rate"] == 0.5


def test_a_finished_run_is_reported_as_finished_and_left_alone(finished, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file() and path.name != ".lock"}
    code, out, _ = call(capsys, "run", finished.parent / "tiny.gin", "--out", finished)
    assert code == 0
    assert "had finished before; nothing was done" in out
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_run_recorded_as_failed_is_reported_as_failed_with_exit_code_1(finished, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "copy")
    failed = {"status": "failed", "reason": "a loss is NaN at step 12", "step": 12}
    (tmp_path / "copy" / "result.json").write_text(json.dumps(failed))
    code, out, _ = call(capsys, "run", finished.parent / "tiny.gin", "--out", tmp_path / "copy")
    assert code == 1
    assert "had ended as failed (a loss is NaN at step 12) before; nothing was done" in out


def test_signs_of_a_run_gone_wrong_stand_under_the_metrics(finished, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "copy")
    result = json.loads((finished / "result.json").read_text())
    (tmp_path / "copy" / "result.json").write_text(json.dumps({**result, "health": ["collapsed at step 12"]}))
    _, out, _ = call(capsys, "run", finished.parent / "tiny.gin", "--out", tmp_path / "copy")
    assert "  warning: collapsed at step 12\n" in out


def test_another_configuration_in_the_folder_is_refused_with_the_difference(finished, capsys):
    recipe = finished.parent / "tiny.gin"
    code, _, err = call(capsys, "run", recipe, "--out", finished, "--set", "experiment.latent_dim = 9")
    assert code == 2
    assert "holds a run of another configuration" in err
    assert "latent_dim" in err


def test_fresh_starts_anew(finished, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "copy")
    code, out, _ = call(capsys, "run", finished.parent / "tiny.gin", "--out", tmp_path / "copy", "--fresh")
    assert code == 0
    assert "had finished before" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "no_such_recipe"], "no_such_recipe"),
        (["check", "no/such/file.gin"], "no/such/file.gin"),
        (["run", "RECIPE", "--set", "experiment.num_step = 3"], "num_steps"),
        (["run", "RECIPE", "--set", "experiment.num_steps"], "experiment.num_steps"),
        (["run", "RECIPE", "--set", "experiment.num_steps = 'many'"], "num_steps"),
        (["run", "RECIPE", "--set", "pretext.rotation.alfa = 1.0"], "alpha"),
        (["run", "RECIPE", "--seed", "-1"], "seed must be at least 0"),
        (["run", "RECIPE", "--threads", "0"], "num_threads must be at least 1"),
        (["run", "RECIPE", "--device", "cuda:99"], "no device 'cuda:99'"),
        (["run", "RECIPE", "--device", "cdua"], "no device 'cdua'"),
        (["run", "RECIPE", "--plugin", "no_such.py"], "no plugin file"),
        (["check", "RECIPE", "--set", "experiment.batch_size = 6"], "multiple of 4"),
    ],
)
def test_a_mistake_in_a_run_is_said_before_anything_is_written(
    tiny_recipe, tmp_path, capsys, monkeypatch, arguments, said
):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, *(tiny_recipe if a == "RECIPE" else a for a in arguments))
    assert code == 2, err
    assert out == ""
    assert err.startswith("ganzoo: ")
    assert said in err
    assert "Traceback" not in err
    assert not list(tmp_path.glob("runs/*/checkpoints"))


def test_check_prints_parameters_shapes_and_every_resolved_binding(tiny_recipe, capsys):
    code, out, err = call(capsys, "check", tiny_recipe)
    assert (code, err) == (0, "")
    for key, value, where in load(str(tiny_recipe)).resolved:
        assert re.search(rf"^  {re.escape(key)} +{re.escape(value)} +{re.escape(where)}$", out, re.MULTILINE), key
    assert "discriminator with heads" in out
    assert re.search(r"generator: image +1 x 16 x 16", out)
    assert "tiny is sound: two steps at batch 8" in out


@pytest.mark.parametrize("watched", [True, False])
def test_check_breaks_no_name_and_names_packaged_places_as_includes_do(capsys, monkeypatch, watched):
    monkeypatch.setattr("ganzoo.commands.terminal.is_terminal", lambda: watched)
    monkeypatch.setattr("ganzoo.commands.training.is_terminal", lambda: watched)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    component, place = "architectures.resnet_discriminator", "base/resnet_discriminator.gin:6"
    names = ("attention_resolution", "normalization", "weight_standardization")
    rows = [
        Resolved(f"{component}.{name}", "@normalizations.none", f"{shown(recipes_dir())}/{place}") for name in names
    ]
    empty: dict[str, dict[str, object]] = {key: {} for key in ("num_parameters", "num_images", "shapes", "parts")}
    report = SimpleNamespace(**empty, resolved=rows, precision="", name="", batch_size=1)
    show_dry_run(report, precision="")
    lines = capsys.readouterr().out.splitlines()
    heads = names if watched else [f"{component}.{name}" for name in names]
    assert [line.split() for line in lines if place in line] == [
        [head, "@normalizations.none", place] for head in heads
    ]
    assert (component in lines) == watched


def test_sample_draws_the_asked_number_of_images_again_the_same(finished, tmp_path, capsys):
    for name in ("a.png", "b.png"):
        assert call(capsys, "sample", finished, "--num", 6, "--out", tmp_path / name)[0] == 0
    # Three columns of 16 pixels enlarged by 14, two rows.
    assert read_grid(tmp_path / "a.png").shape == (2 * 16 * 14 + 2, 3 * 16 * 14 + 4)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_another_seed_and_another_step_give_other_images(finished, tmp_path, capsys):
    for name, *more in (("a.png",), ("b.png", "--seed", 1), ("c.png", "--step", 8)):
        assert call(capsys, "sample", finished, "--num", 4, "--out", tmp_path / name, *more)[0] == 0
    a, b, c = (read_grid(tmp_path / name) for name in ("a.png", "b.png", "c.png"))
    assert not (a == b).all()
    assert not (a == c).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--step", 7], "no checkpoint of step 7; it has: 8, 12"), (["--class", 1], "unconditional")],
)
def test_sample_refuses_what_the_run_does_not_have(finished, tmp_path, capsys, arguments, said):
    code, _, err = call(capsys, "sample", finished, "--out", tmp_path / "x.png", *arguments)
    assert code == 2
    assert said in err
    assert not (tmp_path / "x.png").exists()


def test_sample_of_a_class_of_a_conditional_run(tiny_recipe, tmp_path, capsys):
    setting = ("--set", "experiment.conditioning = @conditioning.projection", "--set", "experiment.num_steps = 2")
    assert call(capsys, "run", tiny_recipe, "--out", tmp_path / "run", *setting)[0] == 0
    for label in (0, 1):
        done = call(
            capsys, "sample", tmp_path / "run", "--num", 4, "--class", label, "--out", tmp_path / f"{label}.png"
        )
        assert done[0] == 0
    assert not (read_grid(tmp_path / "0.png") == read_grid(tmp_path / "1.png")).all()
    code, _, err = call(capsys, "sample", tmp_path / "run", "--class", 99, "--out", tmp_path / "x.png")
    assert code == 2
    assert "no class 99; " in err


def test_diff_of_two_equal_runs_says_identical(finished, tmp_path, capsys):
    recipe = finished.parent / "tiny.gin"
    assert call(capsys, "run", recipe, "--out", tmp_path / "again")[0] == 0
    assert call(capsys, "diff", finished, tmp_path / "again") == (0, "identical\n", "")


def test_diff_of_another_seed_says_what_differs_and_from_which_step(finished, tmp_path, capsys):
    assert call(capsys, "run", finished.parent / "tiny.gin", "--out", tmp_path / "other", "--seed", 9)[0] == 0
    code, out, err = call(capsys, "diff", finished, tmp_path / "other")
    assert (code, err) == (1, "")
    assert "seed" in out
    assert "metrics.jsonl differs from step 0 on" in out
    assert re.search(r"\d+ of \d+ tensors of step 12 differ", out)


def test_the_operative_configuration_of_a_run_gives_an_identical_run(finished, tmp_path, capsys):
    assert call(capsys, "run", finished / "operative.gin", "--out", tmp_path / "again")[0] == 0
    assert call(capsys, "diff", finished, tmp_path / "again")[:2] == (0, "identical\n")


def test_eval_without_metrics_says_so_and_changes_nothing(finished, capsys):
    before = sorted(path for path in finished.rglob("*"))
    code, _, err = call(capsys, "eval", finished)
    assert code == 2
    assert "has no metrics configured; name a protocol" in err
    assert sorted(path for path in finished.rglob("*")) == before


def test_eval_of_the_last_step_gives_the_numbers_of_the_run(tiny_recipe, tmp_path, capsys):
    numbers = ("num_real = 16", "num_fake = 16", "num_subsets = 4", "subset_size = 8", "reference_split = 'train'")
    settings = [
        "experiment.num_steps = 2",
        "experiment.metrics = [@metrics.kernel_distance]",
        "metrics.kernel_distance.features = @features.efficientnet_lite0",
        *(f"metrics.kernel_distance.{number}" for number in numbers),
    ]
    overrides = [part for setting in settings for part in ("--set", setting)]
    assert call(capsys, "run", tiny_recipe, "--out", tmp_path / "run", *overrides)[0] == 0
    (measured,) = json.loads((tmp_path / "run" / "result.json").read_text())["metrics"]
    code, out, _ = call(capsys, "eval", tmp_path / "run")
    assert code == 0
    assert out.splitlines()[-1].split()[:2] == [measured["name"], f"{measured['value']:.5g}"]


def test_eval_by_several_protocols_prints_them_side_by_side_and_reports_what_fails(finished, tmp_path, capsys):
    one, two = tmp_path / "one.gin", tmp_path / "two.gin"
    distance = (
        "experiment.metrics = [@metrics.kernel_distance{more}]\nmetrics.kernel_distance.features = @features.pixels\n"
    )
    numbers = "metrics.kernel_distance:\n    num_real = 16\n    num_fake = {num}\n    subset_size = 8\n"
    one.write_text(distance.format(more="") + numbers.format(num=16))
    two.write_text(
        distance.format(more=", @metrics.memorization")
        + numbers.format(num=24)
        + "metrics.memorization:\n    features = @features.pixels\n    held_out_split = 'tset'\n"
    )
    arguments = ("--protocol", one, "--protocol", two, "--out", tmp_path / "numbers.json")
    code, out, err = call(capsys, "eval", finished, *arguments)
    assert code == 0
    heading, row = (re.split(r"  +", line.strip()) for line in out.splitlines()[-3:-1])
    assert heading == ["metric", "one", "two", "better"]
    assert row[0] == "kd_pixels_32px"
    report = json.loads((tmp_path / "numbers.json").read_text())["protocols"]
    values = [report[name]["metrics"][0]["value"] for name in ("one", "two")]
    assert [cell.split()[0] for cell in row[1:3]] == [f"{value:.5g}" for value in values]
    assert "two: metrics.memorization.held_out_split is 'tset'" in err
    assert report["two"]["metric_failures"][0]["metric"] == "metrics.memorization"


def test_eval_in_which_nothing_can_be_computed_ends_with_2(finished, tmp_path, capsys):
    (tmp_path / "typo.gin").write_text(
        "experiment.metrics = [@metrics.frechet_distance]\nmetrics.frechet_distance.features = @features.pixels\n"
        "metrics.frechet_distance.reference_split = 'tset'\n"
    )
    code, _, err = call(capsys, "eval", finished, "--protocol", tmp_path / "typo.gin")
    assert code == 2
    assert "nothing could be computed" in err
    assert "reference_split is 'tset'" in err
    assert len(err.splitlines()) == 1


def test_an_unexpected_error_in_a_run_names_its_folder(tiny_recipe, tmp_path, capsys, monkeypatch):
    def fail(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("ganzoo.training.trainer.training_loop", fail)
    code, _, err = call(capsys, "run", tiny_recipe, "--out", tmp_path / "run")
    assert code == 1
    assert f"The run folder is '{tmp_path / 'run'}'." in err.splitlines()[0]
    assert "ZeroDivisionError" in err


def test_doctor_shows_versions_devices_data_sets_extractors_and_plugins(capsys):
    code, out, err = call(capsys, "doctor")
    assert (code, err) == (0, "")
    assert re.search(rf"^  torch +{re.escape(importlib.metadata.version('torch'))}", out, re.MULTILINE)
    assert "1 threads" in out
    assert re.search(r"^  data\.digits +\S", out, re.MULTILINE)
    assert re.search(r"^  data\.synthetic +\S", out, re.MULTILINE)
    assert re.search(r"^  features\.efficientnet_lite0 +available", out, re.MULTILINE)
    for title in ("versions:", "devices:", "data sets:", "feature extractors:", "plugins:"):
        assert title in out.splitlines()


def test_eval_refuses_two_protocols_of_one_name(finished, tmp_path, capsys):
    first, second = (tmp_path / folder / "same.gin" for folder in ("a", "b"))
    for path in (first, second):
        path.parent.mkdir()
        path.write_text("experiment.metrics = [@metrics.ms_ssim]\n")
    code, _, err = call(capsys, "eval", finished, "--protocol", first, "--protocol", second)
    assert code == 2
    assert f"--protocol {second} and --protocol {first} would both be called 'same'; rename one file" in err


def test_a_report_of_a_run_whose_metrics_are_gone_or_damaged_is_refused(finished, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "copy")
    metrics = tmp_path / "copy" / "metrics.jsonl"
    metrics.write_text('{"step": 1, "d/loss": "a"}\n')
    code, _, err = call(capsys, "report", tmp_path / "copy")
    assert (code, len(err.splitlines())) == (2, 1)
    assert f"{metrics}:1: is no row of a run: 'd/loss' is \"a\", and must be a number" in err
    metrics.unlink()
    code, _, err = call(capsys, "report", tmp_path / "copy")
    assert (code, len(err.splitlines())) == (2, 1)
    assert f"'{metrics}' is missing, which holds every curve" in err


def test_eval_takes_bindings_that_win_over_the_protocol(finished, tmp_path, capsys):
    protocol = tmp_path / "pairs.gin"
    protocol.write_text("experiment.metrics = [@metrics.ms_ssim]\nmetrics.ms_ssim.num_pairs = 3\n")
    numbers = tmp_path / "numbers.json"
    binding = "metrics.ms_ssim.num_pairs = 5"
    code, _, err = call(capsys, "eval", finished, "--protocol", protocol, "--set", binding, "--out", numbers)
    assert code == 0, err
    (measured, *_) = json.loads(numbers.read_text())["protocols"]["pairs"]["metrics"]
    assert measured["protocol"]["num_pairs"] == 5
    code, _, err = call(capsys, "eval", finished, "--set", binding)
    assert code == 2
    assert "--set overrides a protocol; name one" in err


BRIGHTNESS = '''
from ganzoo.metrics.base import Measurement, Metric
from ganzoo.registry import register

@register("metrics")
class brightness_{name}(Metric):
    """The mean of 16 generated images.

    Source: this test.
    """

    def measure(self, inputs):
        mean = float(inputs.fake_images(16).images_NCHW.double().mean())
        return [Measurement("brightness_{name}", mean, None, True, inputs.protocol(None, None))]
'''


def test_eval_finds_metrics_of_the_runs_own_plugins_and_of_given_ones(finished, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    (run / "plugins").mkdir(exist_ok=True)
    (run / "plugins" / "own.py").write_text(BRIGHTNESS.format(name="own"))
    (tmp_path / "given.py").write_text(BRIGHTNESS.format(name="given"))
    for name in ("own", "given"):
        (tmp_path / f"{name}.gin").write_text(f"experiment.metrics = [@metrics.brightness_{name}]\n")
    protocols = ("--protocol", tmp_path / "own.gin", "--protocol", tmp_path / "given.gin")
    with temporary_plugins():
        code, _, err = call(capsys, "eval", run, *protocols)
        assert (code, "--protocol" in err, "brightness_given" in err) == (2, True, True)
        code, out, err = call(capsys, "eval", run, *protocols, "--plugin", tmp_path / "given.py")
    assert (code, err) == (0, "")
    assert "brightness_own" in out
    assert "brightness_given" in out


def test_a_run_whose_metrics_failed_does_not_say_that_none_are_configured(finished, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "copy")
    path = tmp_path / "copy" / "result.json"
    failure = {"metric": "metrics.toy", "reason": "too few images"}
    path.write_text(json.dumps({**json.loads(path.read_text()), "metrics": [], "metric_failures": [failure]}))
    code, out, _ = call(capsys, "run", finished.parent / "tiny.gin", "--out", tmp_path / "copy")
    assert code == 0
    assert "metrics.toy could not be computed: too few images" in out
    assert "no metrics are configured" not in out


def test_probe_names_its_option_where_images_are_too_few(finished, capsys):
    code, _, err = call(capsys, "probe", finished, "--num-train", "10000")
    assert code == 2
    assert "lower --num-train" in err
    assert "metrics.linear_probe.num_train" not in err
