"""The columns of a table: a metric under one protocol each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganzoo.bench.conditions import ABSENT, SAMPLING_SEEDS, Mismatch, grouped
from ganzoo.bench.record import RunRecord
from ganzoo.errors import UserError, nearest
from ganzoo.metrics.base import Measurement, repeated_names
from ganzoo.runs.folder import Json

PROTOCOL = "protocol "


@dataclass(frozen=True, kw_only=True)
class Column:
    """A metric under one protocol.

    Args:
        key: its heading: the name, or `NAME/SPLIT` where one run has two numbers of that name.
        name: of the measurement.
        split: the reference split; empty if no real images are compared with.
        higher_is_better: the direction.
        protocol: what all its numbers share, sampling seeds left out.
        error_source: what standard errors of single runs are over.
    """

    key: str
    name: str
    split: str
    higher_is_better: bool
    protocol: Mapping[str, Json]
    error_source: str


def find_columns(records: Sequence[RunRecord]) -> tuple[list[Column], list[Mismatch]]:
    """Return a column for each metric, and the protocol settings in which numbers of one column differ."""
    repeated = {name for record in records for name in repeated_names(record.metrics)}
    found: dict[str, list[tuple[str, Measurement]]] = {}
    for record in records:
        for m in record.metrics:
            found.setdefault(m.key(repeated), []).append((record.name, m))
    columns, mixed = [], []
    for key, numbers in found.items():
        first, prefix = numbers[0][1], f"{PROTOCOL}{key}."
        settings = dict.fromkeys(name for _, m in numbers for name in m.protocol if name not in SAMPLING_SEEDS)
        own = grouped((prefix + s, str(m.protocol.get(s, ABSENT)), run) for s in settings for run, m in numbers)
        mixed += own
        shared = {**first.protocol, **{m.key.removeprefix(prefix): " or ".join(m.values) for m in own}}
        columns.append(
            Column(
                key=key,
                name=first.name,
                split=first.split,
                higher_is_better=first.higher_is_better,
                protocol={name: shared.get(name) for name in settings},
                error_source=next((m.error_source for _, m in numbers if m.error_source), ""),
            )
        )
    return columns, mixed


def choose_columns(columns: Sequence[Column], names: Sequence[str]) -> list[Column]:
    """Return the columns of the names given, in their order; all if none are.

    Raises:
        UserError: a name that no run has a number of.
    """
    if not names:
        return list(columns)
    there = list(dict.fromkeys([c.name for c in columns] + [c.key for c in columns]))
    for name in names:
        if name not in there:
            hint = nearest(name, there) or f"; there are {', '.join(there)}"
            raise UserError(f"no metric '{name}' in these results{hint}")
    keys = dict.fromkeys(c.key for name in names for c in columns if name in (c.name, c.key))
    return [c for key in keys for c in columns if c.key == key]
