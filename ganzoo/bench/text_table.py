"""A table of text with notes below it, the same for every format."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """A table of text.

    Args:
        title: a line above it.
        header: one heading for each column; empty if there are only notes.
        alignments: "l" or "r" for each column.
        rows: the cells; empty where there is nothing to say.
        notes: sentences below it.
    """

    title: str = ""
    header: tuple[str, ...] = ()
    alignments: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
