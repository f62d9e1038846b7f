"""What a run folder says of its making, and what has changed since for a run that goes on in it."""

import shutil
from collections.abc import Mapping
from dataclasses import fields

from ganzoo import registry
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import Configuration
from ganzoo.config.operative import parts_of
from ganzoo.runs.code_hashes import BEFORE_FOLDERS, is_before_folders
from ganzoo.runs.folder import Json, RunFolder, write_atomically, write_json

CHANGES = {
    "packages": "versions of packages",
    "device": "device",
    "training_code_files": "training code",
    "evaluation_code_files": "code that measures",
}
"""What of an environment can make a resumed run differ from one that was never interrupted, with words for it."""
CODE = ("training_code_files", "evaluation_code_files")


def write_head(folder: RunFolder, configuration: Configuration[Experiment], described: Mapping[str, Json]) -> None:
    """Write the head of a new folder; the operative configuration last, as the sign that a run is here.

    Args:
        folder: of the run.
        configuration: what is run.
        described: its environment.
    """
    with folder.writing():
        folder.result_path.unlink(missing_ok=True)  # of a run whose operative configuration is gone
        write_json(folder.environment_path, described)
        write_atomically(folder.config_path, configuration.source())
        _keep_plugins(folder, configuration.experiment)
        write_atomically(folder.operative_path, configuration.operative())


def _keep_plugins(folder: RunFolder, experiment: Experiment) -> None:
    """Copy the loose file of every part, metrics included, so that the folder can be opened without them."""
    for part in parts_of([getattr(experiment, field.name) for field in fields(experiment)]):
        plugin = registry.plugin_file(part.name)
        if plugin is not None:
            # The hash tells files of one name apart; a file that is such a copy keeps its name.
            path, digest = plugin
            suffix = f"-{digest[:8]}"
            folder.plugins_path.mkdir(exist_ok=True)
            shutil.copy(path, folder.plugins_path / f"{path.stem.removesuffix(suffix)}{suffix}.py")


def recorded_hashes(folder: RunFolder) -> dict[str, str]:
    """Return the hashes of the data by split, as a folder has them."""
    hashes = folder.environment()["data_sha256"]
    assert isinstance(hashes, dict)
    return {split: str(digest) for split, digest in hashes.items()}


def changes(before: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    """Return in words what differs between two environments and can make a difference to a run."""
    found = []
    for key, words in CHANGES.items():
        if key in CODE and is_before_folders(before.get(key)) != is_before_folders(now.get(key)):
            found.append(f"{words} ({BEFORE_FOLDERS})")
        elif before.get(key) != now.get(key):
            found.append(words)
    return found


def record_continuation(folder: RunFolder, now: Mapping[str, Json], *, step: int) -> list[str]:
    """Add the environment of a run that goes on to the folder's if it differs, and return in words what does.

    So that a table can tell such a run from one that was never interrupted.

    Args:
        folder: of the run.
        now: the environment.
        step: generator updates done before.
    """
    recorded = folder.environment()
    continued = recorded.get("continued", [])
    assert isinstance(continued, list)
    latest = continued[-1] if continued else recorded
    assert isinstance(latest, dict)
    changed = changes(latest, now)
    if changed:
        with folder.writing():
            write_json(folder.environment_path, {**recorded, "continued": [*continued, {**now, "step": step}]})
    return changed
