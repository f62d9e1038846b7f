"""A run's folder, its end, and what it refuses."""

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from ganzoo import cli, registry
from ganzoo.batch import ImageBatch, Latents, to_images
from ganzoo.config.load import load
from ganzoo.data.base import ImageData
from ganzoo.data.image_folder import image_folder
from ganzoo.diagnostics import measurements
from ganzoo.errors import NotFiniteError, RunFailedError, RunInterruptedError, UserError
from ganzoo.runs.folder import Json, RunFolder
from ganzoo.runs.monitor import Silent
from ganzoo.testing import temporary_plugins
from ganzoo.training.checkpoint import read_networks
from ganzoo.training.train_state import TrainState
from ganzoo.training.trainer import RunResult, train

NAN_LOSS = '''
from ganzoo.losses.base import AdversarialLoss
from ganzoo.registry import register

@register("losses")
class nan_from_call(AdversarialLoss):
    """Hinge-like until a call, then NaN.

    Source: this test.
    """

    def __init__(self, *, call: int = 5) -> None:
        self.left = call

    def d_loss(self, real_logits_N, fake_logits_N):
        self.left -= 1
        return (fake_logits_N - real_logits_N).mean() * (float("nan") if self.left < 0 else 1.0)

    def g_loss(self, fake_logits_N, real_logits_N):
        return -fake_logits_N.mean()
'''


def run(recipe: Path, out: Path, *overrides: str, monitor: Silent | None = None, **arguments: object) -> RunResult:
    configuration = load(str(recipe), overrides=overrides)
    return train(configuration, out=out, monitor=monitor or Silent(), **arguments)  # type: ignore[arg-type]


def networks(folder: Path, step: int) -> dict[str, torch.Tensor]:
    return read_networks(RunFolder(folder).checkpoint_path(step))


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def logged(result: RunResult) -> list[dict[str, Json]]:
    """The rows of losses, without those of samples and evaluations."""
    return [row for row in result.folder.metrics() if "d/loss" in row]


class KilledError(Exception):
    """Stands for SIGKILL: nothing of the trainer runs after it."""


class KillAt(Silent):
    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def progress(self, step: int, values: object) -> None:
        if step == self.step:
            raise KilledError


@pytest.mark.parametrize("killed_at", [1, 3, 5, 8, 11, 12])
def test_a_run_killed_and_resumed_equals_one_never_killed(tiny_recipe: Path, tmp_path: Path, killed_at: int) -> None:
    sampled = "experiment.sample_every = 5"
    run(tiny_recipe, tmp_path / "whole", sampled)
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "killed", sampled, monitor=KillAt(killed_at))
    result = run(tiny_recipe, tmp_path / "killed", sampled)

    assert not result.was_finished
    assert same(networks(tmp_path / "whole", 12), networks(tmp_path / "killed", 12))
    for name in ("metrics.jsonl", "operative.gin", "checkpoints/step-00000012/networks.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name


def test_a_run_of_the_operative_configuration_is_identical(tiny_recipe: Path, tmp_path: Path) -> None:
    run(tiny_recipe, tmp_path / "a", "experiment.seed = 3")
    run(tmp_path / "a" / "operative.gin", tmp_path / "b")
    assert same(networks(tmp_path / "a", 12), networks(tmp_path / "b", 12))
    assert (tmp_path / "a/operative.gin").read_text() == (tmp_path / "b/operative.gin").read_text()
    assert (tmp_path / "a/metrics.jsonl").read_text() == (tmp_path / "b/metrics.jsonl").read_text()


def test_another_seed_gives_other_weights(tiny_recipe: Path, tmp_path: Path) -> None:
    run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 1")
    run(tiny_recipe, tmp_path / "b", "experiment.num_steps = 1", "experiment.seed = 1")
    assert not same(networks(tmp_path / "a", 1), networks(tmp_path / "b", 1))


def test_sampling_and_logging_more_often_changes_no_weight(tiny_recipe: Path, tmp_path: Path) -> None:
    run(tiny_recipe, tmp_path / "rarely")
    run(tiny_recipe, tmp_path / "often", "experiment.sample_every = 1", "experiment.log_every = 1")
    assert same(networks(tmp_path / "rarely", 12), networks(tmp_path / "often", 12))


def test_a_run_without_its_probes_has_the_same_weights(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = ("experiment.num_steps = 6", "experiment.sample_every = 2", "experiment.log_every = 1")
    probed = run(tiny_recipe, tmp_path / "probed", *often)
    for name in ("grad_norms", "singular_values", "pairwise_distance", "logit_gap", "normalized_sigma"):
        monkeypatch.setattr(measurements, name, lambda *_: {})
    bare = run(tiny_recipe, tmp_path / "bare", *often)
    assert same(networks(tmp_path / "probed", 6), networks(tmp_path / "bare", 6))

    rows = probed.folder.metrics()
    assert [row["step"] for row in rows if "health/pairwise_distance" in row] == [0, 2, 4, 6]
    assert all({"health/d_gap", "health/normalized_sigma"} <= row.keys() for row in rows if "d/loss" not in row)
    assert all({"d/grad_norm", "g/grad_norm"} <= row.keys() for row in logged(probed))
    # The heads of tasks are normalised as D is; the generator of this recipe is not.
    layers = [key for key in logged(probed)[0] if key.startswith("sigma/")]
    assert {key.split(".")[0] for key in layers} == {"sigma/discriminator", "sigma/task_modules"}
    assert logged(bare)[0].keys() == logged(probed)[0].keys() - {"d/grad_norm", "g/grad_norm", *layers}


@pytest.mark.slow
def test_evaluating_changes_no_weight(tiny_recipe: Path, tmp_path: Path) -> None:
    run(tiny_recipe, tmp_path / "never", "experiment.num_steps = 4")
    metric = [
        "experiment.metrics = [@metrics.frechet_distance]",
        "metrics.frechet_distance.features = @features.efficientnet_lite0",
        "metrics.frechet_distance.num_fake = 24",
        "metrics.frechet_distance.allow_singular = True",
    ]
    result = run(tiny_recipe, tmp_path / "always", "experiment.num_steps = 4", "experiment.eval_every = 1", *metric)
    assert same(networks(tmp_path / "never", 4), networks(tmp_path / "always", 4))
    rows = [row for row in result.folder.metrics() if "metric/fd_efflite0_64px" in row]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_later_evaluation_needs_no_files_even_of_another_split(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = [
        "experiment.num_steps = 2",
        "experiment.metrics = [@a/metrics.frechet_distance, @metrics.frechet_distance]",
        "metrics.frechet_distance.features = @features.efficientnet_lite0",
        "metrics.frechet_distance.num_fake = 24",
        "metrics.frechet_distance.allow_singular = True",
        "a/metrics.frechet_distance.reference_split = 'test'",
    ]
    result = run(tiny_recipe, tmp_path / "a", *overrides)
    row = result.folder.metrics()[-1]
    assert {"metric/fd_efflite0_64px/test", "metric/fd_efflite0_64px/train"} <= row.keys()
    assert set(result.folder.environment()["data_sha256"]) == {"train", "test"}  # type: ignore[arg-type]

    def gone(_self: object, split: str) -> None:
        raise AssertionError(f"the files of {split} are gone")

    monkeypatch.setattr(registry.get("data.synthetic"), "load", gone)
    assert cli.call(["eval", str(tmp_path / "a")]) == 0
    assert f"{row['metric/fd_efflite0_64px/test']:.5g}" in capsys.readouterr().out


def test_ssgan_and_its_baseline_start_from_the_same_weights_and_see_the_same_images(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    frozen = ["experiment.num_steps = 1", "optim.adam.learning_rate = 1e-30"]
    ssgan = run(tiny_recipe, tmp_path / "ssgan", *frozen)
    lines = tiny_recipe.read_text().replace("[@pretext.rotation]", "[]").splitlines()
    baseline = tmp_path / "baseline.gin"
    baseline.write_text("\n".join(line for line in lines if not line.startswith("pretext.")))
    plain = run(baseline, tmp_path / "plain", *frozen)
    a, b = networks(tmp_path / "ssgan", 1), networks(tmp_path / "plain", 1)
    assert set(a) - set(b) == {name for name in a if name.startswith("task_modules.")}
    # A learning rate of 0 is refused; this one moves only what starts at 0, by less than 1e-29.
    assert all(torch.allclose(a[name], b[name], rtol=0, atol=1e-29) for name in b)
    # The adversarial loss depends on weights, images, latents and augmentation: all of them are equal.
    rows_a, rows_b = logged(ssgan)[0], logged(plain)[0]
    assert rows_a["d/adversarial"] == pytest.approx(rows_b["d/adversarial"], abs=1e-6)
    assert rows_a["g/adversarial"] == pytest.approx(rows_b["g/adversarial"], abs=1e-6)


def test_a_finished_run_is_reported_and_left_alone(tiny_recipe: Path, tmp_path: Path) -> None:
    first = run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2")
    before = (tmp_path / "a/metrics.jsonl").stat().st_mtime_ns
    second = run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2")
    assert second.was_finished
    assert second.result == first.result
    assert (tmp_path / "a/metrics.jsonl").stat().st_mtime_ns == before


def test_fresh_leaves_the_old_run_alone_until_a_new_one_can_begin(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_arguments: object, **_options: object) -> None:
        raise UserError("the data are missing")

    run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*") if path.name != ".lock"}
    with monkeypatch.context() as patched:
        patched.setattr(registry.get("data.synthetic"), "load", missing)
        with pytest.raises(UserError, match="the data are missing"):
            run(tiny_recipe, tmp_path / "a", fresh=True)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 3", fresh=True)
    assert RunFolder(tmp_path / "a").checkpoints() == [3]


def test_fresh_starts_over(tiny_recipe: Path, tmp_path: Path) -> None:
    run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2")
    assert not run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 3", fresh=True).was_finished


def test_what_another_run_left_without_its_configuration_is_never_continued_or_reported(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 4")
    (tmp_path / "a/operative.gin").unlink()
    other = ("experiment.num_steps = 4", "experiment.seed = 1")
    for _ in range(2):
        with pytest.raises(UserError, match=r"(?s)checkpoint of step 4 .* another configuration.*seed: 0 -> 1"):
            run(tiny_recipe, tmp_path / "a", *other)
    result = run(tiny_recipe, tmp_path / "a", *other, fresh=True)
    assert not result.was_finished
    assert result.result["seed"] == 1

    # A result alone is not reported, not even after the new run was killed.
    (tmp_path / "a/operative.gin").unlink()
    shutil.rmtree(tmp_path / "a/checkpoints")
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "a", monitor=KillAt(2))
    assert not run(tiny_recipe, tmp_path / "a").was_finished


def test_another_configuration_is_refused_with_the_difference(tiny_recipe: Path, tmp_path: Path) -> None:
    run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2")
    with pytest.raises(UserError, match=r"(?s)another configuration.*experiment\.batch_size.*8.*16"):
        run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2", "experiment.batch_size = 16")


def test_another_number_of_threads_is_allowed_and_said(tiny_recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "a", monitor=KillAt(5))
    monitor = Silent()
    run(tiny_recipe, tmp_path / "a", "experiment.num_threads = 2", monitor=monitor)
    assert any("began with 1 threads and goes on with 2" in text for text in monitor.said)
    assert any("from step 4" in text for text in monitor.said)


def test_other_code_or_versions_since_the_run_began_are_said(tiny_recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "a", monitor=KillAt(5))
    path = tmp_path / "a/env.json"
    recorded = json.loads(path.read_text())
    files = recorded["training_code_files"]
    path.write_text(json.dumps({**recorded, "training_code_files": {**files, "gan/steps.py": "another"}}))
    monitor = Silent()
    run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 12", monitor=monitor)
    assert any("other training code than before" in text for text in monitor.said)
    (later,) = json.loads(path.read_text())["continued"]
    assert (later["step"], later["training_code_files"]) == (4, files)


def test_a_run_without_a_checkpoint_is_of_the_code_that_begins_it_anew(tiny_recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "a", monitor=KillAt(2))
    assert RunFolder(tmp_path / "a").checkpoints() == []
    path = tmp_path / "a/env.json"
    recorded = json.loads(path.read_text())
    path.write_text(json.dumps({**recorded, "training_code_sha256": "another"}))
    run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 12")
    now = json.loads(path.read_text())
    assert (now["training_code_sha256"], "continued" in now) == (recorded["training_code_sha256"], False)


def test_a_truncated_checkpoint_is_said_and_the_one_before_is_used(tiny_recipe: Path, tmp_path: Path) -> None:
    run(tiny_recipe, tmp_path / "whole")
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "a", monitor=KillAt(9))
    damaged = tmp_path / "a/checkpoints/step-00000008/training.pt"
    damaged.write_bytes(damaged.read_bytes()[:100])
    monitor = Silent()
    run(tiny_recipe, tmp_path / "a", monitor=monitor)
    assert any("step 8 is damaged" in text for text in monitor.said)
    assert any("from step 4" in text for text in monitor.said)
    assert same(networks(tmp_path / "whole", 12), networks(tmp_path / "a", 12))


def test_a_full_disk_is_a_sentence_and_keeps_the_last_checkpoint(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, calls = safetensors.torch.save_file, []

    def save_until_full(*arguments: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "save_file", save_until_full)
        with pytest.raises(RunInterruptedError, match=r"No space left on device.*the last good one is step 4"):
            run(tiny_recipe, tmp_path / "a")
    assert [p.name for p in (tmp_path / "a/checkpoints").iterdir()] == ["step-00000004"]

    run(tiny_recipe, tmp_path / "whole")
    run(tiny_recipe, tmp_path / "a")
    assert same(networks(tmp_path / "whole", 12), networks(tmp_path / "a", 12))


@pytest.mark.parametrize(
    "name", ["row_writer.append_row", "recorder.save_grid", "result_writer.write_json", "result_writer.save_curves"]
)
def test_a_folder_that_cannot_be_written_to_is_named_with_what_is_kept(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2")
    (tmp_path / "a/result.json").unlink()

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"ganzoo.training.{name}", full)
    with pytest.raises(
        RunInterruptedError, match=r"cannot write to '.*a' \(.*No space left.*\); the checkpoint of step 2"
    ):
        run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2")


def test_a_data_file_that_cannot_be_read_is_named_and_the_run_folder_is_not_blamed(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_self: object, _split: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/data/batch_1.bin")

    monkeypatch.setattr(registry.get("data.synthetic"), "load", forbidden)
    with pytest.raises(
        RunInterruptedError, match=r"^cannot use '/data/batch_1\.bin' \(Permission denied\); there is no"
    ):
        run(tiny_recipe, tmp_path / "a")


def test_a_reader_of_the_output_that_has_seen_enough_is_no_error_of_the_folder(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    class Gone(Silent):
        def progress(self, step: int, values: object) -> None:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2", monitor=Gone())


def test_a_nan_ends_the_run_as_failed_and_keeps_the_last_good_checkpoint(tiny_recipe: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "nan_loss.py"
    plugin.write_text(NAN_LOSS)
    overrides = ("experiment.loss = @losses.nan_from_call", "losses.nan_from_call.call = 11")
    with temporary_plugins():
        registry.load_file(plugin)
        with pytest.raises(RunFailedError, match=r"NaN or infinite at step 6; the last good checkpoint is step 4"):
            run(tiny_recipe, tmp_path / "a", *overrides)
    result = json.loads((tmp_path / "a/result.json").read_text())
    assert result["status"] == "failed"
    assert "NaN" in result["reason"]
    assert RunFolder(tmp_path / "a").checkpoints() == [4]
    assert all(torch.isfinite(t).all() for t in networks(tmp_path / "a", 4).values())
    (kept,) = (tmp_path / "a/plugins").iterdir()
    assert kept.read_text() == NAN_LOSS


def test_a_generator_that_makes_nan_pixels_ends_the_run_as_failed(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nan(*_arguments: object, **_options: object) -> None:
        raise NotFiniteError("the generator makes images with NaN or infinite pixels")

    monkeypatch.setattr("ganzoo.training.recorder.evaluate", nan)
    with pytest.raises(RunFailedError, match=r"NaN or infinite pixels at step 2; the last good checkpoint is step 2"):
        run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 2")
    assert json.loads((tmp_path / "a/result.json").read_text())["status"] == "failed"


def test_a_data_set_changed_under_the_run_is_refused(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "a", monitor=KillAt(5))
    synthetic = registry.get("data.synthetic")
    load = synthetic.load  # type: ignore[attr-defined]

    def load_altered(self: object, split: str) -> object:
        data = load(self, split)
        data.images_NCHW[0, 0, 0, 0] ^= 1
        return data

    monkeypatch.setattr(synthetic, "load", load_altered)
    with pytest.raises(UserError, match=r"data set data\.synthetic has changed since"):
        run(tiny_recipe, tmp_path / "a")


@pytest.mark.parametrize("fresh", [False, True])
def test_two_processes_cannot_hold_one_folder(tiny_recipe: Path, tmp_path: Path, fresh: bool) -> None:
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "a", monitor=KillAt(5))
    with RunFolder(tmp_path / "a").lock(), pytest.raises(UserError, match="another process is running"):
        run(tiny_recipe, tmp_path / "a", fresh=fresh)
    assert RunFolder(tmp_path / "a").checkpoints() == [4]


def test_counters_count_by_hand(tiny_recipe: Path, tmp_path: Path) -> None:
    rows = logged(run(tiny_recipe, tmp_path / "a", "experiment.num_steps = 3"))
    # A D step: 8 real, 8 fake, 3 turned copies of 8 / 4 images; a G step: 8 fake and 6 turned.
    assert rows[-1]["num_real_images"] == 3 * 2 * 8
    assert rows[-1]["num_d_images"] == 3 * (2 * (8 + 8 + 6) + (8 + 6))


@pytest.mark.parametrize("name", ["projection", "cotrained_projection"])
def test_a_conditional_run_trains_and_resumes(tiny_recipe: Path, tmp_path: Path, name: str) -> None:
    conditional = f"experiment.conditioning = @conditioning.{name}"
    run(tiny_recipe, tmp_path / "whole", conditional)
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "killed", conditional, monitor=KillAt(6))
    run(tiny_recipe, tmp_path / "killed", conditional)
    assert same(networks(tmp_path / "whole", 12), networks(tmp_path / "killed", 12))


def test_labels_that_the_conditioning_hides_do_not_reach_a_step(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (
        "experiment.conditioning = @conditioning.cotrained_projection",
        "conditioning.cotrained_projection.label_fraction = 0.3",
    )
    known: dict[bytes, set[int]] = {}
    update_d = TrainState.update_d

    def spying(state: TrainState, real: ImageBatch, latents: Latents) -> None:
        assert real.labels_N is not None
        for image, label in zip(real.images_NCHW, real.labels_N.tolist(), strict=True):
            known.setdefault(image.numpy().tobytes(), set()).add(label)
        update_d(state, real, latents)

    monkeypatch.setattr(TrainState, "update_d", spying)
    run(tiny_recipe, tmp_path / "a", *settings)
    experiment = load(str(tiny_recipe), overrides=settings).experiment
    data, conditioning = experiment.dataset().load("train"), experiment.conditioning
    assert conditioning is not None
    labels = conditioning(num_classes=10).training_labels(data.labels_N, split="train")
    of_image = {
        image.numpy().tobytes(): label
        for image, label in zip(to_images(data.images_NCHW, device=torch.device("cpu")), labels.tolist(), strict=True)
    }
    assert known == {image: {of_image[image]} for image in known}
    assert {-1} in known.values()
    assert len(set().union(*known.values())) > 2


@pytest.mark.parametrize("killed_at", [5, 9])
def test_an_average_that_starts_later_resumes_to_the_bit(tiny_recipe: Path, tmp_path: Path, killed_at: int) -> None:
    late = "experiment.ema_start = 6"
    run(tiny_recipe, tmp_path / "whole", late)
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "killed", late, monitor=KillAt(killed_at))
    run(tiny_recipe, tmp_path / "killed", late)
    assert same(networks(tmp_path / "whole", 12), networks(tmp_path / "killed", 12))
    run(tiny_recipe, tmp_path / "at_once")
    assert not same(networks(tmp_path / "whole", 12), networks(tmp_path / "at_once", 12))


def test_a_run_too_short_for_its_average_is_said(tiny_recipe: Path, tmp_path: Path) -> None:
    monitor, steps = Silent(), "experiment.num_steps = 2"
    run(tiny_recipe, tmp_path / "short", steps, "experiment.ema_decay = 0.5", monitor=monitor)
    # From the first update's generator to the second's: one factor of 0.5.
    assert any("50 % of the moving average at the end is still the generator of update 1;" in t for t in monitor.said)
    for name, override in {"copy": "experiment.ema_start = 2", "fast": "experiment.ema_decay = 0.1"}.items():
        monitor = Silent()
        run(tiny_recipe, tmp_path / name, steps, override, monitor=monitor)
        assert not any("moving average" in text for text in monitor.said)


PENALTIES = [
    "experiment.penalty = [@penalties.ewc, @penalties.dragan]",
    "penalties.ewc.consolidate_every = 5",
    "penalties.ewc.weight = 1e4",
    "experiment.loss = @losses.relativistic_average",
    "experiment.conditioning = @conditioning.acgan",
]


@pytest.mark.parametrize("killed_at", [4, 7])
def test_a_run_with_penalties_that_remember_resumes_to_the_bit(
    tiny_recipe: Path, tmp_path: Path, killed_at: int
) -> None:
    # 24 updates of D: tasks end after 5, 10, 15 and 20, between the checkpoints after 8, 16 and 24.
    result = run(tiny_recipe, tmp_path / "whole", *PENALTIES)
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "killed", *PENALTIES, monitor=KillAt(killed_at))
    run(tiny_recipe, tmp_path / "killed", *PENALTIES)
    assert same(networks(tmp_path / "whole", 12), networks(tmp_path / "killed", 12))
    assert (tmp_path / "whole/metrics.jsonl").read_bytes() == (tmp_path / "killed/metrics.jsonl").read_bytes()
    rows = logged(result)
    # The first row is of 6 updates, of which none began away from where the first task had ended.
    assert rows[0]["d/penalty/ewc"] == 0.0
    assert rows[-1]["d/penalty/ewc"] > 0.0  # type: ignore[operator]
    assert {"d/penalty/dragan", "d/acgan/accuracy_real"} <= rows[-1].keys()
    assert result.result["chance"]["d/acgan/accuracy_real"] == 0.1  # type: ignore[index, call-overload]


def test_images_of_a_penalty_are_counted_wherever_it_sees_them(tiny_recipe: Path, tmp_path: Path) -> None:
    rows = logged(run(tiny_recipe, tmp_path / "a", *PENALTIES[:2], "experiment.pretext = []"))
    # A D step: 8 real, 8 fake, 8 points of dragan; a G step: 8 fake. Four tasks end, each on 8 real and 8 fake images.
    assert rows[-1]["num_d_images"] == 12 * (2 * (8 + 8 + 8) + 8) + 4 * 16


def test_a_penalty_alone_and_one_in_a_list_are_written_as_they_were_bound(tiny_recipe: Path, tmp_path: Path) -> None:
    for name, bound in {"one": "@penalties.wgangp", "list": "[@penalties.wgangp]"}.items():
        run(tiny_recipe, tmp_path / name, f"experiment.penalty = {bound}", "experiment.num_steps = 2")
    one, in_list = ((tmp_path / name / "metrics.jsonl").read_text() for name in ("one", "list"))
    assert '"d/penalty":' in one
    assert '"d/penalty/wgangp":' in in_list
    assert "experiment.penalty = @penalties.wgangp\n" in (tmp_path / "one/operative.gin").read_text()
    assert "experiment.penalty = [@penalties.wgangp]\n" in (tmp_path / "list/operative.gin").read_text()


def test_scopes_give_each_network_its_own_optimizer(tiny_recipe: Path) -> None:
    overrides = [
        "experiment.g_optimizer = @G/optim.adam",
        "experiment.d_optimizer = @D/optim.adamw",
        "optim.adam.schedule = 'cosine'",
        "G/optim.adam.learning_rate = 1e-4",
        "D/optim.adamw.learning_rate = 4e-4",
        "D/optim.adamw.beta2 = 0.99",
    ]
    experiment = load(str(tiny_recipe), overrides=overrides).experiment
    spec = experiment.dataset().spec()
    state = TrainState.create(experiment, spec, num_images=20, device=torch.device("cpu"))
    (g_group,), (d_group,) = state.g_optimizer.param_groups, state.d_optimizer.param_groups
    assert (g_group["lr"], g_group["betas"]) == (1e-4, (0.0, 0.9))
    assert (d_group["lr"], d_group["betas"]) == (4e-4, (0.0, 0.99))
    assert g_group["params"] == list(state.gan.generator.parameters())
    assert d_group["params"] == list(state.gan.d_parameters())
    # Half-way through the run the cosine has halved G's rate; D's is constant.
    for _ in range(experiment.num_steps // 2):
        state.g_optimizer.step()
        state.d_optimizer.step()
        state.g_scheduler.step()
        state.d_scheduler.step()
    assert g_group["lr"] == pytest.approx(5e-5)
    assert d_group["lr"] == 4e-4


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Twenty images of two classes in files; the bindings of a run on them."""
    rng = np.random.default_rng(0)
    for number in range(20):
        path = tmp_path / "photos" / f"{number % 2}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    return [
        "experiment.dataset = @data.image_folder",
        f"data.image_folder.path = '{tmp_path / 'photos'}'",
        "data.image_folder.size = 16",
        "data.image_folder.num_classes = 2",
        "experiment.num_steps = 4",
    ]


def test_a_run_on_mapped_images_equals_one_on_images_in_memory(
    tiny_recipe: Path, tmp_path: Path, photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = Silent()
    mapped = run(tiny_recipe, tmp_path / "mapped", *photos, monitor=monitor)
    assert sum("for the first time" in text for text in monitor.said) == 1
    load = image_folder.load

    def load_into_memory(self: image_folder, split: str) -> ImageData:
        data = load(self, split)
        return ImageData(data.images_NCHW.clone(), data.labels_N)

    monkeypatch.setattr(image_folder, "load", load_into_memory)
    in_memory = run(tiny_recipe, tmp_path / "in-memory", *photos)
    assert same(networks(mapped.folder.path, 4), networks(in_memory.folder.path, 4))
    assert mapped.folder.environment()["data_sha256"] == in_memory.folder.environment()["data_sha256"]


def test_mapped_images_are_moved_batch_by_batch(
    tiny_recipe: Path, tmp_path: Path, photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[int] = []
    to = torch.Tensor.to

    def watched(tensor: torch.Tensor, *arguments: object, **options: object) -> torch.Tensor:
        if tensor.dtype == torch.uint8 and tensor.ndim == 4:
            moved.append(len(tensor))
        return to(tensor, *arguments, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(torch.Tensor, "to", watched)
    run(tiny_recipe, tmp_path / "run", *photos, "experiment.log_every = 100")
    assert moved.count(8) >= 8  # two batches of eight for each of four steps
    # The 20 images that D's logits are measured on are a copy of their own, and not moved as a whole.
    assert 20 not in moved


def test_a_metric_of_more_images_than_some_classes_have_is_refused_before_training(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    overrides = [
        "experiment.dataset = @data.subset",
        "data.subset.dataset = @data.synthetic",
        "data.subset.classes = (0,)",
        "experiment.metrics = [@metrics.ms_ssim]",
        "metrics.ms_ssim.reference_split = 'train'",
        "metrics.ms_ssim.num_real = 19",
    ]
    with pytest.raises(UserError, match=r"the split 'train', which has \d+; lower metrics\.ms_ssim\.num_real"):
        run(tiny_recipe, tmp_path / "out", *overrides)
    assert not RunFolder(tmp_path / "out").operative_path.exists()


def test_a_folder_of_other_files_is_left_alone(tiny_recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "work"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"contains 'notes\.txt' and no run; give --out a folder of its own"):
        run(tiny_recipe, out)
    with pytest.raises(UserError, match=r"contains 'notes\.txt' and no run"):
        run(tiny_recipe, out, fresh=True)
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


def test_a_data_set_smaller_than_a_batch_is_said(tiny_recipe: Path, tmp_path: Path) -> None:
    monitor = Silent()
    run(tiny_recipe, tmp_path / "out", "data.synthetic.num_images = 5", "experiment.num_steps = 1", monitor=monitor)
    assert any("a batch of 8 is larger than the data set, which has 5 images" in text for text in monitor.said)


def test_labels_that_a_data_set_lacks_are_refused_before_its_files_are_sought(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    overrides = ["experiment.dataset = @data.celeba_hq", "experiment.conditioning = @conditioning.projection"]
    with pytest.raises(UserError, match=r"conditioning\.projection needs class labels and data\.celeba_hq has none"):
        run(tiny_recipe, tmp_path / "out", *overrides)
