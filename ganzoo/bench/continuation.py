"""Checks, before runs are made, that they could stand in one table with the records there are."""

from collections.abc import Iterator, Mapping, Sequence

from ganzoo.bench.conditions import ABSENT, CODE, LAYOUT, Mismatch, conditions_of, each_file_once, grouped
from ganzoo.bench.record import RunRecord
from ganzoo.bench.rows import BuiltRow
from ganzoo.runs.folder import Json

NOW = "what is run now"
MAX_LINES = 8
HASH_DIGITS = 12


def continuation_problem(
    records: Sequence[RunRecord],
    built: Mapping[str, BuiltRow],
    *,
    machine: Mapping[str, Json],
    num_threads: int,
    where: str,
) -> str:
    """Return why a grid's next runs could not stand beside its records, as a sentence; an empty string if they can.

    Args:
        records: those there are.
        built: the rows of the grid, by name.
        machine: versions, and the device if it is known, with the keys of `env.json`.
        num_threads: CPU threads of a run.
        where: the folder of the records.
    """
    found = departures(records, built, machine=machine, num_threads=num_threads)
    if not found:
        return ""
    lines = [str(mismatch) for mismatch in found]
    more = [f"and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else []
    commits = sorted({str(record.environment.get("commit")) for record in records})
    return (
        f"'{where}' has records of other conditions than its next runs would have, and no table would hold both; go on "
        f"with the code that made the records (commit {', '.join(commits)}), give other folders with --results and "
        "--out, or mix them with --allow-mixed. They differ in:"
        + "".join(f"\n  {line}" for line in [*lines[:MAX_LINES], *more])
    )


def departures(
    records: Sequence[RunRecord], built: Mapping[str, BuiltRow], *, machine: Mapping[str, Json], num_threads: int
) -> list[Mismatch]:
    """Return every condition in which a run made now would differ from the records."""
    found: list[tuple[str, str, str]] = []
    for record in records:
        there = conditions_of(record)
        now = _conditions_now(built[record.row], machine=machine, num_threads=num_threads)
        for key, value, earlier in _compared(now, there):
            if earlier != value:
                digits = HASH_DIGITS if key.startswith(tuple(CODE)) else None
                found += [(key, value[:digits], NOW), (key, earlier[:digits], record.name)]
    return each_file_once(grouped(dict.fromkeys(found)))


def _compared(now: Mapping[str, str], there: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the conditions that can be compared, each with its value now and in a record.

    A file of code that one side lacks is compared too, unless that side knows of no file of that kind of code.
    """
    for key in dict.fromkeys((*now, *there)):
        code = next((name for name in CODE if key.startswith(f"{name} ")), None)
        if key in now and key in there:
            yield key, now[key], there[key]
        elif code is not None and all(any(k.startswith(f"{code} ") for k in side) for side in (now, there)):
            yield key, now.get(key, ABSENT), there.get(key, ABSENT)


def _conditions_now(built: BuiltRow, *, machine: Mapping[str, Json], num_threads: int) -> dict[str, str]:
    """Return the conditions that are known before a run is made, with the keys of `conditions_of`."""
    found = {key: str(value) for key, value in machine.items() if not isinstance(value, dict)}
    packages = machine.get("packages")
    assert isinstance(packages, dict)
    found |= {f"packages.{name}": str(version) for name, version in packages.items()}
    found |= {f"training_code {name}": sha256 for name, sha256 in built.training_files.items()}
    found |= {f"evaluation_code {name}": sha256 for name, sha256 in built.evaluation_files.items()}
    return {**found, "num_threads": str(num_threads), "code_layout": LAYOUT}
