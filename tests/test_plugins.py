"""Components of other packages and of loose files: found, described, checked and trained; wrong ones are a sentence."""

import importlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.cli import call
from ganzoo.config.load import load
from ganzoo.errors import UserError
from ganzoo.testing import check_component, temporary_plugins

PACKAGE = Path(__file__).parent / "plugin_package"
MIRROR = PACKAGE / "ganzoo_mirror" / "mirror.py"


def write_distribution(site: Path, name: str, version: str, entry_points: dict[str, str]) -> None:
    """Write what an installer writes beside a package's modules."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = "".join(f"{key} = {value}\n" for key, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[ganzoo.components]\n{lines}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package of `plugin_package` as an installer leaves it there."""
    folder = tmp_path_factory.mktemp("site")
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    shutil.copytree(PACKAGE / "ganzoo_mirror", folder / "ganzoo_mirror")
    write_distribution(folder, project["name"], project["version"], project["entry-points"]["ganzoo.components"])
    return folder


def ganzoo(site: Path, *arguments: str) -> str:
    """Run a command in a process that sees the package, and return what it prints."""
    paths = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "200"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_package_is_listed_with_who_brings_it(site: Path) -> None:
    listing = ganzoo(site, "list")
    assert "mirror" in listing
    assert "ganzoo-mirror 1.2" in listing
    assert "mean_difference" in listing


def test_an_installed_package_is_described(site: Path) -> None:
    text = ganzoo(site, "describe", "pretext.mirror")
    assert "Predict the flip of an image" in text
    assert "alpha" in text


def test_a_recipe_trains_with_the_components_of_an_installed_package(
    site: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    bindings = ["experiment.pretext = [@pretext.mirror]", "experiment.loss = @losses.mean_difference"]
    sets = [argument for binding in bindings for argument in ("--set", binding)]
    # The recipe's rotation is replaced, so that its own binding would be of no use.
    text = tiny_recipe.read_text().replace("pretext.rotation.alpha_schedule", "pretext.mirror.alpha_schedule")
    tiny_recipe.write_text(text)
    ganzoo(site, "run", str(tiny_recipe), "--out", str(tmp_path / "run"), *sets)
    rows = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert "d/mirror/accuracy_real" in rows
    assert "pretext.mirror.alpha_schedule = 'linear'" in (tmp_path / "run" / "operative.gin").read_text()


def test_an_installed_package_keeps_the_contract(site: Path, installed: Callable[..., None]) -> None:
    installed(site)
    check_component("pretext.mirror")
    check_component("losses.mean_difference")
    assert registry.index()["pretext.mirror"].origin == "ganzoo-mirror 1.2"
    assert registry.plugin_sha256("pretext.mirror") is not None


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A function that makes a folder of packages visible to this process, until the test ends."""

    def show(folder: Path) -> None:
        monkeypatch.syspath_prepend(str(folder))
        importlib.invalidate_caches()
        registry._entry_points.cache_clear()

    with temporary_plugins():
        yield show


def loose_file(folder: Path, name: str = "mirror") -> Path:
    path = folder / f"{name}.py"
    path.write_text(MIRROR.read_text().replace("class mirror(", f"class {name}("))
    return path


def test_a_loose_file_adds_its_component(tmp_path: Path, installed: Callable[..., None], tiny_recipe: Path) -> None:
    path = loose_file(tmp_path, "loose_mirror")
    assert registry.load_file(path) == ["pretext.loose_mirror"]
    assert registry.load_file(path) == ["pretext.loose_mirror"]  # a second time it is known
    check_component("pretext.loose_mirror")
    assert registry.plugin_file("pretext.loose_mirror") == (path, registry.plugin_sha256("pretext.loose_mirror"))
    tiny_recipe.write_text(tiny_recipe.read_text().replace("pretext.rotation", "pretext.loose_mirror"))
    experiment = load(str(tiny_recipe), plugins=[path]).experiment
    assert [part.name for part in experiment.pretext] == ["pretext.loose_mirror"]


WRONG_FILES = {
    "does_not_import": ("import no_such_module\n", "cannot be loaded: ModuleNotFoundError"),
    "has_a_syntax_error": ("def f(:\n", "cannot be loaded: SyntaxError"),
    "exits": ("raise SystemExit(3)\n", "cannot be loaded: SystemExit"),
    "registers_nothing": ("x = 1\n", 'registers no component: decorate its class with @register("<kind>")'),
    "has_the_name_of_a_built_in": (MIRROR.read_text().replace("class mirror(", "class rotation("), "registered twice"),
    "has_an_unknown_kind": (MIRROR.read_text().replace('"pretext")', '"pretxt")'), "did you mean 'pretext'?"),
    "swallows_arguments": (
        MIRROR.read_text() + "\n    def __init__(self, **kwargs: float) -> None:\n        super().__init__(**kwargs)\n",
        "would swallow a misspelt parameter",
    ),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_wrong_loose_file_is_one_sentence_and_leaves_the_listing_as_it_was(
    case: str, tmp_path: Path, installed: Callable[..., None]
) -> None:
    source, fragment = WRONG_FILES[case]
    path = tmp_path / f"{case}.py"
    path.write_text(source)
    before = list(registry.index())
    with pytest.raises(UserError) as error:
        registry.load_file(path)
    assert fragment in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert list(registry.index()) == before


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no plugin file"):
        registry.load_file(tmp_path / "nowhere.py")


WRONG_PACKAGES = {
    "pretext.does_not_import": (
        "import no_such_module\n",
        "mirror",
        "cannot be loaded: No module named 'no_such_module'",
    ),
    "pretext.no_attribute": (MIRROR.read_text(), "no_such_class", "cannot be loaded"),
    "pretext.no_component": ("x = 1\n", "x", "is no component: decorate a class with @register"),
    "pretext.rotation": (MIRROR.read_text(), "mirror", "adds 'pretext.rotation', a name that ganzoo has; rename it"),
    "pretext.other_name": (MIRROR.read_text(), "mirror", "its class registers as 'pretext.mirror'"),
    "misplaced": (MIRROR.read_text(), "mirror", "its class registers as 'pretext.mirror'"),
}


@pytest.mark.parametrize("name", WRONG_PACKAGES)
def test_a_wrong_package_is_one_sentence_and_never_breaks_the_listing(
    name: str, tmp_path: Path, installed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    source, attribute, fragment = WRONG_PACKAGES[name]
    module = f"wrong_package_{name.replace('.', '_')}"
    (tmp_path / f"{module}.py").write_text(source)
    write_distribution(tmp_path, "wrong-package", "0.1", {name: f"{module}:{attribute}"})
    installed(tmp_path)

    assert call(["list"]) == 0
    assert "rotation" in capsys.readouterr().out
    listing = registry._entry_points()[name]
    with pytest.raises(UserError) as error:
        listing.load()
    assert fragment in str(error.value)
    assert "wrong-package" in str(error.value)
    assert "\n" not in str(error.value)
    # A built-in keeps its name.
    assert registry.get("pretext.rotation").__module__ == "ganzoo.pretext.rotation"


def test_two_packages_of_the_same_name_are_refused_naming_both(tmp_path: Path, installed: Callable[..., None]) -> None:
    for package in ("first-mirror", "second-mirror"):
        module = package.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(MIRROR.read_text())
        write_distribution(tmp_path, package, "0.1", {"pretext.mirror": f"{module}:mirror"})
    installed(tmp_path)
    assert call(["list"]) == 0
    registry._loaded.pop("pretext.mirror", None)
    with pytest.raises(UserError) as error:
        registry.get("pretext.mirror")
    assert "first-mirror 0.1" in str(error.value)
    assert "second-mirror 0.1" in str(error.value)


def test_a_loose_file_is_listed_and_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mirrored.py"
    path.write_text(MIRROR.read_text().replace("class mirror(", "class mirrored("))
    with temporary_plugins():
        assert call(["list", "pretext", "--plugin", str(path)]) == 0
        assert "pretext.mirrored" in capsys.readouterr().out
        assert call(["describe", "pretext.mirrored", "--plugin", str(path)]) == 0
        assert "alpha_schedule" in capsys.readouterr().out
