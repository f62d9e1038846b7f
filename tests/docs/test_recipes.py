"""The page of recipes is the one that their headers give."""

import importlib.util
import sys
from pathlib import Path

from ganzoo.config.recipe_files import recipes_dir

ROOT = Path(__file__).parents[2]


def test_the_page_is_made_from_the_headers_and_has_every_recipe() -> None:
    spec = importlib.util.spec_from_file_location("make_recipes", ROOT / "docs/make_recipes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_recipes"] = module
    spec.loader.exec_module(module)
    page = module.PAGE.read_text("utf-8")
    assert page == module.page(), "run `python docs/make_recipes.py`"
    paths = [
        *recipes_dir().glob("*.gin"),
        *recipes_dir().glob("forgetting/*.gin"),
        *recipes_dir().glob("protocols/*.gin"),
    ]
    assert all(f"| `{path.stem}` | " in page for path in paths)
