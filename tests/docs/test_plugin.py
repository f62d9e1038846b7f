"""The page on writing a plugin does what it says: followed from its first line to its last, every block works."""

import importlib
import importlib.util
import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.cli import call
from ganzoo.registry import KINDS
from ganzoo.testing import check_component, temporary_plugins

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing_a_plugin.md").read_text("utf-8")
BLOCK = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
# A run of the page takes minutes; these make it two steps, and say nothing that the page does not.
SHORT = [
    "experiment.num_steps = 2",
    "experiment.batch_size = 8",
    "experiment.metrics = []",
    "G_WIDTH = 4",
    "D_WIDTH = 4",
]
COMPONENTS = {
    "mirror.py": "pretext.mirror",
    "brightness.py": "pretext.brightness",
    "mean_difference.py": "losses.mean_difference",
}


@dataclass(frozen=True)
class Block:
    """A block of code: its language, the file that it is to be saved as or an empty string, and its text."""

    language: str
    title: str
    text: str


BLOCKS = [Block(*match.groups(default="")) for match in BLOCK.finditer(PAGE)]
FILES = {block.title: block.text for block in BLOCKS if block.title}


@pytest.mark.parametrize("title", FILES)
def test_the_reader_is_told_what_file_a_block_is(title: str) -> None:
    before = PAGE.partition(f'title="{title}"')[0].rpartition("```")[0]
    assert f"`{Path(title).name}`" in before.split("\n\n")[-2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, and a registry that forgets what is registered."""
    monkeypatch.chdir(tmp_path)
    with temporary_plugins():
        yield tmp_path


def pip_install(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a project's package as an installer does."""
    described = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    info = project / f"{described['name'].replace('-', '_')}-{described['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {described['name']}\nVersion: {described['version']}\n"
    )
    points = described["entry-points"][registry.ENTRY_POINT_GROUP]
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINT_GROUP}]\n{lines}")
    monkeypatch.syspath_prepend(str(project.resolve()))
    importlib.invalidate_caches()


def run_tests(path: Path) -> None:
    """Call every test of a file."""
    spec = importlib.util.spec_from_file_location(f"page_{path.stem}", path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()


def run_command(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run one command of the page, in this process but as if in a new one."""
    program, *arguments = shlex.split(line)
    with temporary_plugins():
        if program == "ganzoo":
            shortened = [x for binding in SHORT for x in ("--set", binding)] if arguments[0] == "run" else []
            assert call([*arguments, *shortened]) == 0, line
        elif program == "python":
            runpy.run_path(arguments[0])
        elif program == "pytest":
            run_tests(Path(arguments[0]))
        else:
            assert (program, arguments[0]) == ("pip", "install"), line
            pip_install(Path(arguments[1]), monkeypatch)
    # A new process would import an installed package anew.
    for name in [name for name in sys.modules if name.partition(".")[0] == "ganzoo_mirror"]:
        del sys.modules[name]


@pytest.mark.slow
def test_the_page_can_be_followed_from_its_first_line_to_its_last(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for block in BLOCKS:
        if block.language == "bash":
            for line in block.text.splitlines():
                run_command(line, monkeypatch)
        elif block.title.endswith("pyproject.toml"):
            assert (folder / block.title).read_text() == block.text
        else:
            assert block.title, f"a block that is no command names the file it is saved as: {block.text[:60]}"
            (folder / block.title).write_text(block.text)
    assert "ganzoo-mirror 0.1.0" in capsys.readouterr().out
    for run in ("mirror-seed0", "mirror"):
        assert "d/mirror/accuracy_real" in (folder / "runs" / run / "metrics.jsonl").read_text()
    assert "pretext.mirror.alpha = 0.2" in (folder / "runs/mirror/operative.gin").read_text()


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_file_of_the_page_keeps_the_contract(name: str, folder: Path) -> None:
    (folder / name).write_text(FILES[name])
    assert registry.load_file(folder / name) == [COMPONENTS[name]]
    check_component(COMPONENTS[name])


def test_every_component_of_the_page_is_tried_here() -> None:
    others = {"check_mirror.py", "my_recipe.gin", "ganzoo-mirror/pyproject.toml"}
    assert set(FILES) == {*COMPONENTS, *others}


def test_the_task_without_a_transform_trains_from_its_file(folder: Path, tiny_recipe: Path) -> None:
    tiny_recipe.write_text(tiny_recipe.read_text().replace("pretext.rotation.alpha_schedule = 'linear'\n", ""))
    (folder / "brightness.py").write_text(FILES["brightness.py"])
    binding = "experiment.pretext = [@pretext.brightness]"
    assert call(["run", str(tiny_recipe), "--plugin", "brightness.py", "--set", binding, "--out", "run"]) == 0
    assert "d/brightness/loss" in (folder / "run" / "metrics.jsonl").read_text()


def test_the_table_of_checks_has_a_row_for_every_kind() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \|(.*)\|$", PAGE.partition("| kind | repeats")[2].partition("\n\n")[0], re.MULTILINE
    )
    assert {kind for kind, _ in rows} == set(KINDS)
    assert all(cells.count("|") == 6 for _, cells in rows)


def test_the_readmes_task_is_the_pages() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert FILES["mirror.py"] in readme
    assert next(line for line in PAGE.splitlines() if line.startswith("ganzoo run quickstart")) in readme
