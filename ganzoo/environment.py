"""Where a run took place: versions, device, data, and a hash of the code that trained it."""

import hashlib
import importlib.metadata
import inspect
import os
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import ganzoo
from ganzoo.errors import UserError
from ganzoo.experiment import Experiment
from ganzoo.registry import Component, Part
from ganzoo.run_folder import Json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "gin-config", "clean-fid", "scikit-learn")
TRAINING_FILES = (
    "batch",
    "build",
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
    """Return the hash of the source of the steps, the trainer, the layers and the components in use.

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
    paths = _training_paths(experiment)
    return {f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _training_paths(root: "DataclassInstance", *, other_folder: str | None = None) -> list[Path]:
    package = Path(ganzoo.__file__).parent
    files = {package / f"{name}.py" for name in TRAINING_FILES} | set((package / "layers").glob("*.py"))
    if other_folder is not None:
        files |= set((package / other_folder).glob("*.py"))
    for component in components(root):
        sources = (inspect.getsourcefile(c) for c in component.__mro__ if issubclass(c, Component))
        files |= {Path(source) for source in sources if source is not None}
    return sorted(files, key=lambda p: (p.parent.name, p.name))


def components(root: "DataclassInstance") -> set[type[Component]]:
    """Return the class of every part that trains; metrics and what only they use do not."""
    found: set[type[Component]] = set()
    for field in fields(root):
        if field.name != "metrics":
            found |= {part.component for part in _parts(getattr(root, field.name))}
    return found


def _parts(value: object) -> Iterator[Part[Component]]:
    if isinstance(value, Part):
        yield value
        for argument in value.arguments.values():
            yield from _parts(argument)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _parts(item)


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
