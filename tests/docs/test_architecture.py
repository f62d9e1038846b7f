"""The picture of the architecture names folders that exist, and the page has every stage and folder of it."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ganzoo.paths import PACKAGE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
DEVELOPMENT = (ROOT / "docs/development.md").read_text("utf-8")


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_architecture", ROOT / "docs/make_architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_architecture"] = module  # its dataclass looks its module up
    spec.loader.exec_module(module)
    return module


def test_every_place_in_the_picture_exists_and_every_stage_has_a_row_of_the_page(drawing: ModuleType) -> None:
    rows = re.findall(r"^\| ([\w ]+) \| (.+?) \|", PAGE, re.MULTILINE)
    assert [name for name, _ in rows if name != "stage"] == [stage.name for stage in drawing.STAGES]
    for stage in drawing.STAGES:
        for place in re.findall(r"[\w.]+/[\w./]*", stage.places):
            assert (ROOT / place).exists(), place
    chain = [start for start, _ in drawing.ARROWS] + [drawing.ARROWS[-1][1]]
    assert chain == [stage.name for stage in drawing.STAGES]


def test_the_committed_picture_is_of_these_stages(drawing: ModuleType) -> None:
    # Its text is drawn as outlines; the comment before each says what was written.
    written = re.findall(r"<!-- (.+?) -->", drawing.PICTURE.read_text("utf-8"))
    for stage in drawing.STAGES:
        assert stage.name in written
        assert set(stage.places.splitlines()) <= set(written)


def test_the_list_of_folders_has_every_folder_of_the_package() -> None:
    from ganzoo.registry import KINDS

    listed = set(re.findall(r"^\| `([\w<>]+)/` \|", DEVELOPMENT, re.MULTILINE))
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert listed == (folders - set(KINDS)) | {"<kind>"}


def test_every_file_in_the_list_of_folders_is_in_its_folder() -> None:
    rows = re.findall(
        r"^\| `?([\w<>]+)/?`? \| (.*) \|$", DEVELOPMENT.partition("## What is generated")[0], re.MULTILINE
    )
    named = [(folder, file) for folder, cell in rows for file in re.findall(r"`(\w+\.py)`", cell)]
    assert len(named) > 30
    patterns = {"root": "", "<kind>": "*/"}
    for folder, file in named:
        # cli.py is named beside the commands.
        pattern = patterns.get(folder, f"{folder}/") if file != "cli.py" else ""
        assert list(PACKAGE.glob(pattern + file)), f"{folder}: {file}"
