"""Where a run took place: versions, device, data, and hashes of the code that trained and measured it."""

import ast
import hashlib
import importlib.metadata
import inspect
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import ganzoo
from ganzoo.component import Component
from ganzoo.errors import UserError
from ganzoo.experiment import Experiment
from ganzoo.operative import parts_of
from ganzoo.registry import KINDS
from ganzoo.run_folder import Json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "gin-config", "clean-fid", "scikit-learn")
TRAINING_FILES = (
    "batch",
    "build",
    "data_choice",
    "data_order",
    "experiment",
    "gan",
    "randomness",
    "schedule",
    "steps",
    "train_state",
    "trainer",
    "views",
)
EVALUATION_FILES = ("evaluate", "evaluation_inputs", "evaluation_protocol", "feature_cache", "resize", "sampling")


def select_device(name: str) -> torch.device:
    """Return a device that is there.

    Args:
        name: `cpu`, `cuda`, `cuda:1`, `mps`, ...

    Raises:
        UserError: no such device on this machine; there is no fallback.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise UserError(f"no device '{name}' on this machine; there is: {', '.join(there)}") from error
    return device


def describe(experiment: Experiment, *, device: torch.device, data_sha256: str) -> dict[str, Json]:
    """Return what `env.json` records."""
    return {
        **machine(device),
        "data_sha256": {experiment.train_split: data_sha256},
        "training_code_sha256": training_code_sha256(experiment),
        "training_code_files": {**training_code_files(experiment)},
        "evaluation_code_files": {**evaluation_code_files(experiment)},
    }


def machine(device: torch.device) -> dict[str, Json]:
    """Return what of a run's environment does not depend on the run: versions, device, threads, commit."""
    return {
        "ganzoo": ganzoo.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages(),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "cpu",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "num_threads": torch.get_num_threads(),
        "commit": _commit(),
    }


def packages() -> dict[str, Json]:
    """Return the versions of the packages that a result depends on."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def choose_deterministic_kernels(device: torch.device) -> None:
    """Make runs on the device repeat to the bit; the CPU's kernels do so anyway, at an equal number of threads."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False


def training_code_sha256(root: "DataclassInstance", *, other_folder: str | None = None) -> str:
    """Return the hash of the source of the steps, the trainer, the layers and the components in use with their imports.

    Other components do not enter, nor does the commit: adding a loss leaves the hash of a run without it unchanged.

    Args:
        root: an experiment, or the root of another kind of recipe.
        other_folder: a folder of ganzoo whose files train as well.
    """
    digest = hashlib.sha256()
    for path in _training_paths(root, other_folder=other_folder):
        digest.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def training_code_files(experiment: Experiment) -> dict[str, str]:
    """Return the sha256 of each file behind `training_code_sha256`, by `folder/file.py`.

    Runs of different components share some of the files, and those can be compared.
    """
    return _hashes(_training_paths(experiment))


def evaluation_code_files(experiment: Experiment) -> dict[str, str]:
    """Return the sha256 of each file that its numbers follow from, by `folder/file.py`.

    Those are the evaluation itself, and the metrics and extractors in use with their imports; some of what they import
    trains as well.
    """
    package = Path(ganzoo.__file__).parent
    used = {part.component for part in parts_of(list(experiment.metrics))}
    return _hashes(_sorted({package / f"{name}.py" for name in EVALUATION_FILES} | _behind(used)))


def _hashes(paths: Sequence[Path]) -> dict[str, str]:
    return {f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _training_paths(root: "DataclassInstance", *, other_folder: str | None = None) -> list[Path]:
    package = Path(ganzoo.__file__).parent
    files = {package / f"{name}.py" for name in TRAINING_FILES} | set((package / "layers").glob("*.py"))
    if other_folder is not None:
        files |= set((package / other_folder).glob("*.py"))
    return _sorted(files | _behind(components(root)))


def _sorted(files: set[Path]) -> list[Path]:
    return sorted(files, key=lambda p: (p.parent.name, p.name))


def _behind(used: set[type[Component]]) -> set[Path]:
    """Return the files of components, of their bases, and of all they are made of."""
    files: set[Path] = set()
    for component in used:
        sources = (inspect.getsourcefile(c) for c in component.__mro__ if issubclass(c, Component))
        files |= {Path(source) for source in sources if source is not None}
        files |= _imported(component.__module__)
    return files


def _imported(module: str) -> set[Path]:
    """Return the files of a component's module and of all it is made of.

    Those are what it imports, at whatever remove, of the folders of components and layers, and of the package that it
    comes with. So whatever a part can turn into, such as the conditional form of a normalization, is among them.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _source_of(name, plugin=module.partition(".")[0]) if name not in found else None
        if path is not None:
            found[name] = path
            waiting += _imports_of(path, name)
    return set(found.values())


def _source_of(module: str, *, plugin: str) -> Path | None:
    """Return the file of a module of ganzoo's components and layers, or of a plugin's package; else None."""
    top, _, rest = module.partition(".")
    if top == "ganzoo":
        if rest.partition(".")[0] not in (*KINDS, "layers"):
            return None
        path = Path(ganzoo.__file__).parent.joinpath(*rest.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        return path if path.is_file() else None
    source = getattr(sys.modules.get(module), "__file__", None) if top == plugin else None
    return Path(source) if source is not None and source.endswith(".py") else None


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


def components(root: "DataclassInstance") -> set[type[Component]]:
    """Return the class of every part that trains; metrics and what only they use do not."""
    values = [getattr(root, field.name) for field in fields(root) if field.name != "metrics"]
    return {part.component for part in parts_of(values)}


def _commit() -> str | None:
    """Return the commit of the checkout ganzoo runs from, with "+" if it was altered; None outside a checkout."""
    root = Path(ganzoo.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        commit, altered = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+" if altered else "")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
