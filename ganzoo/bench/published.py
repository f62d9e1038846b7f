"""Numbers that others have published, with source and protocol; never in a column of ours.

They are in `published.json`. A row of a grid names those that should stand beside it by data set and kind of GAN, such
as `cifar10/ss`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from ganzoo.errors import UserError, nearest

PATH = Path(__file__).with_name("published.json")


@dataclass(frozen=True)
class Source:
    """Where numbers come from and how they were measured.

    Args:
        citation: of the table that they stand in.
        metric: what they measure.
        protocol: how, as far as the source says.
        from_memory: whether the protocol or the numbers could not be read again in the source.
    """

    citation: str
    metric: str
    protocol: str
    from_memory: bool


@dataclass(frozen=True)
class PublishedNumber:
    """A number of a source.

    Args:
        row: the name by which a row of a grid asks for it, such as `cifar10/ss`.
        source: name of the source.
        value: the number.
        error: what the source gives after ±; None if nothing.
    """

    row: str
    source: str
    value: float
    error: float | None

    @property
    def text(self) -> str:
        """The number as tables show it: with two decimals, an accuracy with three."""
        num_decimals = 2 if self.value >= 1 else 3
        error = "" if self.error is None else f" ± {self.error:.{num_decimals}f}"
        return f"{self.value:.{num_decimals}f}{error}"


@dataclass(frozen=True)
class ReportedColumn:
    """A source and its numbers.

    Args:
        source: shared by all of them, so that no column mixes protocols.
        numbers: by row of a grid.
    """

    source: Source
    numbers: Mapping[str, PublishedNumber]


class Published(msgspec.Struct):
    """The content of `published.json`: sources by name, and numbers."""

    sources: dict[str, Source]
    numbers: tuple[PublishedNumber, ...]


@cache
def _published() -> Published:
    return msgspec.json.decode(PATH.read_bytes(), type=Published)


def published_rows() -> list[str]:
    """Return what a row of a grid may name."""
    return list(dict.fromkeys(number.row for number in _published().numbers))


def unpublished(name: str) -> str:
    """Return the end of a sentence that refuses a name under which nothing is published; else an empty string."""
    known = published_rows()
    hint = nearest(name, known) or f"; there are {', '.join(known)}"
    return "" if name in known else f"names the published numbers '{name}', of which there are none{hint}"


def reported_columns(rows: Mapping[str, str]) -> list[ReportedColumn]:
    """Return a column for each source that has a number of any of the rows.

    Args:
        rows: what each row of a grid names, by the row's name.

    Raises:
        UserError: nothing is published under a name.
    """
    for row, name in rows.items():
        if problem := unpublished(name):
            raise UserError(f"the row '{row}' {problem}")
    columns = []
    for key, source in _published().sources.items():
        own = {number.row: number for number in _published().numbers if number.source == key}
        found = {row: own[name] for row, name in rows.items() if name in own}
        if found:
            columns.append(ReportedColumn(source, found))
    return columns
