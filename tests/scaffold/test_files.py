"""`ganzoo new`: what it writes works as it stands, for every kind, and nothing is lost by it."""

import importlib
import importlib.util
import json
import math
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.cli import call
from ganzoo.errors import UserError
from ganzoo.registry import KINDS
from ganzoo.scaffold.files import COMMANDS, PARTS, plan, write
from ganzoo.testing import temporary_plugins

NAME = "my_part"


@pytest.fixture(autouse=True)
def _forget_plugins() -> Iterator[None]:
    with temporary_plugins():
        yield


def written_tests(path: Path) -> dict[str, Callable[[], None]]:
    """Return the test functions of a file."""
    spec = importlib.util.spec_from_file_location(f"written_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_file_of_every_kind_keeps_its_contract_and_its_recipe_takes_two_steps(kind: str, tmp_path: Path) -> None:
    write(plan(kind, NAME, folder=tmp_path, is_package=False))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my_part.gin", "my_part.py", "test_my_part.py"]
    tests = written_tests(tmp_path / "test_my_part.py")
    assert len(tests) == 2
    for test in tests.values():
        test()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "remedies"])
def test_the_recipe_of_a_new_file_of_every_kind_trains_measures_and_ends(kind: str, tmp_path: Path) -> None:
    write(plan(kind, NAME, folder=tmp_path, is_package=False))
    paths = [str(tmp_path / name) for name in ("my_part.gin", "my_part.py", "run")]
    short = ["experiment.num_steps = 2", "experiment.batch_size = 8"]
    width = "architectures.my_part{}.width = 4" if kind == "architectures" else "{}_WIDTH = 4"
    short += [width.format(network) for network in (PARTS[kind] if kind == "architectures" else ("G", "D"))]
    sets = [argument for binding in short for argument in ("--set", binding)]
    assert call(["run", paths[0], "--plugin", paths[1], "--out", paths[2], *sets]) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["step"] == 2
    assert all(math.isfinite(m["value"]) for m in result["metrics"])
    assert result["metrics"]


@pytest.mark.slow
def test_the_recipe_of_a_new_remedy_trains_as_a_forgetting_experiment(tmp_path: Path) -> None:
    write(plan("remedies", NAME, folder=tmp_path, is_package=False))
    paths = [str(tmp_path / name) for name in ("my_part.gin", "my_part.py", "run")]
    short = ["forgetting.num_steps_per_task = 2", "forgetting.eval_every = 1", "D_WIDTH = 2"]
    sets = [argument for binding in short for argument in ("--set", binding)]
    assert call(["forgetting", paths[0], "--plugin", paths[1], "--out", paths[2], *sets]) == 0


def installed_package(folder: Path) -> dict[str, str]:
    """Make a project's package visible to this process as an installer would, and return its entry points."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entry_points: dict[str, str] = project["entry-points"][registry.ENTRY_POINT_GROUP]
    lines = "".join(f"{key} = {value}\n" for key, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINT_GROUP}]\n{lines}")
    importlib.invalidate_caches()
    registry._entry_points.cache_clear()
    return entry_points


def test_a_new_package_is_found_by_its_entry_point_and_passes_its_own_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaffold = plan("pretext", NAME, folder=tmp_path, is_package=True)
    write(scaffold)
    monkeypatch.syspath_prepend(str(scaffold.folder))
    installed_package(scaffold.folder)
    assert registry.index()["pretext.my_part"].origin == "ganzoo-my-part 0.1.0"
    for test in written_tests(scaffold.folder / "tests/test_my_part.py").values():
        test()


@pytest.mark.parametrize("kind", KINDS)
def test_the_entry_points_of_a_new_package_name_its_components(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another name for each kind, since a package of one name is imported once.
    name = f"packed_{kind}"
    scaffold = plan(kind, name, folder=tmp_path, is_package=True)
    write(scaffold)
    monkeypatch.syspath_prepend(str(scaffold.folder))
    entry_points = installed_package(scaffold.folder)
    assert entry_points.keys() == {key for key in registry.index() if name in key}
    for key in entry_points:
        assert registry.get(key).__name__ == key.partition(".")[2]
    compile((scaffold.folder / f"tests/test_{name}.py").read_text(), "test", "exec")


def build_wheel(project: Path, folder: Path) -> Path:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=project, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pretext", "remedies"])
def test_the_wheel_of_a_new_package_has_all_that_its_recipe_needs(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another name for each kind, since a package of one name is imported once.
    name = f"wheeled_{kind}"
    scaffold = plan(kind, name, folder=tmp_path, is_package=True)
    write(scaffold)
    wheel = build_wheel(scaffold.folder, tmp_path / "wheels")
    with zipfile.ZipFile(wheel) as archive:
        package = {path for path in archive.namelist() if ".dist-info/" not in path}
        archive.extractall(tmp_path / "installed")
    assert package == {f"ganzoo_{name}/{file}" for file in ("__init__.py", f"{name}.py", f"{name}.gin")}
    # As on a machine that has the wheel alone.
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    importlib.invalidate_caches()
    registry._entry_points.cache_clear()
    assert registry.index()[f"{kind}.{name}"].origin == f"ganzoo-wheeled-{kind} 0.1.0"
    recipe = importlib.import_module(f"ganzoo_{name}").RECIPE
    assert recipe == tmp_path / f"installed/ganzoo_{name}/{name}.gin"
    if kind == "remedies":
        short = ["forgetting.num_steps_per_task = 2", "forgetting.eval_every = 1", "D_WIDTH = 2"]
    else:
        short = ["experiment.num_steps = 2", "experiment.batch_size = 8", "G_WIDTH = 4", "D_WIDTH = 4"]
    sets = [argument for binding in short for argument in ("--set", binding)]
    verb = COMMANDS.get(kind, "run")
    assert call([verb, str(recipe), "--out", str(tmp_path / "run"), *sets]) == 0
    readme = (scaffold.folder / "README.md").read_text()
    assert f"ganzoo {verb} \"$(python -c 'import ganzoo_{name}; print(ganzoo_{name}.RECIPE)')\"" in readme


def test_a_wheel_carries_the_templates_and_says_that_it_has_types(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent.parent
    wheel = build_wheel(root, tmp_path)
    listing = subprocess.run([sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True)
    for path in (root / "ganzoo/scaffold/templates").iterdir():
        assert f"ganzoo/scaffold/templates/{path.name}" in listing.stdout
    assert "ganzoo/py.typed" in listing.stdout


def test_the_command_says_what_it_wrote_and_the_next_three_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["new", "losses", NAME, "--dir", str(tmp_path)]) == 0
    written, _, following = capsys.readouterr().out.partition("next:\n")
    assert all(name in written for name in ("my_part.py", "my_part.gin", "test_my_part.py"))
    commands = following.strip().splitlines()
    assert len(commands) == 3
    assert f"ganzoo run {tmp_path}/my_part.gin --plugin {tmp_path}/my_part.py" in following


def test_the_commands_of_a_package_begin_with_its_installation(tmp_path: Path) -> None:
    scaffold = plan("remedies", NAME, folder=tmp_path, is_package=True)
    assert scaffold.next_commands == (
        f"pip install -e '{tmp_path}/ganzoo-my-part[test]'",
        f"ganzoo forgetting {tmp_path}/ganzoo-my-part/ganzoo_my_part/my_part.gin",
        f"pytest {tmp_path}/ganzoo-my-part",
    )


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("pretex", "x", "no kind 'pretex'; did you mean 'pretext'?"),
        ("xyzzy", "x", "no kind 'xyzzy'; there are: architectures, losses"),
        ("losses", "MyLoss", "'MyLoss' cannot be the name of a component; give one in snake_case, such as 'my_loss'"),
        ("losses", "my-loss", "such as 'my_loss'"),
        ("losses", "2nd", "cannot be the name of a component; give one in snake_case"),
        ("losses", "../x", "cannot be the name of a component"),
        ("losses", "class", "cannot be the name of a component"),
        (
            "losses",
            "hinge",
            "losses.hinge exists already, from ganzoo; choose another name than those of losses:",
        ),
        ("architectures", "resnet", "architectures.resnet_generator exists already"),
        ("data", "torch", "'torch' is a name of Python itself or of an installed package"),
        ("data", "list", "'list' is a name of Python itself"),
    ],
)
def test_a_name_that_is_not_allowed_is_a_sentence(kind: str, name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        plan(kind, name, folder=tmp_path, is_package=False)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("present", ["my_part.py", "my_part.gin", "test_my_part.py"])
def test_no_file_is_overwritten_and_none_written_beside_it(present: str, tmp_path: Path) -> None:
    (tmp_path / present).write_text("mine")
    with pytest.raises(UserError, match=rf"{present}' exists already and is not overwritten"):
        write(plan("losses", NAME, folder=tmp_path, is_package=False))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write to"):
        write(plan("losses", NAME, folder=tmp_path / "file", is_package=False))
