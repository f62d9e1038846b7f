"""`ganzoo probe`: runs and steps beside their controls."""

import hashlib
import json
import math
import shutil
from pathlib import Path

import pytest
import safetensors.torch

from ganzoo import cli
from ganzoo.commands.probe import print_probes
from ganzoo.metrics.linear_probe import Probed
from ganzoo.training.probe_runs import ProbedNetwork, interval, names_of

RECIPE = """
include 'base/protocol.gin'
include 'base/resnet.gin'
G_WIDTH = 4
D_WIDTH = 4
experiment:
    dataset = @data.digits
    num_steps = 2
    batch_size = 8
    latent_dim = 8
    checkpoint_every = 1
    num_threads = 1
data.digits:
    size = 16
    num_test = 200
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probe")
    (folder / "tiny.gin").write_text(RECIPE)
    assert cli.call(["run", str(folder / "tiny.gin"), "--out", str(folder / "run")]) == 0
    return folder / "run"


def test_the_interval_is_students() -> None:
    # t(0.975, 2) = 4.3027; the deviation of the three is 0.1.
    low, high = interval([0.4, 0.5, 0.6]) or (0.0, 0.0)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert (high - low) / 2 == pytest.approx(4.3027 * 0.1 / math.sqrt(3), abs=1e-4)
    assert interval([0.5]) is None


def test_raw_pixels_stand_in_no_column_of_a_block(capsys: pytest.CaptureFixture[str]) -> None:
    print_probes(
        [
            ProbedNetwork("a", "pixels", {"pixels": Probed((0.5,), (1.0,))}),
            ProbedNetwork("a", "step 1", {"block0": Probed((0.75,), (1.0,)), "features": Probed((0.25,), (1.0,))}),
        ]
    )
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["accuracy", "on", "test", "images:"],
        ["raw", "pixels", "0.500"],
        [],
        ["run", "discriminator", "block0", "features"],
        ["a", "step", "1", "0.750", "0.250"],
    ]


def test_steps_stand_beside_the_untrained_network_and_pixels(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--step", "1", "--step", "2", "--num-train", "300", "--num-seeds", "2"]
    assert cli.call(["probe", str(run), *options, "--out", str(tmp_path / "probes.json")]) == 0
    out = capsys.readouterr().out
    probes = json.loads((tmp_path / "probes.json").read_text())["probes"]
    networks = list(dict.fromkeys(p["network"] for p in probes))
    assert networks == ["pixels", "untrained", "step 1", "step 2"]
    (pixels,) = (p for p in probes if p["network"] == "pixels")
    assert len(pixels["accuracies"]) == 2
    assert min(pixels["accuracies"]) > 0.85  # what logistic regression is known to reach on digits, at 300 images
    assert f"{sum(pixels['accuracies']) / 2:.3f}" in out
    assert {p["tap"] for p in probes if p["network"] == "step 2"} == {
        "block0",
        "block1",
        "block2",
        "block3",
        "features",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--step", "7"], "has no checkpoint of step 7; it has: 1, 2"),
        (["--num-train", "1598"], "asks for 1598 images of the split 'train', which has 1597"),
    ],
)
def test_what_cannot_be_probed_is_a_sentence(
    run: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.call(["probe", str(run), *options]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_folder_without_a_run_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.call(["probe", str(tmp_path)]) == 2
    assert "is no run folder" in capsys.readouterr().err


def test_a_checkpoint_without_the_discriminator_is_a_sentence(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    checkpoint = copy / "checkpoints/step-00000002"
    networks = safetensors.torch.load_file(checkpoint / "networks.safetensors")
    kept = {name: tensor for name, tensor in networks.items() if not name.startswith("discriminator.")}
    safetensors.torch.save_file(kept, checkpoint / "networks.safetensors")
    manifest = json.loads((checkpoint / "checkpoint.json").read_text())
    digest = hashlib.sha256((checkpoint / "networks.safetensors").read_bytes()).hexdigest()
    manifest["sha256"]["networks.safetensors"] = digest
    (checkpoint / "checkpoint.json").write_text(json.dumps(manifest))
    assert cli.call(["probe", str(copy)]) == 2
    assert "lacks the discriminator; take a checkpoint" in capsys.readouterr().err


def test_names_of_folders_are_as_long_as_it_takes_to_tell_them_apart() -> None:
    assert names_of([Path("/x/a"), Path("/y/b")]) == ["a", "b"]
    assert names_of([Path("/x/a/run"), Path("/y/a/run"), Path("/y/b/run")]) == ["x/a/run", "y/a/run", "y/b/run"]


def test_runs_of_one_name_keep_their_own_untrained_network(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / run.name
    seeded = ["--seed", "1", "--set", "experiment.num_steps = 1"]
    assert cli.call(["run", str(run.parent / "tiny.gin"), "--out", str(other), *seeded]) == 0
    options = ["--num-train", "100", "--num-seeds", "1", "--step", "1", "--out", str(tmp_path / "probes.json")]
    assert cli.call(["probe", str(run), str(other), str(other), *options]) == 0
    probes = json.loads((tmp_path / "probes.json").read_text())["probes"]
    names = [f"{run.parent.name}/run", "other/run"]
    networks = list(dict.fromkeys((p["run"], p["network"]) for p in probes if p["network"] != "pixels"))
    assert networks == [(name, network) for name in names for network in ("untrained", "step 1")]
    assert all(name in capsys.readouterr().out for name in names[1:])
