"""Whether runs were made under the same conditions: data, devices, versions, code, protocols of their numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ganzoo.bench.axes import EXEMPT
from ganzoo.bench.proof import Proof
from ganzoo.bench.record import RunRecord
from ganzoo.config.operative import parse_operative
from ganzoo.runs.code_hashes import BEFORE_FOLDERS, is_before_folders
from ganzoo.runs.folder import Json

THE_PROOF = "proof"  # the name of the grid among the records that differ from it
ABSENT = "(absent)"
SAMPLING_SEEDS = ("seed", "eval_seed")
CODE = {"training_code": "training_code_files", "evaluation_code": "evaluation_code_files"}
"""Names of kinds of code in messages, and where a record's environment has the hashes of their files."""
LAYOUT = "recorded by folder"
DEVICE_KEYS = ("device", "device_name", "cpu_capability")


@dataclass(frozen=True)
class Mismatch:
    """A condition in which records differ that would stand in one table.

    Args:
        key: what differs: `data_sha256.train`, `packages.torch`, `training_code gan/steps.py`,
            `evaluation_code resize.py`, `protocol fd_x.num_fake`, ...
        values: each value there is as text, with the names (`ROW-seedN`) of the records that have it, or `THE_PROOF`.
    """

    key: str
    values: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        shown_values = [f"{value} in {_some(names)}" for value, names in self.values.items()]
        return f"{self.key}: {'; '.join(shown_values)}"


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def check_records(records: Sequence[RunRecord], proof: Proof | None = None) -> list[Mismatch]:
    """Return every condition that must be equal in all records of a table but differs.

    Compared are, over all records, hashes of the data, devices, threads, versions of packages, every file of training
    or evaluation code that two rows share, and the protocols of numbers of one name, sampling seeds apart; among the
    seeds of a row, all files of training code and the complete configuration.

    Args:
        records: of one grid.
        proof: of the grid; its shared parameters are then compared too, so that records of an edited grid are found.
    """
    found = each_file_once(_mismatches(records, conditions_of))
    for row in dict.fromkeys(record.row for record in records):
        own = [record for record in records if record.row == row]
        found += [Mismatch(f"{row}: {m.key}", m.values) for m in _mismatches(own, _configuration, absent=ABSENT)]
        for layout in dict.fromkeys(layout_of(record.environment) for record in own):
            alike = [record for record in own if layout_of(record.environment) == layout]
            found += [Mismatch(f"{row}: {m.key}", m.values) for m in _mismatches(alike, _code_keys, absent=ABSENT)]
    if proof is not None:
        found += _departures(records, proof)
    return found


def _mismatches(
    records: Sequence[RunRecord],
    values_of: Callable[[RunRecord], Mapping[str, str]],
    *,
    absent: str | None = None,
) -> list[Mismatch]:
    """Return the keys in which records differ; a key that a record lacks counts as `absent`, or not at all."""
    values = {record.name: values_of(record) for record in records}
    keys = dict.fromkeys(key for own in values.values() for key in own)
    found = [(key, own.get(key, absent), name) for key in keys for name, own in values.items()]
    return grouped((key, value, name) for key, value, name in found if value is not None)


def grouped(found: Iterable[tuple[str, str, str]]) -> list[Mismatch]:
    """Return every condition that has more than one value.

    Args:
        found: conditions, each with a value and the name of the record that has it.
    """
    groups: dict[str, dict[str, tuple[str, ...]]] = {}
    for key, value, name in found:
        group = groups.setdefault(key, {})
        group[value] = (*group.get(value, ()), name)
    return [Mismatch(key, group) for key, group in groups.items() if len(group) > 1]


def conditions_of(record: RunRecord) -> dict[str, str]:
    """Return the conditions of a record; each must be equal in all records that have it."""
    latest = _conditions_in(record.environment)
    found = {**latest, "num_threads": str(record.num_threads)}
    # A run that was cut off may have gone on under other conditions.
    for later in cast(list[dict[str, Json]], record.environment.get("continued", [])):
        now = _conditions_in(later)
        for key, value in now.items():
            if latest.get(key, value) != value:
                found[key] = f"{found[key]}, then {value}"
        latest = {**latest, **now}
        found = {**latest, **found}
    for m in record.metrics:
        settings = {key: value for key, value in m.protocol.items() if key not in SAMPLING_SEEDS}
        found |= {f"protocol {m.name}.{key}": str(value) for key, value in settings.items()}
    return found


def _conditions_in(environment: Mapping[str, Json]) -> dict[str, str]:
    found = {key: str(environment[key]) for key in DEVICE_KEYS}
    for section in ("data_sha256", "packages"):
        found |= {f"{section}.{key}": str(value) for key, value in cast(dict[str, Json], environment[section]).items()}
    for name, section in CODE.items():
        # Older records do not have the hashes of the evaluation code.
        files = cast(dict[str, str], environment.get(section, {}))
        found |= {f"{_code(name, files)} {file}": sha for file, sha in files.items()}
    return {**found, "code_layout": layout_of(environment)}


def layout_of(environment: Mapping[str, Json]) -> str:
    """Return the layout of the paths of code in an environment; code of different layouts cannot be compared."""
    return BEFORE_FOLDERS if is_before_folders(environment["training_code_files"]) else LAYOUT


def _code(name: str, files: Mapping[str, str]) -> str:
    """Return the name of a kind of code, with its layout, so that files of different layouts are never compared."""
    return f"before the folders: {name}" if files and is_before_folders(files) else name


def each_file_once(mismatches: Sequence[Mismatch]) -> list[Mismatch]:
    """Return mismatches without files of evaluation code that are also files of training code."""
    named = {m.key for m in mismatches}
    return [m for m in mismatches if m.key.replace("evaluation_code ", "training_code ") not in named - {m.key}]


def _configuration(record: RunRecord) -> dict[str, str]:
    """Return the parameters that the seeds of one row must have alike."""
    values = parse_operative(record.operative)
    # Threads are compared over all records already.
    return {k: v for k, v in values.items() if k not in (EXEMPT, "experiment.num_threads")}


def _code_keys(record: RunRecord) -> dict[str, str]:
    """Return a key for every file of training code that a run used."""
    files = cast(dict[str, str], record.environment["training_code_files"])
    return dict.fromkeys((f"training_code {name}" for name in files), "present")


def _departures(records: Sequence[RunRecord], proof: Proof) -> list[Mismatch]:
    """Return the shared parameters of a proof in which records differ from it."""
    values = {record.name: parse_operative(record.operative) for record in records}
    found: list[tuple[str, str, str]] = []
    for key, text in proof.shared.items():
        others = {name: own.get(key, ABSENT) for name, own in values.items() if own.get(key) != text}
        if key != "experiment.num_threads":
            found += [(key, f"{text} (the grid)", THE_PROOF), *((key, value, name) for name, value in others.items())]
    return grouped(found)
