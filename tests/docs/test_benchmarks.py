"""The page on benchmarks is true: its grid is accepted, its refusal is what is said, its lists are complete."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from ganzoo.bench.grid import GridSettings, RowSettings, read_grid
from ganzoo.bench.proof import prove
from ganzoo.bench.results import read_results
from ganzoo.bench.rows import build_rows
from ganzoo.cli import call

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
(GRID,) = re.findall(r"^```\n(grid:.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

# Instead of the protocol: one metric, of few images and without a network.
SHORT = """
    overrides = [
        'experiment.metrics = [@metrics.kernel_distance]',
        'metrics.kernel_distance.features = @features.pixels',
        'metrics.kernel_distance.num_real = 64',
        'metrics.kernel_distance.num_fake = 64',
        'metrics.kernel_distance.subset_size = 32',
        'experiment.batch_size = 8',
"""


def test_the_grid_is_accepted_and_its_rows_differ_in_their_axes_alone(tmp_path: Path) -> None:
    path = tmp_path / "my_grid.gin"
    path.write_text(GRID)
    grid = read_grid(path)
    proof = prove(grid, build_rows(grid, plugins=(), num_threads=1))
    assert {name: set(row.axes) for name, row in proof.rows.items()} == {
        "plain": set(),
        "wgangp": {"experiment.penalty"},
        "r1": {"experiment.penalty"},
    }


def test_the_refusal_that_it_shows_is_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    weight = "'penalties.r1.weight = 1.0'"
    Path("my_grid.gin").write_text(GRID.replace(weight, f"{weight}, 'optim.adam.learning_rate = 1e-4'"))
    assert call(["bench", "my_grid.gin", "--dry-run"]) == 2
    (shown,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert capsys.readouterr().err == shown


@pytest.mark.slow
def test_the_example_in_python_runs_the_rows_and_prints_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shorter = GRID.replace("    protocol = 'offline_quick'\n", "").replace("\n    overrides = [\n", SHORT)
    assert len(shorter) > len(GRID)
    Path("my_grid.gin").write_text(shorter.replace("num_steps = 300", "num_steps = 2"))
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(example, "benchmarks.md", "exec"), {})
    outcome, *rows = capsys.readouterr().out.splitlines()
    assert outcome == "['plain-seed0', 'r1-seed0', 'wgangp-seed0'] []"
    records = read_results(Path("my_results")).records
    values = {record.row: {m.name: [m.value] for m in record.metrics} for record in records}
    assert values["plain"].keys() == {"kd_pixels_32px"}
    assert rows == [f"No penalty {values['plain']}", f"WGAN-GP {values['wgangp']}", f"R1 {values['r1']}"]


def test_its_table_has_every_key_of_a_grid() -> None:
    keys = [f"{root.root_name}.{field.name}" for root in (GridSettings, RowSettings) for field in fields(root)]
    assert sorted(re.findall(r"^\| `((?:grid|row)\.\w+)` \|", PAGE, re.MULTILINE)) == sorted(keys)


def test_its_last_table_has_every_grid_that_is_here() -> None:
    listed = re.findall(r"`(?:benchmarks/)?(\w+\.gin)`", PAGE.partition("## Grids that are here")[2])
    assert sorted(listed) == sorted(path.name for path in (ROOT / "benchmarks").glob("*.gin"))
