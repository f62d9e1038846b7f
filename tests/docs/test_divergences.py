"""The page on divergences is complete: every part of the registry has a row with its source."""

from pathlib import Path

from ganzoo import registry

PAGE = Path(__file__).parents[2] / "docs/divergences.md"


def test_every_part_is_named_in_a_row_whose_other_cells_say_something() -> None:
    rows = [[cell.strip() for cell in line.split(" | ")] for line in PAGE.read_text().splitlines() if line[:1] == "|"]
    named = "".join(first for first, *others in rows if len(others) >= 2 and all(others[:2]))
    ours = [name for name, listing in registry.index().items() if listing.origin == "ganzoo"]
    assert len(ours) > 80
    assert [name for name in ours if f"`{name}`" not in named] == []
