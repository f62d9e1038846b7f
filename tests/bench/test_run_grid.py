"""A benchmark called from Python."""

from pathlib import Path

import pytest

from ganzoo.bench.analysis import build_table
from ganzoo.bench.results import read_results
from ganzoo.bench.run_grid import GridPlan, run_grid
from ganzoo.bench.runner import Display, Outcome
from ganzoo.errors import UserError

GRID = """
grid.rows = ['base', 'ssgan']
grid.seeds = [0, 1]
grid.overrides = ['experiment.num_steps = 2']
row.recipe = 'tiny.gin'
base/row.bindings = ['experiment.pretext = []']
ssgan/row.axes = ['experiment.pretext']
"""


@pytest.fixture
def grid(tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tiny_recipe.parent)
    path = tiny_recipe.parent / "grid.gin"
    path.write_text(GRID)
    return path


def test_a_grid_runs_from_python_and_a_second_call_has_nothing_to_do(grid: Path, in_process) -> None:
    plans: list[GridPlan] = []

    def show(plan: GridPlan) -> Display:
        plans.append(plan)
        return Display()

    outcome = run_grid(grid, seeds=[1], executor=in_process(), display=show)
    assert outcome == Outcome(finished=["base-seed1", "ssgan-seed1"])
    results = read_results(Path("benchmarks/results/grid"))
    assert [record.name for record in results.records] == ["base-seed1", "ssgan-seed1"]
    assert results.proof == plans[0].proof
    assert [row.seeds for row in build_table(results).rows] == [(1,), (1,)]
    again = in_process()
    assert run_grid(grid, seeds=[1], executor=again, display=show) == outcome
    assert again.submitted == []
    assert [[run.name for run in plan.todo] for plan in plans] == [["base-seed1", "ssgan-seed1"], []]


def test_a_dry_run_from_python_plans_and_writes_nothing(grid: Path) -> None:
    plans: list[GridPlan] = []

    def show(plan: GridPlan) -> Display:
        plans.append(plan)
        return Display()

    before = sorted(grid.parent.rglob("*"))
    assert run_grid(grid, dry_run=True, only=["ssgan"], jobs=3, display=show) == Outcome()
    (plan,) = plans
    assert [run.name for run in plan.todo] == ["ssgan-seed0", "ssgan-seed1"]
    assert (plan.settings.num_jobs, plan.problem, plan.estimates["ssgan"].source) == (3, "", "probe")
    assert sorted(grid.parent.rglob("*")) == before


def test_options_of_slurm_for_another_executor_are_refused(grid: Path) -> None:
    with pytest.raises(UserError, match="ask for the executor slurm"):
        run_grid(grid, slurm={"timeout_min": 5})
