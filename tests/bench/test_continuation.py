"""Runs that could not stand beside the records there are: known before they are made."""

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from ganzoo import cli
from ganzoo.bench import executor
from ganzoo.bench.conditions import ABSENT, LAYOUT
from ganzoo.bench.continuation import NOW, departures
from ganzoo.bench.executor import Executor
from ganzoo.bench.grid import read_grid
from ganzoo.bench.rows import BuiltRow, build_rows
from ganzoo.runs.code_hashes import BEFORE_FOLDERS

GRID = """
grid.rows = ['uncond', 'ssgan']
grid.seeds = [0, 1]
grid.overrides = ['experiment.num_steps = 2']
row.recipe = 'tiny.gin'
uncond/row.bindings = ['experiment.pretext = []']
ssgan/row.axes = ['experiment.pretext']
"""
# What the records of the fixture `fakes` say of themselves.
MACHINE = {"device": "cpu", "device_name": "cpu", "cpu_capability": "AVX2", "packages": {"torch": "2.14.1"}}


@pytest.fixture
def built(tiny_recipe: Path) -> dict[str, BuiltRow]:
    path = tiny_recipe.parent / "grid.gin"
    path.write_text(GRID)
    rows = build_rows(read_grid(path), plugins=[], num_threads=1)
    return {
        name: replace(row, training_files={"gan/steps.py": "ab12"}, evaluation_files={"resize.py": "34ef"})
        for name, row in rows.items()
    }


def test_equal_conditions_are_no_departure(fakes, built):
    records = [fakes.record("uncond", 0, {}), fakes.record("ssgan", 0, {})]
    assert departures(records, built, machine=MACHINE, num_threads=1) == []
    assert departures([], built, machine=MACHINE, num_threads=1) == []


@pytest.mark.parametrize(
    ("changed", "num_threads", "key", "now", "earlier"),
    [
        ({"cpu_capability": "AVX512"}, 1, "cpu_capability", "AVX512", "AVX2"),
        ({"device_name": "NVIDIA H100"}, 1, "device_name", "NVIDIA H100", "cpu"),
        ({"packages": {"torch": "2.15.0"}}, 1, "packages.torch", "2.15.0", "2.14.1"),
        ({}, 2, "num_threads", "2", "1"),
    ],
)
def test_each_condition_is_named_with_both_values(fakes, built, changed, num_threads, key, now, earlier):
    record = fakes.record("uncond", 0, {})
    (found,) = departures([record], built, machine={**MACHINE, **changed}, num_threads=num_threads)
    assert (found.key, found.values) == (key, {now: (NOW,), earlier: ("uncond-seed0",)})


def test_code_counts_as_far_as_a_row_uses_it(fakes, built):
    built["ssgan"] = replace(built["ssgan"], training_files={"gan/steps.py": "cd34", "new.py": "0"})
    records = [fakes.record("uncond", 0, {}), fakes.record("ssgan", 0, {})]
    assert {m.key: m.values for m in departures(records, built, machine=MACHINE, num_threads=1)} == {
        "training_code gan/steps.py": {"cd34": (NOW,), "ab12": ("ssgan-seed0",)},
        "training_code new.py": {"0": (NOW,), ABSENT: ("ssgan-seed0",)},
    }


def test_code_recorded_before_the_folders_is_neither_the_same_nor_changed(fakes, built):
    record = fakes.record("uncond", 0, {})
    files = {"ganzoo/steps.py": "ab12", "layers/affine.py": "99"}
    old = structs.replace(record, environment={**record.environment, "training_code_files": files})
    (found,) = departures([old], built, machine=MACHINE, num_threads=1)
    assert (found.key, found.values) == ("code_layout", {LAYOUT: (NOW,), BEFORE_FOLDERS: ("uncond-seed0",)})


def test_code_that_measures_counts_where_a_record_has_its_hashes(fakes, built):
    older = fakes.record("uncond", 0, {})
    record = fakes.record("ssgan", 0, {})
    files = {"resize.py": "56ab", "gan/steps.py": "0"}
    record = structs.replace(record, environment={**record.environment, "evaluation_code_files": files})
    assert {m.key: m.values for m in departures([older, record], built, machine=MACHINE, num_threads=1)} == {
        "evaluation_code resize.py": {"34ef": (NOW,), "56ab": ("ssgan-seed0",)},
        "evaluation_code gan/steps.py": {ABSENT: (NOW,), "0": ("ssgan-seed0",)},
    }


def test_what_is_not_known_of_a_cluster_is_not_compared(fakes, built):
    record = fakes.record("uncond", 0, {}, device_name="NVIDIA H100")
    assert departures([record], built, machine={"packages": {"torch": "2.14.1"}}, num_threads=1) == []


@pytest.mark.slow
def test_a_grid_does_not_go_on_under_other_versions_unless_asked(
    tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_process: type[Executor]
) -> None:
    monkeypatch.setattr(executor, "LocalExecutor", in_process)
    monkeypatch.chdir(tiny_recipe.parent)
    Path("grid.gin").write_text(GRID)
    assert cli.call(["bench", "grid.gin", "--seeds", "0", "--jobs", "2"]) == 0
    for path in Path("benchmarks/results/grid").glob("*-seed0.json"):
        path.write_text(path.read_text().replace('"torch": "', '"torch": "0.'))
    capsys.readouterr()
    assert cli.call(["bench", "grid.gin"]) == 2
    said = capsys.readouterr().err
    assert "has records of other conditions than its next runs would have" in said
    assert "packages.torch" in said
    assert not Path("benchmarks/results/grid/uncond-seed1.json").exists()
    assert cli.call(["bench", "grid.gin", "--dry-run"]) == 0
    assert "has records of other conditions" in capsys.readouterr().err
    assert cli.call(["bench", "grid.gin", "--allow-mixed", "--jobs", "2"]) == 0
    assert Path("benchmarks/results/grid/uncond-seed1.json").exists()
