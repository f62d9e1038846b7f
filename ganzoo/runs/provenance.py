"""What a run folder records about its origin, and what has changed when a run is resumed."""

import shutil
from collections.abc import Mapping
from dataclasses import fields
from typing import TypeVar

from ganzoo import registry
from ganzoo.config.load import Configuration
from ganzoo.config.operative import parts_of
from ganzoo.config.root import RecipeRoot
from ganzoo.errors import UserError
from ganzoo.runs.code_hashes import BEFORE_FOLDERS, is_before_folders
from ganzoo.runs.folder import Json, RunFolder, write_atomically, write_json

CHANGES = {
    "packages": "versions of packages",
    "device": "device",
    "training_code_files": "training code",
    "evaluation_code_files": "code that measures",
}
"""The entries of an environment that can make a resumed run differ from an uninterrupted one, with their names."""
R = TypeVar("R", bound=RecipeRoot)

CODE = ("training_code_files", "evaluation_code_files")


def write_provenance(
    folder: RunFolder, configuration: Configuration[R], environment: Mapping[str, Json], *, saved: str | None = None
) -> None:
    """Write the origin of a new run; the operative configuration comes last, since it marks the folder as a run.

    Args:
        folder: of the run.
        configuration: what is run.
        environment: where it is run.
        saved: what is kept if the folder cannot be written to, as of `RunFolder.writing`.
    """
    with folder.writing(saved=saved):
        folder.result_path.unlink(missing_ok=True)  # of a run whose operative configuration is gone
        write_json(folder.environment_path, environment)
        write_atomically(folder.config_path, configuration.source())
        _copy_plugins(folder, configuration.experiment)
        write_atomically(folder.operative_path, configuration.operative())


def _copy_plugins(folder: RunFolder, experiment: RecipeRoot) -> None:
    """Copy the plugin file of every part, metrics included, so that the folder can be opened without the originals."""
    for part in parts_of([getattr(experiment, field.name) for field in fields(experiment)]):
        plugin = registry.plugin_file(part.name)
        if plugin is not None:
            # The hash distinguishes files of the same name; a file that is such a copy keeps its name.
            path, digest = plugin
            suffix = f"-{digest[:8]}"
            folder.plugins_path.mkdir(exist_ok=True)
            shutil.copy(path, folder.plugins_path / f"{path.stem.removesuffix(suffix)}{suffix}.py")


def recorded_hashes(folder: RunFolder) -> dict[str, str]:
    """Return the recorded hashes of the data, by split."""
    hashes = folder.environment()["data_sha256"]
    assert isinstance(hashes, dict)
    return {split: str(digest) for split, digest in hashes.items()}


def check_same_data(folder: RunFolder, hashes: Mapping[str, str], *, name: str) -> None:
    """Refuse to go on with other data than the folder records.

    Args:
        folder: of the run.
        hashes: of the data now, by split.
        name: of the data set.

    Raises:
        UserError: the data of a split have changed.
    """
    recorded = recorded_hashes(folder)
    if any(recorded.get(split) != digest for split, digest in hashes.items()):
        raise UserError(
            f"the data set {name} has changed since '{folder.path}' began; bring the old files back, or start over "
            "with --fresh"
        )


def changes(before: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    """Return the names of what differs between two environments and can change the result of a run."""
    found = []
    for key, words in CHANGES.items():
        if key in CODE and is_before_folders(before.get(key)) != is_before_folders(now.get(key)):
            found.append(f"{words} ({BEFORE_FOLDERS})")
        elif before.get(key) != now.get(key):
            found.append(words)
    return found


def record_resumption(folder: RunFolder, now: Mapping[str, Json], *, step: int) -> list[str]:
    """Record the environment of a resumed run if it differs from the latest one, and return the names of what differs.

    So a table can distinguish such a run from an uninterrupted one.

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
