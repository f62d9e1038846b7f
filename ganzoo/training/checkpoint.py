"""Checkpoints: atomic, checksummed, complete.

A checkpoint is a folder `checkpoints/step-N` with `networks.safetensors` (both networks, the moving average with its
buffers, the tasks), `training.pt` (optimizers, schedules, augmentation, every random stream, data order, counters),
`operative.gin`, and `checkpoint.json` with the format version and the sha256 of each file. It is written under a
temporary name, synced and renamed, so that a kill or a full disk leaves the previous ones untouched.
"""

import contextlib
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import safetensors.torch
import torch

from ganzoo.config.experiment import Experiment
from ganzoo.config.load import Configuration
from ganzoo.config.load import load as load_configuration
from ganzoo.errors import RunInterruptedError, UserError, is_out_of_memory
from ganzoo.gan.build import build_gan
from ganzoo.gan.model import Gan
from ganzoo.runs.folder import RunFolder
from ganzoo.training.train_state import TrainState

FORMAT_VERSION = 1
FILES = ("networks.safetensors", "training.pt", "operative.gin")


class DamagedCheckpointError(Exception):
    """A file of a checkpoint is missing, cut short or altered; a file that merely cannot be read is not damaged."""


def save(folder: RunFolder, state: TrainState, *, operative: str, keep: int) -> None:
    """Save the state after its current step and remove the oldest checkpoints beyond `keep` (0: none).

    Raises:
        RunInterruptedError: it cannot be written; earlier checkpoints are untouched.
    """
    final = folder.checkpoint_path(state.step)
    if final.exists():
        return
    temporary = folder.checkpoints_path / f".step-{state.step}-{os.getpid()}"
    try:
        temporary.mkdir(parents=True)
        tensors = {name: t.detach().cpu().contiguous() for name, t in state.gan.state_dict().items()}
        safetensors.torch.save_file(tensors, temporary / "networks.safetensors")
        torch.save(state.state_dict(), temporary / "training.pt")
        (temporary / "operative.gin").write_text(operative, encoding="utf-8")
        files = {path.name: _sha256(path) for path in sorted(temporary.iterdir())}
        manifest = {"format_version": FORMAT_VERSION, "counters": state.counters, "sha256": files}
        (temporary / "checkpoint.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
        for path in (*temporary.iterdir(), temporary):
            _sync(path)
        temporary.rename(final)
        _sync(folder.checkpoints_path)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        kept = folder.checkpoints()
        last = f"the last good one is step {kept[-1]}" if kept else "there is no earlier one"
        raise RunInterruptedError(
            f"cannot save the checkpoint of step {state.step} in '{folder.path}' ({error}); {last}"
        ) from error
    with folder.writing():
        for step in folder.checkpoints()[:-keep] if keep else []:
            _remove(folder.checkpoint_path(step))


def restore_newest(
    folder: RunFolder, state: TrainState, *, configuration: Configuration[Experiment], say: Callable[[str], None]
) -> bool:
    """Restore the state of the newest intact checkpoint; return whether there was one.

    A damaged checkpoint is reported and renamed, and an older one is tried.

    Args:
        folder: of the run.
        state: to restore into.
        configuration: of the run.
        say: receives a sentence about a damaged checkpoint.

    Raises:
        UserError: the checkpoint is of another configuration or of other code, or no checkpoint is intact.
        RunInterruptedError: a file cannot be read, though it may be intact.
    """
    with folder.writing():
        for path in folder.checkpoints_path.glob(".step-*"):
            shutil.rmtree(path)
    damaged: list[tuple[int, DamagedCheckpointError]] = []
    for step in reversed(folder.checkpoints()):
        try:
            operative, networks, training = _read(folder.checkpoint_path(step))
        except DamagedCheckpointError as error:
            damaged.append((step, error))
            continue
        difference = configuration.difference(operative)
        if difference:
            raise UserError(
                f"the checkpoint of step {step} in '{folder.path}' is of another configuration; choose another --out, "
                "or start over with --fresh. It differs in:\n  " + "\n  ".join(difference)
            )
        for bad, damage in damaged:
            with folder.writing():
                kept = _set_aside(folder.checkpoint_path(bad))
            say(f"the checkpoint of step {bad} is damaged ({damage}) and kept as '{kept}'; going on from step {step}")
        with _loading(folder, step):
            state.gan.load_state_dict(networks)
            state.load_state_dict(training)
        return True
    if damaged:
        step, damage = damaged[0]
        raise UserError(
            f"no checkpoint in '{folder.path}' is intact (of step {step}: {damage}); bring one back, or start "
            "over with --fresh"
        )
    return False


def load_gan(
    folder: RunFolder, *, step: int | None = None, plugins: Sequence[Path] = ()
) -> tuple[Gan, Configuration[Experiment], int]:
    """Return the networks of a run at a step, on the CPU; this needs no data set.

    Args:
        folder: of the run.
        step: generator updates; None for the newest checkpoint.
        plugins: loose plugin files that the run's configuration names.

    Raises:
        UserError: there is no checkpoint of that step, or it is damaged, lacks a network, or is of other code.
        RunInterruptedError: one of its files cannot be read.
    """
    steps = folder.checkpoints()
    if not steps:
        raise UserError(f"'{folder.path}' has no checkpoint yet")
    step = steps[-1] if step is None else step
    if step not in steps:
        raise UserError(f"'{folder.path}' has no checkpoint of step {step}; it has: {', '.join(map(str, steps))}")
    configuration = load_configuration(str(folder.operative_path), plugins=plugins)
    gan = build_gan(configuration.experiment, configuration.experiment.dataset().spec())
    try:
        networks = _read_networks(folder.checkpoint_path(step))
    except DamagedCheckpointError as error:
        others = [str(other) for other in steps if other != step]
        remedy = f"--step takes another: {', '.join(others)}" if others else "there is no other"
        raise UserError(f"the checkpoint of step {step} in '{folder.path}' is damaged ({error}); {remedy}") from error
    wanted, there = ({name.partition(".")[0] for name in names} for names in (gan.state_dict(), networks))
    missing = sorted(wanted - there)
    if missing:
        raise UserError(
            f"the checkpoint of step {step} in '{folder.path}' lacks the {' and the '.join(missing)}; "
            "take a checkpoint that `ganzoo run` wrote"
        )
    with _loading(folder, step):
        gan.load_state_dict(networks)
    return gan, configuration, step


@contextlib.contextmanager
def _loading(folder: RunFolder, step: int) -> Iterator[None]:
    """Explain why an intact checkpoint does not fit the networks of its own configuration."""
    try:
        yield
    except (RuntimeError, KeyError, ValueError) as error:
        if isinstance(error, RuntimeError) and is_out_of_memory(error):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise UserError(
            f"the checkpoint of step {step} in '{folder.path}' was written by other code and does not fit what its "
            f"configuration builds now ({lines[min(1, len(lines) - 1)].rstrip('. ')}); use the version that wrote it, "
            "or start over with --fresh"
        ) from error


def read_networks(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of all networks in a checkpoint folder, verified.

    Raises:
        UserError: the checkpoint is damaged.
        RunInterruptedError: one of its files cannot be read.
    """
    try:
        return _read_networks(path)
    except DamagedCheckpointError as error:
        raise UserError(f"the checkpoint '{path}' is damaged ({error})") from error


def _read(path: Path) -> tuple[str, dict[str, torch.Tensor], dict[str, object]]:
    """Return the operative configuration, the networks and the training state; tensors are on the CPU."""
    with _reading(path):
        _verify(path, *FILES)
        networks = safetensors.torch.load_file(path / "networks.safetensors")
        training = torch.load(path / "training.pt", map_location="cpu", weights_only=True)
        return (path / "operative.gin").read_text(encoding="utf-8"), networks, training


def _read_networks(path: Path) -> dict[str, torch.Tensor]:
    """Return the networks alone, which saves the memory and time of the optimizers' moments."""
    with _reading(path):
        _verify(path, "networks.safetensors")
        return safetensors.torch.load_file(path / "networks.safetensors")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tell a damaged checkpoint from one that cannot be read now."""
    try:
        yield
    except FileNotFoundError as error:
        raise DamagedCheckpointError(f"{Path(error.filename or path).name} is missing") from error
    except (OSError, RuntimeError, safetensors.SafetensorError, pickle.UnpicklingError) as error:
        # The files themselves may be intact: too many open files, no memory, no permission, another torch.
        raise RunInterruptedError(
            f"cannot read the checkpoint '{path}' ({error}), which may well be intact; "
            "give the same command again when that is mended"
        ) from error


def _verify(path: Path, *names: str) -> None:
    """Compare files of a checkpoint with its manifest."""
    text = (path / "checkpoint.json").read_bytes()
    try:
        manifest = json.loads(text)
        version, digests = manifest["format_version"], manifest["sha256"]
        expected = {name: digests[name] for name in names if name in digests}
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedCheckpointError("checkpoint.json is cut short or altered") from error
    if version != FORMAT_VERSION:
        raise UserError(
            f"'{path}' has checkpoint format {version} and this ganzoo reads {FORMAT_VERSION}; "
            "use the version that wrote it"
        )
    for name, digest in expected.items():
        if _sha256(path / name) != digest:
            raise DamagedCheckpointError(f"{name} does not match its checksum")


def _set_aside(path: Path) -> Path:
    """Rename a damaged checkpoint, so that it is kept but no longer listed; return its new path."""
    name = f"damaged-{path.name}"
    taken = len(list(path.parent.glob(f"{name}*")))
    return path.rename(path.with_name(f"{name}-{taken + 1}" if taken else name))


def _remove(path: Path) -> None:
    """Remove a checkpoint; if the process is killed, no half checkpoint keeps its name."""
    shutil.rmtree(path.rename(path.with_name(f".{path.name}")))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
