"""The quickstart's page is true: its Python runs, and its table has all that a run leaves."""

import re
from pathlib import Path

import pytest

from ganzoo.config.load import load
from ganzoo.runs.monitor import Silent
from ganzoo.training.trainer import train

PAGE = (Path(__file__).parents[2] / "docs" / "quickstart.md").read_text("utf-8")


@pytest.fixture(scope="module")
def trained(tiny_recipe_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quickstart")
    recipe = folder / "tiny.gin"
    recipe.write_text(tiny_recipe_text)
    train(load(str(recipe)), out=folder / "runs/quickstart-seed0", monitor=Silent())
    return folder


@pytest.fixture
def run(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return Path("runs/quickstart-seed0")


def test_the_python_works_on_a_run_and_gives_what_its_names_say(run: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    found: dict[str, object] = {}
    exec(code, found)
    assert found["images_NCHW"].shape == (16, 1, 16, 16)  # type: ignore[attr-defined]
    assert found["labels_N"] is None
    assert found["features_NF"].shape == (16, found["gan"].discriminator.feature_dim)  # type: ignore[attr-defined]
    assert found["step"] == 12


def test_the_table_has_all_that_a_run_leaves(run: Path) -> None:
    listed = set(
        re.findall(r"`([\w.]+?)/?`", "".join(line.split("|")[1] for line in PAGE.splitlines() if "| `" in line))
    )
    left = {path.name for path in run.iterdir() if not path.name.startswith(".")}
    assert left <= listed
    assert listed - left == {"plugins", "replay"}
