"""Rows that differ in secret are refused, each key named; records that do are found."""

import json
from pathlib import Path

import msgspec
import pytest
import torch
from msgspec.structs import replace

from ganzoo.bench.conditions import LAYOUT, Mismatch, check_records
from ganzoo.bench.grid import read_grid
from ganzoo.bench.proof import Proof, prove
from ganzoo.bench.record import RunRecord
from ganzoo.bench.rows import BuiltRow, build_rows
from ganzoo.errors import UserError
from ganzoo.metrics.base import Measurement
from ganzoo.runs import environment
from ganzoo.runs.code_hashes import BEFORE_FOLDERS

GRID = """
grid.rows = ['base', 'ssgan']
grid.seeds = [0, 1]
row.recipe = 'tiny.gin'
base/row.bindings = ['experiment.pretext = []']
ssgan/row.axes = ['experiment.pretext']
grid.overrides = [
    'experiment.metrics = [@metrics.frechet_distance]',
    'metrics.frechet_distance.features = @features.efficientnet_lite0',
    'metrics.frechet_distance.allow_singular = True',
]
"""


def built(folder: Path, *lines: str) -> tuple[Proof, dict[str, BuiltRow]]:
    """Return the proof and rows of the grid with further lines; a line of a key that is there replaces it."""
    path = folder / "grid.gin"
    path.write_text("\n".join([GRID, *lines, ""]))
    grid = read_grid(path)
    rows = build_rows(grid, plugins=[], num_threads=1)
    return prove(grid, rows), rows


@pytest.fixture
def folder(tiny_recipe: Path) -> Path:
    return tiny_recipe.parent


def refusal(folder: Path, *lines: str) -> str:
    with pytest.raises(UserError) as error:
        built(folder, *lines)
    return str(error.value)


@pytest.mark.parametrize(
    ("binding", "difference"),
    [
        ("optim.adam.learning_rate = 0.001", "optim.adam.learning_rate: 0.0002 -> 0.001"),
        ("experiment.batch_size = 16", "experiment.batch_size: 8 -> 16"),
        ("experiment.num_threads = 2", "experiment.num_threads: 1 -> 2"),
        (
            "metrics.frechet_distance.reference_split = 'test'",
            "metrics.frechet_distance.reference_split: 'train' -> 'test'",
        ),
        ("experiment.loss = @losses.non_saturating", "experiment.loss: @losses.hinge -> @losses.non_saturating"),
    ],
)
def test_a_row_with_a_sneaked_in_difference_is_refused_and_the_key_named(folder, binding, difference) -> None:
    message = refusal(folder, f'ssgan/row.bindings = ["{binding}"]')
    assert "rows differ from the baseline 'base' outside their axes" in message
    assert f"ssgan (axes: experiment.pretext):\n    {difference}" in message
    assert "pretext.rotation" not in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ssgan/row.axes = ['experiment.pretex']", "has no parameter 'experiment.pretex'; did you mean"),
        (
            "ssgan/row.axes = ['experiment.pretext', 'experiment.loss']",
            "declares the axis experiment.loss and does not differ from the baseline in it",
        ),
        ("base/row.axes = ['experiment.pretext']", "declares the axis experiment.pretext and is the baseline"),
        ("ssgan/row.axes = ['experiment.pretext', 'experiment.seed']", "experiment.seed is no axis"),
        ("ssgan/row.bindings = ['experiment.pretxt = []']", "did you mean 'pretext'?"),
        ("ssgan/row.recipe = 'tinny'", "the row 'ssgan': no recipe 'tinny'"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(folder, line, said) -> None:
    message = refusal(folder, line)
    assert "grid.gin:13: " in message
    assert said in message


def test_two_rows_of_one_configuration_are_refused(folder) -> None:
    message = refusal(folder, "grid.rows = ['base', 'ssgan', 'again']", "again/row.axes = ['experiment.pretext']")
    assert "the rows 'ssgan' and 'again' are the same configuration" in message


def test_the_proof_names_what_is_shared_and_what_may_differ_and_reads_back(folder) -> None:
    proof, _ = built(folder)
    assert proof.shared["optim.adam.learning_rate"] == "0.0002"
    assert "experiment.pretext" not in proof.shared
    assert not any(key.startswith("pretext.rotation") for key in proof.shared)
    assert {d.key for d in proof.rows["ssgan"].differences} >= {"experiment.pretext", "pretext.rotation.alpha"}
    assert proof.rows["base"].differences == ()
    assert "gan/steps.py" in proof.training_files
    assert "pretext/rotation.py" not in proof.training_files
    assert msgspec.convert(json.loads(json.dumps(proof.to_json())), Proof) == proof
    assert any("ssgan: experiment.pretext: [] -> [@pretext.rotation]" in line for line in proof.lines())


def test_the_shared_hash_changes_with_a_shared_parameter_alone(folder) -> None:
    own = built(folder)[0].shared_sha256
    alpha = built(folder, "ssgan/row.bindings = ['pretext.rotation.alpha = 0.5']")[0]
    assert alpha.shared_sha256 == own
    latent = built(folder, "grid.overrides = ['experiment.latent_dim = 12']")[0]
    assert latent.shared_sha256 != own


def records(rows: dict[str, BuiltRow]) -> list[RunRecord]:
    """Return a record of every row with every seed, made on one machine."""
    protocol = {"num_fake": 10, "eval_seed": 0}
    found = []
    for name, row in rows.items():
        for seed in (0, 1):
            described = environment.describe(
                row.configuration.experiment, device=torch.device("cpu"), data_sha256="abc"
            )
            measured = Measurement(
                name="fd", value=1.0, standard_error=None, higher_is_better=False,
                protocol={**protocol, "eval_seed": seed},
            )  # fmt: skip
            found.append(
                RunRecord(
                    grid="grid", row=name, label=name, seed=seed, recipe="tiny", status="finished", reason=None,
                    operative=row.operative(seed), environment=described, metrics=(measured,), flags=(), curves={},
                    counters={"step": 12, "num_real_images": 1, "num_d_images": 1}, seconds=1.0, num_threads=1,
                    peak_memory_bytes=1, num_parameters={}, samples=None,
                )
            )  # fmt: skip
    return found


def test_records_of_one_machine_and_grid_do_not_clash(folder) -> None:
    proof, rows = built(folder)
    assert check_records(records(rows), proof) == []


@pytest.mark.parametrize(
    ("section", "key", "found"),
    [
        ("data_sha256", "train", "data_sha256.train"),
        ("packages", "torch", "packages.torch"),
        ("training_code_files", "gan/steps.py", "training_code gan/steps.py"),
        ("evaluation_code_files", "resize.py", "evaluation_code resize.py"),
        (None, "device", "device"),
        (None, "device_name", "device_name"),
    ],
)
def test_one_record_made_otherwise_is_found_and_named(folder, section, key, found) -> None:
    proof, rows = built(folder)
    all_records = records(rows)
    old = all_records[-1].environment
    changed = {**old, key: "other"} if section is None else {**old, section: {**old[section], key: "other"}}
    all_records[-1] = replace(all_records[-1], environment=changed)
    mismatches = check_records(all_records, proof)
    assert mismatches[0].key == found
    assert mismatches[0].values["other"] == ("ssgan-seed1",)
    assert "ssgan-seed1" in str(mismatches[0])


def test_a_run_that_went_on_under_other_conditions_is_found_and_both_are_named(folder) -> None:
    proof, rows = built(folder)
    all_records = records(rows)
    began = all_records[-1].environment
    later = {**began, "packages": {**began["packages"], "torch": "9.9"}, "step": 4}
    all_records[-1] = replace(all_records[-1], environment={**began, "continued": [later, later]})
    (mismatch,) = check_records(all_records, proof)
    assert mismatch.key == "packages.torch"
    assert mismatch.values[f"{began['packages']['torch']}, then 9.9"] == ("ssgan-seed1",)


def test_an_older_record_without_the_code_that_measured_it_stands_beside_newer_ones(folder) -> None:
    proof, rows = built(folder)
    all_records = records(rows)
    older = {k: v for k, v in all_records[-1].environment.items() if k != "evaluation_code_files"}
    assert len(older) == len(all_records[-1].environment) - 1
    all_records[-1] = replace(all_records[-1], environment=older)
    assert check_records(all_records, proof) == []


def test_code_recorded_before_the_folders_is_neither_the_same_nor_changed(folder) -> None:
    proof, rows = built(folder)
    all_records = records(rows)
    changed = all_records[-1].environment["training_code_files"]
    files = {f"ganzoo/{key}" if "/" not in key else key: "other" for key in changed}
    files["ganzoo/steps.py"] = "other"
    all_records[-1] = replace(
        all_records[-1], environment={**all_records[-1].environment, "training_code_files": files}
    )
    (mismatch,) = check_records(all_records, proof)
    assert mismatch.key == "code_layout"
    assert mismatch.values == {LAYOUT: ("base-seed0", "base-seed1", "ssgan-seed0"), BEFORE_FOLDERS: ("ssgan-seed1",)}


def test_a_file_that_trains_and_measures_is_named_once(folder) -> None:
    _, rows = built(folder)
    all_records = records(rows)
    for number, record in enumerate(all_records):
        files = {**record.environment["training_code_files"], "gan/steps.py": "ab" if number else "cd"}
        both = dict.fromkeys(("training_code_files", "evaluation_code_files"), files)
        all_records[number] = replace(record, environment={**record.environment, **both})
    assert [m.key for m in check_records(all_records)] == ["training_code gan/steps.py"]


def test_code_of_a_component_that_one_row_alone_uses_is_compared_between_its_seeds(folder) -> None:
    _, rows = built(folder)
    all_records = records(rows)
    files = {**all_records[-1].environment["training_code_files"], "pretext/rotation.py": "other"}
    all_records[-1] = replace(
        all_records[-1], environment={**all_records[-1].environment, "training_code_files": files}
    )
    assert [m.key for m in check_records(all_records)] == ["training_code pretext/rotation.py"]


def test_threads_protocols_and_configurations_are_compared_and_sampling_seeds_are_not(folder) -> None:
    proof, rows = built(folder)
    all_records = records(rows)
    threads = [*all_records[:-1], replace(all_records[-1], num_threads=2)]
    assert [m.key for m in check_records(threads, proof)] == ["num_threads"]
    fewer = replace(all_records[-1].metrics[0], protocol={"num_fake": 5, "eval_seed": 7})
    protocol = [*all_records[:-1], replace(all_records[-1], metrics=(fewer,))]
    assert check_records(protocol, proof) == [
        Mismatch("protocol fd.num_fake", {"10": ("base-seed0", "base-seed1", "ssgan-seed0"), "5": ("ssgan-seed1",)})
    ]
    text = all_records[-1].operative.replace("experiment.batch_size = 8", "experiment.batch_size = 16")
    edited = [*all_records[:-1], replace(all_records[-1], operative=text)]
    assert [m.key for m in check_records(edited, proof)] == ["ssgan: experiment.batch_size", "experiment.batch_size"]
