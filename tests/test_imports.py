"""Imports point downward only: a file's place in the layers decides what it may import."""

import ast
from pathlib import Path

import pytest

import ganzoo
from ganzoo.registry import KINDS

ROOT = Path(ganzoo.__file__).parent
PACKAGES = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}

# From the bottom to the top; a module imports its own layer and those below. What stands in no list
# (the trainer, evaluation, configuration, ...) is above them all, and only the command line is above that.
LAYERS: tuple[tuple[str, ...], ...] = (
    (
        "ganzoo",
        "ganzoo.aliases",
        "ganzoo.component",
        "ganzoo.errors",
        "ganzoo.registry",
        "ganzoo.randomness",
        "ganzoo.batch",
        "ganzoo.data_choice",
        "ganzoo.data_order",
        "ganzoo.hardware",
        "ganzoo.places",
        "ganzoo.resize",
        "ganzoo.schedule",
    ),
    # A normalization is a layer that residual blocks are made of.
    ("ganzoo.layers", "ganzoo.normalizations.base"),
    tuple(f"ganzoo.{kind}" for kind in KINDS),
    ("ganzoo.gan", "ganzoo.evaluation_protocol"),
    ("ganzoo.views", "ganzoo.steps"),
    ("ganzoo.experiment", "ganzoo.build"),
)
# What a component may import besides layers, registry and its neighbours: nothing that knows of a run.
FORBIDDEN_TO_COMPONENTS = (
    "trainer",
    "config",
    "experiment",
    "build",
    "steps",
    "views",
    "gan",
    "cli",
    "commands",
    "evaluate",
)


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = ["ganzoo", *path.relative_to(ROOT).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> set[str]:
    """Return ganzoo's modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import hides where it points"
            assert node.module is not None
            # `from ganzoo import registry` imports a module, `from ganzoo.batch import Latents` a name of one.
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            others = any(f"{node.module}.{alias.name}" not in MODULES for alias in node.names)
            found |= submodules | ({node.module} if others else set())
    return {name for name in found if name.split(".")[0] == "ganzoo"}


def layer(module: str) -> int:
    if module.split(".")[1:2] in (["cli"], ["commands"], ["__main__"]):
        return len(LAYERS) + 1
    for i, names in enumerate(LAYERS):
        if any(module == name or (name != "ganzoo" and module.startswith(f"{name}.")) for name in names):
            return i
    return len(LAYERS)


def kind_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in KINDS else None


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_nothing_from_above_its_layer(module: str) -> None:
    assert {name for name in imports(MODULES[module]) if layer(name) > layer(module)} == set()


def _reaches_a_run(module: str, seen: frozenset[str] = frozenset()) -> bool:
    """Return whether a module, or one that it imports, is of the steps or above, but for plain helpers."""
    if module in seen or module not in MODULES:
        return False
    if module.split(".")[1] in FORBIDDEN_TO_COMPONENTS:
        return True
    return any(_reaches_a_run(name, seen | {module}) for name in imports(MODULES[module]) if name != "ganzoo")


COMPONENTS = [name for name in MODULES if kind_of(name)]


@pytest.mark.parametrize("module", COMPONENTS)
def test_a_component_imports_no_component_of_another_kind_and_nothing_that_knows_of_a_run(module: str) -> None:
    for name in imports(MODULES[module]):
        other = kind_of(name)
        assert other in (None, kind_of(module)) or name == f"ganzoo.{other}.base", f"{module} imports {name}"
        assert name == "ganzoo" or not _reaches_a_run(name), f"{module} imports {name}"


def test_the_registry_imports_only_sentences_so_that_a_listing_needs_no_torch() -> None:
    assert imports(MODULES["ganzoo.registry"]) == {"ganzoo.aliases", "ganzoo.component", "ganzoo.errors"}
    assert imports(MODULES["ganzoo.component"]) == {"ganzoo.errors"}
    assert imports(MODULES["ganzoo.aliases"]) == imports(MODULES["ganzoo.errors"]) == set()


def test_the_steps_know_no_component() -> None:
    for module in ("ganzoo.gan", "ganzoo.views", "ganzoo.steps", "ganzoo.experiment", "ganzoo.build"):
        named = {name for name in imports(MODULES[module]) if kind_of(name) and not name.endswith(".base")}
        assert named == set(), module


def test_the_trainer_is_known_to_commands_alone() -> None:
    users = {module for module in MODULES if "ganzoo.trainer" in imports(MODULES[module])}
    assert all(module.split(".")[1] in ("cli", "commands", "bench") for module in users), users


def test_a_folder_of_every_kind_has_its_contract() -> None:
    assert set(KINDS) <= PACKAGES
    assert all(f"ganzoo.{kind}.base" in MODULES for kind in KINDS)
