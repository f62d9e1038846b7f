"""`ganzoo bench` on the command line, and every grid file of the project."""

from pathlib import Path

import pytest

from ganzoo import cli
from ganzoo.architectures.resnet5 import DISCRIMINATOR_MULTIPLIERS
from ganzoo.bench import rows
from ganzoo.bench.grid import read_grid, recipe_path
from ganzoo.bench.plan import Estimate, plan_runs, seconds_left
from ganzoo.bench.proof import prove
from ganzoo.bench.run_grid import _slurm_options
from ganzoo.commands.bench import _slurm_options as commands_options
from ganzoo.config.load import load

GRIDS = sorted((Path(__file__).parents[2] / "benchmarks").glob("*.gin"))
GRID = """
grid.rows = ['base', 'ssgan']
grid.seeds = [0, 1]
grid.overrides = ['experiment.num_steps = 2']
row.recipe = 'tiny.gin'
base/row.bindings = ['experiment.pretext = []']
ssgan/row.axes = ['experiment.pretext']
"""


@pytest.fixture
def grid(tiny_recipe: Path) -> Path:
    path = tiny_recipe.parent / "grid.gin"
    path.write_text(GRID)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_every_grid_of_the_project_is_proven_and_planned_without_data_and_for_a_gpu_that_is_not_there(
    path: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    assert path.read_text().startswith("# ")
    grid = read_grid(path)
    built = {}

    def kept(grid, row, **options):
        built[row.name] = build_row(grid, row, **options)
        return built[row.name]

    build_row = rows.build_row
    monkeypatch.setattr(rows, "build_row", kept)
    monkeypatch.chdir(tmp_path)
    assert cli.call(["bench", str(path), "--dry-run", "--device", "cuda"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    num_runs = len(grid.rows) * len(grid.seeds)
    assert f"{num_runs} of {num_runs} runs to do, 1 at a time, CPU threads of each: 1; how long is not known yet" in out
    assert list(tmp_path.iterdir()) == []

    assert len(prove(grid, built).rows) == len(grid.rows) > 1
    # Curves and the comparison at equal compute need evaluations on the way; quick is over in a minute.
    experiments = [row.configuration.experiment for row in built.values()]
    assert all(0 < e.eval_every <= e.num_steps / 3 for e in experiments) == (path.stem != "quick")


def test_the_grid_of_imagenet_has_the_curve_of_ds_last_block_that_its_header_tells_of() -> None:
    (path,) = (path for path in GRIDS if path.stem == "imagenet")
    grid = read_grid(path)
    configuration = load(recipe_path(grid, grid.row(grid.rows[0])), overrides=[*grid.overrides])
    (probe,) = (part for part in configuration.experiment.metrics if part.name == "metrics.linear_probe")
    assert probe.arguments["taps"] == (f"block{len(DISCRIMINATOR_MULTIPLIERS) - 1}",)


@pytest.mark.parametrize(
    ("device", "given", "gpus"),
    [
        ("cuda", [], {"gpus_per_node": 1}),
        ("cuda:0", [], {"gpus_per_node": 1}),
        ("cpu", [], {}),
        ("cuda", ["gpus_per_node=2"], {"gpus_per_node": 2}),
        ("cuda", ["slurm_gres=gpu:a100:1"], {"slurm_gres": "gpu:a100:1"}),
    ],
)
def test_a_job_on_a_gpu_asks_for_one_unless_it_is_told_otherwise(device, given, gpus) -> None:
    asked = commands_options(["slurm_time=60", *given])
    assert _slurm_options("slurm", asked, device) == {"slurm_time": 60, **gpus}


def test_a_dry_run_shows_plan_and_proof_and_writes_nothing(grid: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(grid.parent)
    before = sorted(grid.parent.rglob("*"))
    assert cli.call(["bench", "grid.gin", "--dry-run", "--jobs", "2", "--seeds", "1"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "2 of 2 runs to do, 2 at a time, CPU threads of each: 1; about 0:00:" in out
    assert "by a probe" in out
    assert "ssgan: experiment.pretext: [] -> [@pretext.rotation]" in out
    assert sorted(grid.parent.rglob("*")) == before


def test_what_is_left_is_shared_by_the_jobs_and_never_shorter_than_the_longest(grid: Path, tmp_path: Path) -> None:
    description = read_grid(grid)
    built = rows.build_rows(description, plugins=[], num_threads=1)
    runs = plan_runs(description, built, out=tmp_path / "out", results=tmp_path / "results")
    estimates = {"base": Estimate(10.0, "records"), "ssgan": Estimate(40.0, "records")}
    assert seconds_left(runs, estimates, num_jobs=2) == 50.0
    assert seconds_left(runs, estimates, num_jobs=4) == 40.0
    assert seconds_left(runs, {}, num_jobs=2) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gird.gin"], "no grid 'gird.gin'; did you mean 'grid.gin'?"),
        (["grid.gin", "--only", "sgan"], "did you mean 'ssgan'?"),
        (["grid.gin", "--seeds", "a"], "--seeds takes whole numbers"),
        (["grid.gin", "--seeds", "5"], "the grid has no seed 5"),
        (["grid.gin", "--executor", "slrum"], "no executor 'slrum'; there are local and slurm"),
        (["grid.gin", "--executor", "slurm"], "such as --slurm timeout_min=1440"),
        (["grid.gin", "--executor", "slurm", "--slurm", "partition"], "--slurm takes KEY=VALUE"),
        (["grid.gin", "--slurm", "timeout_min=5"], "--slurm goes with --executor slurm"),
        (["grid.gin", "--plugin", "no.py"], "no plugin file 'no.py'"),
        (["grid.gin", "--device", "cuda:99"], "no device 'cuda:99'"),
        (["grid.gin", "--jobs", "0"], "--jobs"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_run(grid: Path, capsys, monkeypatch, arguments, said) -> None:
    monkeypatch.chdir(grid.parent)
    assert cli.call(["bench", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert not (grid.parent / "runs").exists()
