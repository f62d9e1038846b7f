"""The language of grid files, and what it refuses."""

from pathlib import Path

import pytest

from ganzoo.bench.grid import read_grid
from ganzoo.errors import UserError

GRID = """
grid:
    title = 'Two rows'
    rows = ['a', 'b']
    seeds = (0, 2)
    overrides = ['experiment.num_steps = 3']
row.recipe = 'quickstart'
b/row:
    label = 'B'
    bindings = ['experiment.pretext = []']
    axes = ['experiment.pretext']
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "x.gin"
    path.write_text(text)
    return path


def test_a_row_takes_what_is_bound_in_its_scope_and_else_what_is_bound_for_all(tmp_path: Path) -> None:
    grid = read_grid(write(tmp_path, GRID))
    a, b = grid.rows_by_name.values()
    assert (grid.name, grid.title, grid.seeds, grid.baseline) == ("x", "Two rows", (0, 2), "a")
    assert (grid.overrides, grid.columns, grid.protocol_path) == (("experiment.num_steps = 3",), (), None)
    assert (a.recipe, a.label, a.bindings, a.axes) == ("quickstart", "a", (), ())
    assert (b.recipe, b.label, b.axes) == ("quickstart", "B", ("experiment.pretext",))


def test_a_binding_of_all_rows_below_that_of_one_row_does_not_replace_it(tmp_path: Path) -> None:
    grid = read_grid(write(tmp_path, f"{GRID}row.label = 'All'\n"))
    assert [row.label for row in grid.rows_by_name.values()] == ["All", "B"]


def test_a_protocol_is_a_packaged_name_or_a_file_beside_the_grid(tmp_path: Path) -> None:
    packaged = read_grid(write(tmp_path, f"{GRID}grid.protocol = 'offline'\n")).protocol_path
    assert packaged is not None
    assert packaged.name == "offline.gin"
    (tmp_path / "own.gin").write_text("experiment.metrics = []\n")
    assert read_grid(write(tmp_path, f"{GRID}grid.protocol = 'own.gin'\n")).protocol_path == tmp_path / "own.gin"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("grid.seed = 1", "x.gin:13: the grid has no parameter 'seed'; did you mean 'seeds'?"),
        ("b/row.lable = 'B'", "x.gin:13: the row has no parameter 'lable'; did you mean 'label'?"),
        ("bb/row.label = 'B'", "x.gin:13: 'bb/row.label': grid.rows has no 'bb'; did you mean 'b'?"),
        ("G_WIDTH = 3", "x.gin:13: a grid has no 'G_WIDTH'"),
        ("experiment.num_steps = 3", "write it into grid.overrides or a row's bindings, as a string"),
        ("c/grid.title = 'x'", "the grid has no scope; write grid.title"),
        ("grid.baseline = 'aa'", "x.gin:13: grid.baseline is 'aa', which is not in grid.rows; did you mean 'a'?"),
        ("grid.protocol = 'offlin'", "x.gin:13: no protocol 'offlin'; did you mean 'offline'?"),
        ("b/row.reported = 'cifar10/sss'", "x.gin:13: row.reported names the published numbers 'cifar10/sss'"),
        ("b/row.reported = 'cifar10/sss'", "of which there are none; did you mean 'cifar10/ss'?"),
        ("grid.rows = ['a', 'b', 'a']", "grid.rows has 'a' twice"),
        ("grid.rows = ['a', 'b', 'c/d']", "x.gin:13: grid.rows has 'c/d', which cannot name a row"),
        ("grid.rows = []", "grid.rows is empty"),
        ("grid.seeds = [1, 1]", "grid.seeds has 1 twice"),
        ("grid.seeds = [-1]", "x.gin:13: grid.seeds must be at least 0, not -1"),
        ("grid.seeds = 3", "grid.seeds must be a list, each item a whole number, not 3"),
        ("grid.overrides = [@losses.hinge]", "grid.overrides"),
        ("b/row.axes = ['experiment.pretext', 'experiment.pretext']", "has 'experiment.pretext' twice"),
        ("import os", "may not import"),
    ],
)
def test_a_mistake_is_said_with_its_place_and_the_nearest_name(tmp_path, monkeypatch, line, said) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as error:
        read_grid(write(tmp_path, f"{GRID}\n{line}\n"))
    assert said in str(error.value)


def test_a_grid_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, GRID)
    with pytest.raises(UserError, match=r"no grid '.*y\.gin'; did you mean '.*x\.gin'"):
        read_grid(tmp_path / "y.gin")


@pytest.mark.parametrize("key", ["rows", "seeds"])
def test_what_a_grid_must_bind_is_named(tmp_path: Path, key: str) -> None:
    lines = [line for line in GRID.splitlines() if not line.strip().startswith(f"{key} =")]
    with pytest.raises(UserError, match=rf"the grid does not bind grid\.{key}"):
        read_grid(write(tmp_path, "\n".join(lines) + "\n"))


def test_a_row_without_a_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the row 'a' has no recipe; bind a/row\.recipe"):
        read_grid(write(tmp_path, GRID.replace("row.recipe", "b/row.recipe")))


def test_a_grid_by_its_name_and_a_recipe_in_its_place_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("benchmarks").mkdir()
    Path("benchmarks/quick.gin").write_text("")
    with pytest.raises(UserError) as error:
        read_grid(Path("quick"))
    assert str(error.value) == (
        "no file 'quick'; a grid is given by the path of its file: did you mean 'benchmarks/quick.gin'?"
    )
    Path("tiny.gin").write_text("experiment.seed = 1\n")
    with pytest.raises(UserError) as error:
        read_grid(Path("tiny.gin"))
    assert str(error.value) == "tiny.gin: is no grid but a recipe; `ganzoo run` takes it"
