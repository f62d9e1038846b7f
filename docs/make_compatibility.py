"""Make docs/compatibility.json and compatibility.md again, by building every pair: `python docs/make_compatibility.py`.

A test holds that this changes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from covertable import make

from ganzoo.testing.combinations import AXES, USUAL, options, pair_refusal, pairs, refusal

FOLDER = Path(__file__).parent
FACTS, PAGE = FOLDER / "compatibility.json", FOLDER / "compatibility.md"
EMPTY = "(empty)"
SIZES = (16, 32, 48, 64, 128)
HEAD = """# What goes together

Every two parts below were built together, at their default settings and small width, on synthetic images
(`python docs/make_compatibility.py`). What is refused is refused by `ganzoo check`, and by `ganzoo run` before its
first step, with the sentence given here. A pair counts as refused if it is refused whatever usual parts stand beside
it. A dash is a field that is left empty.

A test takes two steps with every pair that is not refused, and stops and resumes in between. Which parts it puts
together is `rows` in `docs/compatibility.json`, a covering array.
"""


@dataclass(frozen=True)
class Facts:
    """What was found out.

    Args:
        options: the parts of each axis.
        refused: first axis and name, second axis and name, sentence.
        sizes: of each architecture: for each height in pixels the sentence of its refusal, or None.
        rows: combinations, a name for each axis, in which every pair that is not refused stands at least once.
    """

    options: Mapping[str, Sequence[str | None]]
    refused: Sequence[Sequence[str | None]]
    sizes: Mapping[str, Mapping[str, str | None]]
    rows: Sequence[Sequence[str | None]]


def find_out() -> Facts:
    """Build every pair."""
    refused = []
    for first, second in pairs():
        sentence = pair_refusal(first, second)
        if sentence is not None:
            refused.append((first.axis, first.name, second.axis, second.name, sentence))
    usual = {axis: names[0] for axis, names in USUAL.items()}
    there = options()
    sizes = {
        str(family): {str(size): refusal({**usual, "architecture": family}, size=size) for size in SIZES}
        for family in there["architecture"]
    }
    return Facts(there, refused, sizes, covering_rows(there, refused))


def covering_rows(
    there: Mapping[str, Sequence[str | None]], refused: Sequence[Sequence[str | None]]
) -> list[list[str | None]]:
    """Return few combinations that hold every pair but the refused ones."""
    constraints = [
        {
            "operator": "or",
            "conditions": [
                {"operator": "ne", "left": axis, "value": _named(name)},
                {"operator": "ne", "left": other_axis, "value": _named(other)},
            ],
        }
        for axis, name, other_axis, other, _ in refused
    ]
    factors = {axis: [_named(name) for name in names] for axis, names in there.items()}
    rows = make(factors, strength=2, constraints=constraints)
    return [[None if row[axis] == EMPTY else row[axis] for axis in AXES] for row in rows]


def _named(name: str | None) -> str:
    return EMPTY if name is None else name


def as_json(runtime_args: Facts) -> str:
    """Return the facts as the file holds them."""
    value = {
        "options": runtime_args.options,
        "refused": runtime_args.refused,
        "sizes": runtime_args.sizes,
        "rows": runtime_args.rows,
    }
    return json.dumps(value, indent=1) + "\n"


def as_page(runtime_args: Facts) -> str:
    """Return the page."""
    sections = [HEAD, "## Architectures and sizes\n", *_size_lines(runtime_args)]
    free = []
    for first, second in combinations(AXES, 2):
        found = {(row[1], row[3]): str(row[4]) for row in runtime_args.refused if (row[0], row[2]) == (first, second)}
        if found:
            sections += [
                f"\n## {_title(first)} and {_title(second, in_text=True)}\n",
                *_pair_lines(runtime_args, first, second, found),
            ]
        else:
            free.append(f"{_title(first, in_text=True)} and {_title(second, in_text=True)}")
    sections += ["\n## The rest\n", "Of these, any goes with any:\n", *(f"- {pair}" for pair in free)]
    return "\n".join(sections) + "\n"


def _title(axis: str, *, in_text: bool = False) -> str:
    network, _, kind = axis.rpartition("_")
    words = {"pretext": "pretext task", "augment": "augmentation"}.get(kind, kind)
    words += f" of {network.upper()}" if network else ""
    return words if in_text else words[0].upper() + words[1:]


def _size_lines(runtime_args: Facts) -> list[str]:
    """Return a table of architectures and heights, with numbered reasons."""
    reasons = list(dict.fromkeys(text for sizes in runtime_args.sizes.values() for text in sizes.values() if text))
    lines = ["| architecture | " + " | ".join(f"{size} px" for size in SIZES) + " |", "|---" * (len(SIZES) + 1) + "|"]
    for family, sizes in runtime_args.sizes.items():
        cells = [f"no ({reasons.index(text) + 1})" if text else "yes" for text in sizes.values()]
        lines.append(f"| `{family}` | {' | '.join(cells)} |")
    return [*lines, "", *(f"{number}. {reason}" for number, reason in enumerate(reasons, start=1))]


def _pair_lines(
    runtime_args: Facts, first: str, second: str, found: Mapping[tuple[str | None, str | None], str]
) -> list[str]:
    """Return a table of two axes with numbered reasons, without the rows and columns in which nothing is refused."""
    reasons = list(dict.fromkeys(found.values()))
    rows = [name for name in runtime_args.options[first] if any(name == pair[0] for pair in found)]
    columns = [name for name in runtime_args.options[second] if any(name == pair[1] for pair in found)]
    lines = [f"| | {' | '.join(map(_code, columns))} |", "|---" * (len(columns) + 1) + "|"]
    for name in rows:
        cells = [found.get((name, column)) for column in columns]
        shown = ["yes" if cell is None else f"no ({reasons.index(cell) + 1})" for cell in cells]
        lines.append(f"| {_code(name)} | {' | '.join(shown)} |")
    others = [
        what
        for what, kept, axis in (("row", rows, first), ("column", columns, second))
        if len(kept) < len(runtime_args.options[axis])
    ]
    if others:
        lines += ["", f"What has no {' or '.join(others)} here is never refused."]
    return [*lines, "", *(f"{i}. {reason}" for i, reason in enumerate(reasons, start=1))]


def _code(name: str | None) -> str:
    return "\u2013" if name is None else f"`{name}`"


if __name__ == "__main__":
    runtime_args = find_out()
    FACTS.write_text(as_json(runtime_args), encoding="utf-8")
    PAGE.write_text(as_page(runtime_args), encoding="utf-8")
    print(f"{len(runtime_args.refused)} pairs are refused")
