"""The page on data names every data set, and shows what was measured."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from ganzoo import registry
from ganzoo.component import options_of
from ganzoo.config.load import load
from ganzoo.config.recipe_files import recipes_dir
from ganzoo.gan.build import build_gan

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "data.md").read_text("utf-8")
RESULT = json.loads((ROOT / "benchmarks" / "results" / "data_cache.json").read_text("utf-8"))

MADE_UP = ("data.digits", "data.synthetic")


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("data_cache", ROOT / "benchmarks" / "data_cache.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name", [n for n, listing in registry.index().items() if n.startswith("data.") and listing.origin == "ganzoo"]
)
def test_every_data_set_is_on_the_page_with_the_sizes_of_its_splits(name: str) -> None:
    assert f"`{name}`" in PAGE
    options = options_of(registry.get(name)).values()
    if any(option.default is option.empty for option in options) or name in MADE_UP:
        return
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}`"))
    for split, num_images in registry.part(name)().spec().num_images.items():
        assert num_images is None or f"{num_images:,}" in row
        assert split in row


def test_the_base_files_that_the_page_names_are_there() -> None:
    named = [word.strip("`.,") for word in PAGE.split() if word.startswith("`base/")]
    assert len(named) == 9
    assert all((recipes_dir() / name).is_file() for name in named)


def test_the_recipe_for_images_of_ones_own_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tmp_path / "my_images.gin"
    recipe.write_text(PAGE.partition("`my_images.gin`")[2].partition("```\n")[2].partition("```")[0])
    (tmp_path / "my_images").mkdir()
    for number in range(3):
        Image.new("RGB", (50, 40), (number, 0, 0)).save(tmp_path / "my_images" / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    experiment = load(recipe).experiment
    dataset = experiment.dataset()
    assert dataset.load("train").images_NCHW[:, 0, 0, 0].tolist() == [0, 1, 2]
    gan = build_gan(experiment, dataset.spec())
    assert list(gan.tasks) == ["rotation"]
    assert gan.generator.image_shape == (3, 32, 32)


def test_the_table_is_that_of_the_committed_result(
    benchmark: ModuleType, read_marks: Callable[[Path], dict[str, str]]
) -> None:
    shown = PAGE.partition(benchmark.BEGIN)[2].partition(benchmark.END)[0]
    assert shown.strip() == benchmark.table(RESULT).strip()
    assert RESULT["command"] in PAGE
    assert read_marks(ROOT / "docs" / "data.md") == {
        "load before": f"{RESULT['machine']['load_before']:.0f}",
        "megabytes": f"{RESULT['image_bytes'] / 1e6:.0f}",
    }
