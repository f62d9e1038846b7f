"""The page on writing a plugin does what it says: its files register, keep the contract, and train."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.cli import call
from ganzoo.testing import check_component, temporary_plugins

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "writing_a_plugin.md").read_text("utf-8")
FILES = dict(re.findall(r'^```(?:python|toml) title="([^"]+)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL))
TASKS = {
    "mirror.py": "pretext.mirror",
    "brightness.py": "pretext.brightness",
    "mean_difference.py": "losses.mean_difference",
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with the page's files, and a registry that forgets them afterwards."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    with temporary_plugins():
        yield tmp_path


@pytest.mark.parametrize("name", TASKS)
def test_a_file_of_the_page_keeps_the_contract(name: str, folder: Path) -> None:
    assert registry.load_file(folder / name) == [TASKS[name]]
    check_component(TASKS[name])


def test_every_file_of_the_page_is_tried_here() -> None:
    assert set(FILES) == {*TASKS, "check_mirror.py", "pyproject.toml"}


def test_the_check_of_the_page_runs_as_written(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "check_mirror.py"], cwd=folder, capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("task", ["mirror", "brightness"])
def test_a_task_of_the_page_trains_from_its_file(task: str, folder: Path, tiny_recipe: Path) -> None:
    tiny_recipe.write_text(tiny_recipe.read_text().replace("pretext.rotation.alpha_schedule = 'linear'\n", ""))
    binding = f"experiment.pretext = [@pretext.{task}]"
    plugin, out = str(folder / f"{task}.py"), str(folder / "run")
    assert call(["run", str(tiny_recipe), "--plugin", plugin, "--set", binding, "--out", out]) == 0
    assert f"d/{task}/loss" in (folder / "run" / "metrics.jsonl").read_text()


def test_the_entry_point_of_the_page_is_of_the_group_that_ganzoo_reads() -> None:
    entry_points = tomllib.loads(FILES["pyproject.toml"])["project"]["entry-points"]
    assert entry_points == {registry.ENTRY_POINT_GROUP: {"pretext.mirror": "ganzoo_mirror:mirror"}}


def test_the_readmes_task_is_the_pages() -> None:
    assert FILES["mirror.py"] in (ROOT / "README.md").read_text("utf-8")
