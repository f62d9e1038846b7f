"""The parser of docstrings: their text, and the sections that a component's docstring must or may have.

A section begins with a line such as `Args:`, `Source: Ba et al., arXiv:1607.06450.` or `>>> 1 + 1`, and ends at the
next one or at an empty line.
"""

import inspect
import re
import textwrap
from dataclasses import dataclass

TITLES = r"(?:Args|Attributes|Example|Raises|Sources?|Departures?(?: from [^:\n]+)?)"
SECTION = re.compile(rf"^(?={TITLES}:(?: |$)|>>> )", re.MULTILINE)
ARGUMENT = re.compile(r"^    (?=\w+: )", re.MULTILINE)


@dataclass(frozen=True)
class Docstring:
    """A docstring, taken apart.

    Args:
        body: the paragraphs outside any section; the first is one sentence.
        source: what stands after `Source:`, in one line; empty if nothing does.
        departures: each `Departures: ...`, or `Departures from ...: ...`, in one line.
        arguments: the meanings under `Args:`, each in one line, by the argument's name.
        example: what stands under `Example:`, or begins with `>>>`: code and what it prints.
    """

    body: str
    source: str
    departures: list[str]
    arguments: dict[str, str]
    example: str

    @property
    def text(self) -> str:
        """Body, source, departures and example, a paragraph each."""
        source = f"Source: {self.source}" if self.source else ""
        return "\n\n".join(filter(None, [self.body, source, *self.departures, self.example]))


def parse(described: type) -> Docstring:
    """Take the docstring of a class apart, without what it inherits."""
    body: list[str] = []
    source, departures, example = "", [], []
    arguments: dict[str, str] = {}
    for paragraph in inspect.cleandoc(described.__doc__ or "").split("\n\n"):
        for block in SECTION.split(paragraph):
            title, _, rest = block.partition(":")
            if not SECTION.match(block):
                body.append(block.strip("\n"))
            elif block.startswith(">>> "):
                example.append(block.strip("\n"))
            elif title == "Example":
                example.append(textwrap.dedent(rest).strip("\n"))
            elif title.startswith("Source"):
                source = _in_one_line(rest)
            elif title.startswith("Departure"):
                departures.append(_in_one_line(block))
            elif title == "Args":
                meanings = (_in_one_line(item).partition(": ") for item in ARGUMENT.split(rest)[1:])
                arguments |= {name: meaning for name, _, meaning in meanings}
    return Docstring("\n\n".join(filter(None, body)), source, departures, arguments, "\n".join(example))


def argument_meanings(described: type) -> dict[str, str]:
    """Return what the `Args:` of a class and of those it inherits from say, its own first."""
    found: dict[str, str] = {}
    for cls in reversed(described.__mro__):
        found |= parse(cls).arguments
    return found


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
