"""Where a run took place: versions, device, threads, data, and the code that trained and measured it."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import torch

from ganzoo.config.experiment import Experiment
from ganzoo.errors import UserError
from ganzoo.paths import PACKAGE
from ganzoo.runs.code_hashes import evaluation_code_files, training_code_files, training_code_sha256
from ganzoo.runs.folder import Json
from ganzoo.version import __version__

VERSIONED = ("torch", "torchvision", "numpy", "scipy", "gin-config", "clean-fid", "scikit-learn")


def select_device(name: str) -> torch.device:
    """Return an available device.

    Args:
        name: `cpu`, `cuda`, `cuda:1`, `mps`, ...

    Raises:
        UserError: this machine has no such device; there is no fallback.
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
    """Return the part of the environment that is the same for all runs: versions, device, threads, commit."""
    return {
        "ganzoo": __version__,
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
    return {name: importlib.metadata.version(name) for name in VERSIONED}


def choose_deterministic_kernels(device: torch.device) -> None:
    """Make runs on the device repeat to the bit. CPU kernels do so anyway, for the same number of threads."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False


def _commit() -> str | None:
    """Return the commit of ganzoo's checkout, with "+" if it has changes; None outside a checkout."""
    root = PACKAGE.parent
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
