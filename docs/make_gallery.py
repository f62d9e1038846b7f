"""The gallery: a page of every kind and of every pretext task, made from the registry when the documentation is built.

`conf.py` calls `pages` and `write_pages`. Nothing here names a component: the pages hold what `ganzoo list` shows.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ganzoo import registry
from ganzoo.config.describe import Description, describe
from ganzoo.config.load import load
from ganzoo.config.recipe_files import recipes_dir
from ganzoo.forgetting.experiment import ForgettingExperiment

TEMPLATES = Path(__file__).parent / "gallery_templates"
# A component in an operative text: `@kind.name`, with its scopes if it has some.
REFERENCE = re.compile(r"@(?:\w+/)*(\w+\.\w+)")
CODE = re.compile(r"(`[^`]*`)")
ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5})")


@dataclass(frozen=True)
class Entry:
    """One component of the gallery.

    Args:
        description: what its docstring and its signature say.
        by: who brings it; empty for ganzoo itself.
        recipes: names of the packaged recipes that use it.
    """

    description: Description
    by: str
    recipes: list[str]

    @property
    def name(self) -> str:
        """Its name within its kind."""
        return self.description.name.partition(".")[2]

    @property
    def sentence(self) -> str:
        """What it does."""
        return self.description.docstring.body.partition("\n\n")[0]

    @property
    def more(self) -> str:
        """What else its docstring says, besides source and departures."""
        return self.description.docstring.body.partition("\n\n")[2]


def entries() -> dict[str, list[Entry]]:
    """Return every component that is known, by kind."""
    users = recipes_by_component()
    found: dict[str, list[Entry]] = {kind: [] for kind in registry.KINDS}
    for name, listing in registry.index().items():
        by = "" if listing.origin == "ganzoo" else listing.origin
        found[name.partition(".")[0]].append(Entry(describe(name), by, users.get(name, [])))
    return found


@cache
def recipes_by_component() -> dict[str, list[str]]:
    """Return the names of the packaged recipes that use a component, by the component's name."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(recipes_dir().glob("*.gin")):
        for name in sorted(set(REFERENCE.findall(load(path).operative()))):
            found[name].append(path.stem)
    for path in sorted((recipes_dir() / ForgettingExperiment.recipe_folder).glob("*.gin")):
        for name in sorted(set(REFERENCE.findall(load(path, ForgettingExperiment).operative()))):
            found[name].append(f"{ForgettingExperiment.recipe_folder}/{path.stem}")
    return found


def shown_recipe(entry: Entry) -> tuple[str, str]:
    """Return name and text of the shortest recipe that names a component in its own lines; empty if none does."""
    texts = {name: (recipes_dir() / f"{name}.gin").read_text("utf-8") for name in entry.recipes}
    own = [name for name, text in texts.items() if f"@{entry.description.name}" in text]
    if not own:
        return "", ""
    name = min(own, key=lambda n: (len(texts[n]), n))
    return name, texts[name]


def markdown(text: str) -> str:
    """Return a docstring's text for Markdown: what is in backticks is code, arXiv ids are links, the rest is text."""
    parts = CODE.split(text)
    return "".join(part if i % 2 else _prose(part) for i, part in enumerate(parts))


def _prose(text: str) -> str:
    escaped = re.sub(r"([\\*_<\[\]|])", r"\\\1", text)
    return ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", escaped)


def cell(text: str) -> str:
    """Return text for a cell of a table, where a bar ends the cell even within code."""
    return markdown(text).replace("\\|", "|").replace("|", "\\|")


def pages() -> dict[str, str]:
    """Return the pages of the gallery, by their path within it."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"markdown": markdown, "cell": cell}
    kinds = entries()
    found = {"index.md": environment.get_template("index.md.j2").render(kinds=kinds, meanings=registry.KINDS)}
    for kind, members in kinds.items():
        template = "tasks.md.j2" if kind == "pretext" else "kind.md.j2"
        found[f"{kind}.md"] = environment.get_template(template).render(
            kind=kind, meaning=registry.KINDS[kind], entries=members
        )
    for entry in kinds["pretext"]:
        name, text = shown_recipe(entry)
        found[f"pretext/{entry.name}.md"] = environment.get_template("task.md.j2").render(
            entry=entry, recipe_name=name, recipe=text
        )
    return found


def write_pages(folder: Path, found: Mapping[str, str]) -> None:
    """Make a folder hold these pages and no others; a page that stays the same is not touched."""
    wanted = {folder / name: text for name, text in found.items()}
    for path in set(folder.rglob("*.md")) - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
