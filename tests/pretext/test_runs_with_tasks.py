"""Tasks in real runs: two at once, beside class labels, and with state of their own; killed and resumed."""

from pathlib import Path

import pytest
import torch

from ganzoo.config.load import load
from ganzoo.config.operative import diff
from ganzoo.runs.folder import RunFolder
from ganzoo.runs.monitor import Silent
from ganzoo.training.checkpoint import read_networks
from ganzoo.training.dry_run import dry_run
from ganzoo.training.trainer import train

LABELLED = "data.synthetic.num_classes = 3"
CONDITIONAL = "experiment.conditioning = @conditioning.projection"

# Overrides of the tiny recipe, and parts that each run must log.
RUNS: dict[str, tuple[list[str], set[str]]] = {
    "rotation and infomax": (
        ["experiment.pretext = [@pretext.rotation, @pretext.infomax]", "pretext.infomax.joint_dim = 4"],
        {"d/rotation/loss", "d/infomax/loss", "g/rotation/loss", "g/infomax/loss", "d/adversarial"},
    ),
    "rotation with labels": (
        [CONDITIONAL, LABELLED],
        {"d/rotation/loss", "g/rotation/loss", "d/adversarial", "g/adversarial"},
    ),
    "contrastive beside rotation": (
        ["experiment.pretext = [@pretext.contrastive, @pretext.rotation]", "pretext.contrastive.num_keys = 20"],
        {"d/contrastive/real", "d/contrastive/fake", "g/contrastive/fake", "d/rotation/loss"},
    ),
    "replay with labels beside rotation": (
        [
            "experiment.pretext = [@pretext.replay, @pretext.rotation]",
            "pretext.replay.capacity = 30",
            CONDITIONAL,
            LABELLED,
        ],
        {"d/adversarial", "d/rotation/loss"},
    ),
}


class KilledError(Exception):
    """Stands for SIGKILL: nothing of the trainer runs after it."""


class KillAt(Silent):
    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def progress(self, step: int, values: object) -> None:
        if step == self.step:
            raise KilledError


@pytest.mark.parametrize("name", RUNS)
def test_a_run_logs_every_term_and_killed_and_resumed_it_equals_one_never_killed(
    name: str, tiny_recipe: Path, tmp_path: Path
) -> None:
    overrides, parts = RUNS[name]
    configuration = load(
        str(tiny_recipe),
        overrides=[*overrides, "experiment.num_steps = 6", "experiment.checkpoint_every = 2"],
    )
    whole = train(configuration, out=tmp_path / "whole", monitor=Silent())
    with pytest.raises(KilledError):
        train(configuration, out=tmp_path / "killed", monitor=KillAt(5))
    train(configuration, out=tmp_path / "killed", monitor=Silent())

    rows = [row for row in whole.folder.metrics() if "d/loss" in row]
    assert all(parts <= row.keys() for row in rows)
    first, second = (read_networks(RunFolder(tmp_path / f).checkpoint_path(6)) for f in ("whole", "killed"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert (tmp_path / "whole/metrics.jsonl").read_bytes() == (tmp_path / "killed/metrics.jsonl").read_bytes()


def test_the_loss_of_two_tasks_is_the_weighted_sum_of_both(tiny_recipe: Path) -> None:
    overrides = [*RUNS["rotation and infomax"][0], "pretext.rotation.alpha_schedule = 'constant'"]
    parts = dry_run(load(str(tiny_recipe), overrides=overrides)).parts
    d = parts["d/adversarial"] + 1.0 * parts["d/rotation/loss"] + 0.2 * parts["d/infomax/loss"]
    g = parts["g/adversarial"] + 0.2 * parts["g/rotation/loss"] + 0.2 * parts["g/infomax/loss"]
    assert parts["d/loss"] == pytest.approx(d, rel=1e-5)
    assert parts["g/loss"] == pytest.approx(g, rel=1e-5)


def test_the_copy_of_d_is_not_counted_among_trained_parameters(tiny_recipe: Path) -> None:
    configuration = load(str(tiny_recipe), overrides=["experiment.pretext = [@pretext.contrastive, @pretext.rotation]"])
    counts = dry_run(configuration).num_parameters
    features = 4  # of the discriminator of this recipe
    mlp = features * features + features + features * 128 + 128
    assert counts["discriminator, heads of contrastive"] == 2 * mlp
    assert counts["discriminator with heads"] == counts["discriminator"] + 2 * mlp + 4 * features + 4


def test_the_combined_recipes_differ_from_their_parts_by_the_added_task_or_labels_alone() -> None:
    def keys(first: str, second: str) -> set[str]:
        lines = diff(load(first).operative(), load(second).operative())
        return {line.partition(": ")[0] for line in lines}

    both = keys("ssgan_resnet", "rotation_infomax_resnet")
    assert "experiment.pretext" in both
    assert all(key.startswith("pretext.infomax.") for key in both - {"experiment.pretext"})
    labels = keys("ssgan_resnet", "cond_rotation_resnet")
    assert "experiment.conditioning" in labels
    assert all(key.startswith("conditioning.projection.") for key in labels - {"experiment.conditioning"})
