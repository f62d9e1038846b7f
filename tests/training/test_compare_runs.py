"""What `ganzoo diff` says, on run folders written by hand."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from ganzoo.errors import UserError
from ganzoo.runs.folder import RunFolder
from ganzoo.training.compare_runs import compare_runs, same_bits

OPERATIVE = "experiment.seed = 1\nexperiment.num_steps = 20\n"
ROWS = [{"step": 10, "d/loss": 1.0, "g/loss": 0.5}, {"step": 20, "d/loss": 0.9, "g/loss": 0.4}]
TENSORS = {"generator.weight": torch.tensor([1.0, 2.0]), "discriminator.count": torch.tensor(3)}


def write_run(path: Path, *, operative=OPERATIVE, rows=ROWS, tensors=TENSORS, step=20) -> Path:
    folder = RunFolder(path)
    checkpoint = folder.checkpoint_path(step)
    checkpoint.mkdir(parents=True)
    folder.operative_path.write_text(operative)
    folder.metrics_path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    safetensors.torch.save_file(tensors, checkpoint / "networks.safetensors")
    torch.save({}, checkpoint / "training.pt")
    (checkpoint / "checkpoint.json").write_text(json.dumps({"format_version": 1, "sha256": {}}))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "a")


def test_equal_runs_have_no_differences(run, tmp_path):
    assert compare_runs(run, write_run(tmp_path / "b")) == []


def test_the_first_row_that_differs_gives_the_step(run, tmp_path):
    rows = [ROWS[0], {**ROWS[1], "d/loss": 0.95}]
    assert compare_runs(run, write_run(tmp_path / "b", rows=rows)) == [
        "metrics.jsonl differs from step 20 on: d/loss 0.9 and 0.95"
    ]


def test_a_value_that_one_run_lacks_is_named(run, tmp_path):
    other = write_run(tmp_path / "b", rows=[{"step": 10, "d/loss": 1.0}, ROWS[1]])
    assert compare_runs(run, other) == ["metrics.jsonl differs from step 10 on: g/loss 0.5 and None"]


def test_rows_that_one_run_lacks_give_the_first_of_them(run, tmp_path):
    other = write_run(tmp_path / "b", rows=ROWS[:1])
    assert compare_runs(run, other) == ["metrics.jsonl differs from step 20 on: one has 2 rows, the other 1"]


def test_rows_that_are_equal_but_spelt_otherwise_are_told(run, tmp_path):
    other = write_run(tmp_path / "b")
    metrics = RunFolder(other).metrics_path
    metrics.write_text(metrics.read_text().replace("0.9", "0.90"))
    assert "the rows are equal" in compare_runs(run, other)[0]


def test_one_bit_of_one_weight_is_a_difference(run, tmp_path):
    weight = TENSORS["generator.weight"]
    other = write_run(tmp_path / "b", tensors={**TENSORS, "generator.weight": torch.nextafter(weight, weight + 1)})
    assert compare_runs(run, other) == ["1 of 2 tensors of step 20 differ, e.g. generator.weight"]


def test_a_tensor_that_one_run_lacks_is_a_difference(run, tmp_path):
    other = write_run(tmp_path / "b", tensors={"generator.weight": TENSORS["generator.weight"]})
    assert compare_runs(run, other) == ["1 tensors of step 20 are in one checkpoint alone, e.g. discriminator.count"]


def test_checkpoints_of_different_steps_are_a_difference(run, tmp_path):
    other = write_run(tmp_path / "b", step=10)
    assert compare_runs(run, other) == ["the newest checkpoints are of different steps: 20 and 10"]


def test_a_comment_in_the_operative_configuration_is_a_difference(run, tmp_path):
    found = compare_runs(run, write_run(tmp_path / "b", operative="# another\n" + OPERATIVE))
    assert len(found) == 1
    assert found[0].startswith("the operative configurations differ")


def test_an_unfinished_run_without_checkpoint_is_refused(run, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "operative.gin").write_text(OPERATIVE)
    with pytest.raises(UserError, match=r"b' has no checkpoint yet"):
        compare_runs(run, tmp_path / "b")


def test_a_folder_without_a_run_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="is no run folder"):
        compare_runs(tmp_path / "nothing", run)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (torch.tensor(0.0), torch.tensor(-0.0), False),
        (torch.tensor(float("nan")), torch.tensor(float("nan")), True),
        (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64), False),
        (torch.ones(2, 3), torch.ones(3, 2), False),
        (torch.tensor([True]), torch.tensor([True]), True),
        (torch.zeros(0), torch.zeros(0), True),
        (torch.ones(2, 3, 4, 4).to(memory_format=torch.channels_last), torch.ones(2, 3, 4, 4), True),
    ],
)
def test_tensors_are_the_same_if_type_shape_and_every_bit_are(a, b, same):
    assert same_bits(a, b) is same
