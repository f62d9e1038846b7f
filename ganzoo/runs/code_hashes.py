"""Which files of code a run's training and its numbers follow from, with their hashes.

They are found by following imports, so no list of them is kept. A key is a path relative to the package, such as
`gan/steps.py`; of a plugin it is `plugin/MODULE.py`.
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
"""Folders whose files make numbers; imports are followed into them and to the files at the root."""
NOT_COMPUTING = frozenset({"aliases", "component", "errors", "hardware", "paths", "registry", "version"})
"""Files at the root that make no number: names, messages, where things lie."""
BEFORE_FOLDERS = "recorded before the folders: not comparable"
"""What a comparison says of code that was recorded when most of it lay in loose files."""


def training_code_sha256(root: RecipeRoot, *, folder: str | None = None) -> str:
    """Return one hash of all files behind `training_code_files`; arguments are the same."""
    lines = [f"{key} {sha256}" for key, sha256 in training_code_files(root, folder=folder).items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def training_code_files(root: RecipeRoot, *, folder: str | None = None) -> dict[str, str]:
    """Return the sha256 of each file that training follows from: the loop, both steps, layers, and the parts in use.

    Other components do not enter, nor does the commit: adding a loss leaves the files of a run without it unchanged.

    Args:
        root: an experiment, or the root of another kind of recipe.
        folder: a folder of ganzoo whose files train as well.
    """
    own = {path.stem for path in (PACKAGE / folder).glob("*.py")} if folder is not None else set()
    found = behind({"ganzoo.training.train_state", *(f"ganzoo.{folder}.{name}" for name in own)})
    found |= behind({component.__module__ for component in components(root)})
    # The loop as it stands; what else it imports writes and measures.
    return hashes({**found, "training/trainer.py": PACKAGE / "training" / "trainer.py"})


def evaluation_code_files(experiment: Experiment) -> dict[str, str]:
    """Return the sha256 of each file that an experiment's numbers follow from.

    Those are the evaluation itself, and the metrics and extractors in use; some of what they import trains as well.
    """
    used = {part.component.__module__ for part in parts_of(list(experiment.metrics))}
    return hashes(behind({"ganzoo.evaluation.evaluate", *used}))


def components(root: RecipeRoot) -> set[type[Component]]:
    """Return the class of every part that trains; metrics and what only they use do not."""
    values = [getattr(root, field.name) for field in fields(root) if field.name != "metrics"]
    return {part.component for part in parts_of(values)}


def hashes(files: Mapping[str, Path]) -> dict[str, str]:
    """Return the sha256 of files by their keys, sorted."""
    return {key: hashlib.sha256(files[key].read_bytes()).hexdigest() for key in sorted(files)}


def is_before_folders(files: object) -> bool:
    """Return whether files were hashed when most of the code lay in loose files, whose keys are `ganzoo/NAME.py`."""
    # Still earlier, one hash of all was recorded and none of single files.
    return not isinstance(files, Mapping) or any(key.startswith("ganzoo/") for key in files)


def behind(modules: Iterable[str]) -> dict[str, Path]:
    """Return the files of modules and of all that they import, at whatever remove, that can make a number.

    So whatever a part can turn into, such as the conditional form of a normalization, is among them. Of a plugin they
    are those of its own package.
    """
    found: dict[str, tuple[str, Path]] = {}
    waiting = [(module, module.partition(".")[0]) for module in modules]
    while waiting:
        name, package = waiting.pop()
        source = _source_of(name, package) if name not in found else None
        if source is not None:
            found[name] = source
            # A plugin may import ganzoo's files; those lead no further than into ganzoo.
            own = "ganzoo" if name.partition(".")[0] == "ganzoo" else package
            waiting += [(imported, own) for imported in _imports_of(source[1], name)]
    return dict(found.values())


def _source_of(module: str, package: str) -> tuple[str, Path] | None:
    """Return the key and the file of a module of ganzoo that can make a number, or of a plugin's package; else None."""
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
    """Return the names that a file imports, wherever in it; of `from a import b` both `a` and `a.b`."""
    found: list[str] = []
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            found += [source, *(f"{source}.{alias.name}" for alias in node.names)]
    return tuple(found)
