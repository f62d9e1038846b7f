"""Imports point downward only: the folder that a file lies in decides what it may import.

Imports inside functions and under TYPE_CHECKING count. `ganzoo/__init__.py` resolves its names lazily and is exempt.
"""

import ast
from functools import cache
from pathlib import Path

from ganzoo.paths import PACKAGE
from ganzoo.registry import KINDS

# From the bottom to the top; a file imports its own folder and those below. `root` are the loose files of the package,
# which have an order of their own, and of which only `__main__` and `cli` stand above the folders.
FOLDERS = (
    ("root",),
    ("layers",),
    ("normalizations",),
    ("architectures",),
    ("losses", "augment", "data", "features", "optim"),
    ("penalties", "pretext", "metrics"),
    ("conditioning", "remedies"),
    ("config",),
    ("gan", "runs"),
    ("evaluation", "testing"),
    ("diagnostics",),
    ("training",),
    ("forgetting", "bench"),
    ("report",),
    ("scaffold",),
    ("commands",),
    ("top",),
)
PLACE = {folder: place for place, folders in enumerate(FOLDERS) for folder in folders}
TOP = {"ganzoo.cli", "ganzoo.__main__"}
MAX_ROOT_FILES = 12


@cache
def modules() -> dict[str, Path]:
    """Return the file of every module but `ganzoo/__init__.py`."""
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]
    names = [".".join(("ganzoo", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in paths]
    return {name.removesuffix(".__init__"): path for name, path in zip(names, paths, strict=True)}


@cache
def imports() -> dict[str, set[str]]:
    """Return the modules of ganzoo that each module imports, wherever in it; each file is parsed once."""
    return {module: set(_imported(path)) for module, path in modules().items()}


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import hides where it points"
            assert node.module is not None
            # `from ganzoo import registry` imports a module, `from ganzoo.batch import Latents` a name of one.
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (whole & modules().keys()) | ({node.module} if whole - modules().keys() else set())
    return {name for name in found if name.partition(".")[0] == "ganzoo"}


def folder_of(module: str) -> str:
    parts = module.split(".")
    if module in TOP:
        return "top"
    return parts[1] if (PACKAGE / parts[1]).is_dir() else "root"


def test_every_folder_has_a_place_and_the_root_holds_few_files() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == PLACE.keys() - {"root", "top"}
    assert set(KINDS) <= folders
    assert all(f"ganzoo.{kind}.base" in modules() for kind in KINDS)
    loose = [path for path in PACKAGE.glob("*.py") if path.name not in ("__init__.py", "__main__.py")]
    assert len(loose) <= MAX_ROOT_FILES


def test_every_import_points_downward() -> None:
    upward = [
        f"{module} -> {name}"
        for module, names in imports().items()
        for name in names
        if name in modules() and PLACE[folder_of(name)] > PLACE[folder_of(module)]
    ]
    assert upward == []


def test_no_two_folders_of_one_place_import_each_other() -> None:
    sideways = [
        f"{module} -> {name}"
        for module, names in imports().items()
        for name in names
        if PLACE[folder_of(name)] == PLACE[folder_of(module)] and folder_of(name) != folder_of(module)
    ]
    assert sideways == []


def test_no_files_import_each_other_in_a_circle_and_none_imports_the_package_itself() -> None:
    waiting = {module: {name for name in names if name != module} for module, names in imports().items()}
    assert [module for module, names in waiting.items() if "ganzoo" in names] == []
    unknown = {name for names in waiting.values() for name in names} - modules().keys()
    assert unknown == set()
    while leaves := [module for module, names in waiting.items() if not names]:
        waiting = {module: names - set(leaves) for module, names in waiting.items() if module not in leaves}
    assert waiting == {}


def test_a_component_imports_no_component_of_another_kind() -> None:
    crossing = [
        f"{module} -> {name}"
        for module, names in imports().items()
        for name in names
        if folder_of(module) in KINDS
        and folder_of(name) in {*KINDS} - {folder_of(module)}
        and not name.endswith(".base")
    ]
    assert crossing == []


def test_what_trains_any_gan_knows_no_component() -> None:
    named = [
        f"{module} -> {name}"
        for module, names in imports().items()
        for name in names
        if folder_of(module) in ("gan", "config") and folder_of(name) in KINDS and not name.endswith(".base")
    ]
    assert named == []


def test_a_listing_of_components_needs_no_torch() -> None:
    assert imports()["ganzoo.registry"] == {"ganzoo.aliases", "ganzoo.component", "ganzoo.errors", "ganzoo.paths"}
    assert imports()["ganzoo.component"] == {"ganzoo.errors"}
    assert imports()["ganzoo.aliases"] == imports()["ganzoo.errors"] == imports()["ganzoo.paths"] == set()
