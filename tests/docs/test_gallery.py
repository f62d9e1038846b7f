"""The gallery shows what the registry holds, and a new component file is all that a new component takes."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ganzoo import registry
from ganzoo.cli import call
from ganzoo.component import options_of
from ganzoo.testing import temporary_plugins

ROOT = Path(__file__).parents[2]
NEW_TASK = '''
"""A new component. N: batch; C, H, W: image."""

from torch import Tensor

from ganzoo.pretext.transform_prediction import TransformPrediction
from ganzoo.registry import register


@register("pretext")
class dropped_in(TransformPrediction):
    """Predict whether an image <was mirrored>.

    Source: this test, arXiv:1811.11212.
    Departures: it is *no* paper's.
    """

    num_transforms = 2

    def transform(self, x_NCHW: Tensor) -> list[Tensor]:
        """Return both versions."""
        return [x_NCHW, x_NCHW.flip(3)]
'''.lstrip()


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "docs/make_gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_gallery"] = module  # its dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(gallery: ModuleType) -> dict[str, str]:
    found: dict[str, str] = gallery.pages()
    return found


def test_every_component_has_its_section_with_source_and_every_argument(pages: dict[str, str]) -> None:
    for name in registry.index():
        kind, _, short = name.partition(".")
        page = pages[f"pretext/{short}.md" if kind == "pretext" else f"{kind}.md"]
        _, heading, rest = f"\n{page}".partition(f"\n{'#' if kind == 'pretext' else '##'} {short}\n")
        assert heading, name
        section = re.split(r"^## (?!Recipe)", rest, maxsplit=1, flags=re.MULTILINE)[0]
        assert re.search(r"^\*\*Source:\*\* \S", section, re.MULTILINE), name
        for option in options_of(registry.get(name)):
            assert f"| `{option}` | " in section, name
        assert f"[`{short}`](" in pages["index.md"]


def test_recipes_are_named_where_they_are_used_and_a_tasks_page_shows_one(pages: dict[str, str]) -> None:
    assert "`deshuffle_resnet`" in pages["pretext/deshuffle.md"]
    text = (ROOT / "gin/deshuffle_resnet.gin").read_text()
    assert f"```text\n{text}```" in pages["pretext/deshuffle.md"]
    assert "`ssgan_resnet`" in pages["pretext/rotation.md"]
    assert "`uncond_resnet`" not in pages["pretext/rotation.md"]
    assert "`forgetting/cifar10`" in pages["remedies.md"]
    assert "No packaged recipe uses it." in pages["data.md"]


def test_text_is_shown_as_it_is_and_not_as_markup(gallery: ModuleType) -> None:
    assert gallery.markdown("<y> a_b *c* E[|x|]") == r"\<y> a\_b \*c\* E\[\|x\|\]"
    assert gallery.markdown("`a_b <c>`, arXiv:1811.11212") == (
        "`a_b <c>`, [arXiv:1811.11212](https://arxiv.org/abs/1811.11212)"
    )
    assert gallery.cell("`'a' | 'b'` | c") == r"`'a' \| 'b'` \| c"


def test_a_page_whose_component_is_gone_is_removed(gallery: ModuleType, pages: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pretext").mkdir()
    stale = tmp_path / "pretext/gone.md"
    stale.write_text("")
    gallery.write_pages(tmp_path, pages)
    assert not stale.exists()
    kept = tmp_path / "index.md"
    os.utime(kept, (0, 0))
    gallery.write_pages(tmp_path, pages)
    assert kept.stat().st_mtime == 0


def test_a_loose_file_is_in_the_gallery(
    gallery: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "dropped_in.py"
    path.write_text(NEW_TASK)
    with temporary_plugins():
        assert call(["list", "pretext", "--plugin", str(path)]) == 0
        assert "pretext.dropped_in" in capsys.readouterr().out
        page = gallery.pages()["pretext/dropped_in.md"]
    assert r"Predict whether an image \<was mirrored>." in page
    assert "**Source:** this test, [arXiv:1811.11212]" in page
    assert r"- Departures: it is \*no\* paper's." in page
    assert "Brought by" in page


# What happens in a copy of the project after one file was dropped into it.
SCRIPT = """
import sys
from collections import defaultdict
from unittest.mock import patch
import pytest
from ganzoo import registry
from ganzoo.cli import call
sys.path.insert(0, "docs")
import make_gallery

# No packaged recipe can use the new component, and reading all recipes and components takes long.
make_gallery.recipes_by_component = lambda: defaultdict(list)
pretext = {name: listing for name, listing in registry.index().items() if name.startswith("pretext.")}
assert call(["list", "pretext"]) == 0
assert call(["describe", "pretext.dropped_in"]) == 0
with patch.object(registry, "index", lambda: pretext):
    print(make_gallery.pages()["pretext/dropped_in.md"])
sys.exit(pytest.main(["tests/test_sweep.py", "-q", "-p", "no:cacheprovider", "-k", "dropped_in"]))
"""


@pytest.mark.slow
def test_a_file_dropped_into_a_kinds_folder_is_listed_described_swept_and_shown(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("gallery", "images")
    for folder in ("ganzoo", "gin", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    (tmp_path / "tests").mkdir()
    for name in ("test_sweep.py", "conftest.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    (tmp_path / "ganzoo/pretext/dropped_in.py").write_text(NEW_TASK)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    listed, _, described = done.stdout.partition("pretext.dropped_in")
    assert "pretext: self-supervised tasks" in listed
    assert "Source: this test" in described
    assert "# dropped_in\n" in described
    assert "1 passed" in described
