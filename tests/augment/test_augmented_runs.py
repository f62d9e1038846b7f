"""Runs with an augmentation: interrupted ones, what they log, the recipes, and pairs that are refused."""

from pathlib import Path

import pytest
import torch

from ganzoo.config.load import load
from ganzoo.config.operative import diff
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan
from ganzoo.runs.folder import RunFolder
from ganzoo.runs.monitor import Silent
from ganzoo.training.checkpoint import read_networks
from ganzoo.training.trainer import train

ADA = (
    "experiment.augment = @augment.ada",
    "augment.ada.transforms = ['flip', 'integer_shift', 'scale', 'brightness']",
    "augment.ada.ramp_kimg = 0.1",
    "augment.ada.num_batches = 3",
    "augment.ada.target = -1.0",
)


class KilledError(Exception):
    """Stands for SIGKILL: nothing of the trainer runs after it."""


class KillAt(Silent):
    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def progress(self, step: int, values: object) -> None:
        if step == self.step:
            raise KilledError


def run(recipe: Path, out: Path, *overrides: str, monitor: Silent | None = None) -> RunFolder:
    configuration = load(str(recipe), overrides=overrides)
    return train(configuration, out=out, monitor=monitor or Silent()).folder


@pytest.mark.parametrize("killed_at", [5, 11])
def test_an_adaptive_run_killed_and_resumed_equals_one_never_killed(
    tiny_recipe: Path, tmp_path: Path, killed_at: int
) -> None:
    whole = run(tiny_recipe, tmp_path / "whole", *ADA)
    with pytest.raises(KilledError):
        run(tiny_recipe, tmp_path / "killed", *ADA, monitor=KillAt(killed_at))
    killed = run(tiny_recipe, tmp_path / "killed", *ADA)
    assert whole.metrics_path.read_bytes() == killed.metrics_path.read_bytes()
    a, b = (read_networks(folder.checkpoint_path(12)) for folder in (whole, killed))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    states = [torch.load(f.checkpoint_path(12) / "training.pt", weights_only=True)["augment"] for f in (whole, killed)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    # At steps 4 and 8, where a run goes on, 8 and 16 batches have been seen: in the middle of three.
    assert float(states[0]["probability"]) > 0


def test_p_and_r_t_are_logged_as_means_over_the_steps_of_a_row(tiny_recipe: Path, tmp_path: Path) -> None:
    rows = [row for row in run(tiny_recipe, tmp_path / "run", *ADA).metrics() if "d/loss" in row]
    # No logit is below a target of -1, and three batches of 8 images are 0.24 of 100. Six batches to a row: p after
    # each, of which the third and the sixth move it, until it is 1.
    expected = [(3 * 0.24 + 0.48) / 6, (2 * 0.48 + 3 * 0.72 + 0.96) / 6, (2 * 0.96 + 4 * 1.0) / 6, 1.0]
    assert [row["augment/p"] for row in rows] == pytest.approx(expected, abs=1e-6)
    assert all(-1 <= float(str(row["augment/r_t"])) <= 1 for row in rows)
    assert len({row["augment/r_t"] for row in rows}) > 1


@pytest.mark.parametrize(
    ("recipe", "baseline", "augment"),
    [
        ("diffaugment_resnet", "uncond_resnet", "diffaugment"),
        ("ada_resnet", "uncond_resnet", "ada"),
        ("diffaugment_rotation_resnet", "ssgan_resnet", "diffaugment"),
    ],
)
def test_a_recipe_differs_from_its_baseline_by_the_augmentation_alone(recipe: str, baseline: str, augment: str) -> None:
    difference = diff(load(baseline).operative(), load(recipe).operative())
    assert f"experiment.augment: None -> @augment.{augment}" in difference
    keys = {line.partition(": ")[0] for line in difference} - {"experiment.augment"}
    assert all(key.startswith(f"augment.{augment}.") for key in keys)


def build(*overrides: str) -> None:
    experiment = load("fashion_ssgan_resnet", overrides=overrides).experiment
    build_gan(experiment, experiment.dataset().spec())


def test_turns_beside_a_task_that_must_tell_turns_are_refused_until_they_are_left_out() -> None:
    with pytest.raises(UserError, match=r"augment\.ada turns images and pretext\.rotation must tell how they were"):
        build("experiment.augment = @augment.ada")
    build("experiment.augment = @augment.ada", "augment.ada.transforms = ['flip', 'integer_shift', 'hue']")
    build("experiment.augment = @augment.diffaugment")


def test_an_augmentation_that_follows_logits_is_refused_where_nothing_trains_them() -> None:
    no_loss = ("experiment.loss = None", "augment.ada.transforms = ['flip']", "experiment.augment = @augment.ada")
    with pytest.raises(UserError, match=r"augment\.ada follows the logits of real images, which nothing trains while"):
        build(*no_loss)
    build(*no_loss, "augment.ada.target = None")
