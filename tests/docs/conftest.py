"""How a page says numbers that tests hold to records: `8<!-- name -->` in a sentence."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

MARK = re.compile(r"([+-]?[\d,]*\.?\d+)<!-- ([\w ,/]+?) -->")


def marks(page: Path) -> dict[str, str]:
    """Return the marked numbers of a page by name, without commas; one name marks one number."""
    found = MARK.findall(page.read_text("utf-8"))
    names = {name: text.replace(",", "") for text, name in found}
    assert len(names) == len(found), "a name marks two numbers"
    return names


@pytest.fixture(scope="session")
def read_marks() -> Callable[[Path], dict[str, str]]:
    return marks
