"""The source files that a run's training and its numbers depend on, with their hashes.

They are found by following imports, so that nobody keeps a list. A key is a path relative to the package, such as
`gan/steps.py`; for a plugin it is `plugin/MODULE.py`.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from ganzoo.component import Component
from ganzoo.config.experiment import Experiment
from ganzoo.config.operative import parts_of
from ganzoo.config.root import RecipeRoot
from ganzoo.paths import PACKAGE
from ganzoo.registry import KINDS

COMPUTING_FOLDERS = frozenset({*KINDS, "layers", "gan", "training", "evaluation", "forgetting"})
"""Folders whose files compute numbers; imports are followed into them and to the files at the root."""
NOT_COMPUTING = frozenset({"aliases", "component", "errors", "hardware", "paths", "registry", "version"})
"""Files at the root that compute no number: names, messages, paths."""
BEFORE_FOLDERS = "recorded before the folders: not comparable"
"""What a comparison says about code that was recorded before ganzoo had these folders."""


def training_code_sha256(root: RecipeRoot, *, folder: str | None = None) -> str:
    """Return one hash of all files behind `training_code_files`; arguments are the same."""
    lines = [f"{key} {sha256}" for key, sha256 in training_code_files(root, folder=folder).items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def training_code_files(root: RecipeRoot, *, folder: str | None = None) -> dict[str, str]:
    """Return the sha256 of each file that training depends on: the loop, both steps, layers, and the parts in use.

    Other components do not count, nor does the commit: a new loss does not change the files of a run without it.

    Args:
        root: an experiment, or another filled-in recipe.
        folder: a folder of ganzoo whose files train as well.
    """
    own = {path.stem for path in (PACKAGE / folder).glob("*.py")} if folder is not None else set()
    found = imported_files({"ganzoo.training.train_state", *(f"ganzoo.{folder}.{name}" for name in own)})
    found |= imported_files({component.__module__ for component in components(root)})
    # Only the loop itself; what it imports besides the above records and measures.
    return hashes({**found, "training/trainer.py": PACKAGE / "training" / "trainer.py"})


def evaluation_code_files(experiment: Experiment) -> dict[str, str]:
    """Return the sha256 of each file that an experiment's numbers depend on.

    These are the evaluation and the metrics and extractors in use, with all they import.
    """
    used = {part.component.__module__ for part in parts_of(list(experiment.metrics))}
    return hashes(imported_files({"ganzoo.evaluation.evaluate", *used}))


def components(root: RecipeRoot) -> set[type[Component]]:
    """Return the class of every part that trains, which excludes metrics and the parts that only they use."""
    values = [getattr(root, field.name) for field in fields(root) if field.name != "metrics"]
    return {part.component for part in parts_of(values)}


def hashes(files: Mapping[str, Path]) -> dict[str, str]:
    """Return the sha256 of files by their keys, sorted."""
    return {key: hashlib.sha256(files[key].read_bytes()).hexdigest() for key in sorted(files)}


def is_before_folders(files: object) -> bool:
    """Return whether files were hashed before ganzoo had these folders; then keys are `ganzoo/NAME.py`."""
    # Even earlier records have only one hash of all files.
    return not isinstance(files, Mapping) or any(key.startswith("ganzoo/") for key in files)


def imported_files(modules: Iterable[str]) -> dict[str, Path]:
    """Return the files of modules and of everything that they import, directly or not, if they can compute a number.

    So they include what a part can be exchanged for, such as the conditional form of a normalization. For a plugin they
    are the files of its own package.
    """
    found: dict[str, tuple[str, Path]] = {}
    waiting = [(module, module.partition(".")[0]) for module in modules]
    while waiting:
        name, package = waiting.pop()
        source = _source_of(name, package) if name not in found else None
        if source is not None:
            found[name] = source
            # A plugin may import ganzoo's files, whose imports are followed only within ganzoo.
            own = "ganzoo" if name.partition(".")[0] == "ganzoo" else package
            waiting += [(imported, own) for imported in _imports_of(source[1], name)]
    return dict(found.values())


def _source_of(module: str, package: str) -> tuple[str, Path] | None:
    """Return key and file of a module of ganzoo that can compute a number, or of a plugin's package; else None."""
    top, _, rest = module.partition(".")
    if top == "ganzoo":
        first, _, deeper = rest.partition(".")
        if not rest or (first not in COMPUTING_FOLDERS if deeper else first in NOT_COMPUTING):
            return None
        path = PACKAGE.joinpath(*rest.split(".")).with_suffix(".py")
        return (path.relative_to(PACKAGE).as_posix(), path) if path.is_file() else None
    source = getattr(sys.modules.get(module), "__file__", None) if top == package else None
    if source is None or not source.endswith(".py"):
        return None
    return f"plugin/{module.replace('.', '/')}.py", Path(source)


@cache
def _imports_of(path: Path, module: str) -> tuple[str, ...]:
    """Return the names that a file imports anywhere; for `from a import b` both `a` and `a.b`."""
    found: list[str] = []
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            found += [source, *(f"{source}.{alias.name}" for alias in node.names)]
    return tuple(found)
