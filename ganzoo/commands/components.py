"""`ganzoo list` and `ganzoo describe`: the components and recipes that exist."""

import itertools
import re
import shutil
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from ganzoo.commands.options import Plugins
from ganzoo.commands.terminal import is_terminal, print_table, say
from ganzoo.config.recipe_files import PROTOCOLS, command_folders, recipes_dir
from ganzoo.errors import UserError, nearest
from ganzoo.registry import KINDS, index, load_file

RECIPES = "recipes"


def list_components(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="One kind only, or recipes, or protocols.")] = None,
    plugin: Plugins = None,
) -> None:
    """List components by kind, or packaged recipes or protocols.

    Examples:
      ganzoo list
      ganzoo list pretext
      ganzoo list recipes
    """
    kinds = [*KINDS, RECIPES, PROTOCOLS]
    if kind is not None and kind not in kinds:
        raise UserError(f"no kind '{kind}'{nearest(kind, kinds) or '; there are: ' + ', '.join(kinds)}")
    if kind == RECIPES:
        _list_files("", "recipes")
        for folder in command_folders():
            _list_files(folder, f"recipes of `ganzoo {folder}`")
        say("`ganzoo check NAME` builds a recipe of the first list; `ganzoo run NAME` trains it")
        return
    if kind == PROTOCOLS:
        _list_files(PROTOCOLS, "protocols")
        say("`ganzoo eval RUN --protocol NAME` measures a run by one")
        return
    for path in plugin or ():
        load_file(path)
    known = index()
    for name, meaning in KINDS.items():
        if kind in (None, name):
            # On a terminal the heading gives the kind; in a pipe every line has the full name.
            prefix = f"{name}." if is_terminal() else ""
            rows = [
                (
                    listing.name.removeprefix(prefix),
                    listing.summary,
                    "" if listing.origin == "ganzoo" else f"from {listing.origin}",
                )
                for listing in known.values()
                if listing.name.startswith(f"{name}.")
            ]
            print_table(("", "", ""), rows, title=f"{name}: {meaning}")
            say("")
    say(
        f"`ganzoo describe KIND.NAME` shows one; `ganzoo list {RECIPES}` and `ganzoo list {PROTOCOLS}` what is packaged"
    )


def _list_files(folder: str, what: str) -> None:
    rows = [(path.stem, first_comment(path)) for path in sorted((recipes_dir() / folder).glob("*.gin"))]
    print_table(("", ""), rows, title=f"{what}:")
    say("")


def first_comment(path: Path) -> str:
    """Return the first sentence of a recipe's header, or an empty string."""
    with path.open(encoding="utf-8") as file:
        lines = [line.lstrip("#").strip() for line in itertools.takewhile(lambda line: line.startswith("#"), file)]
    paragraph = " ".join(itertools.takewhile(bool, itertools.dropwhile(lambda line: not line, lines)))
    # A sentence ends at a full stop before a capital letter, unlike in `vs. 10,000` and `ganzoo.x`.
    return re.split(r"(?<=\.)\s+(?=[A-Z])", paragraph, maxsplit=1)[0]


def describe(
    name: Annotated[
        str, typer.Argument(metavar="KIND.NAME", help="A component such as pretext.rotation, or experiment.")
    ],
    plugin: Plugins = None,
) -> None:
    """Describe a component, or experiment.

    Shows what it does, its source, its parameters with their defaults, and what it supports.

    Examples:
      ganzoo describe pretext.rotation
      ganzoo describe experiment
      ganzoo describe pretext.mirror --plugin mirror.py
    """
    for path in plugin or ():
        load_file(path)

    if (recipes_dir() / f"{name.removesuffix('.gin')}.gin").is_file():
        raise UserError(f"'{name}' is a recipe, not a component; `ganzoo check {name}` shows its settings")

    from ganzoo.config.describe import describe as describe_component
    from ganzoo.config.describe import wrapped
    from ganzoo.config.experiment import Experiment
    from ganzoo.forgetting.experiment import ForgettingExperiment

    roots = {root.root_name: root for root in (Experiment, ForgettingExperiment)}
    description = describe_component(name, roots=roots)
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    say(description.name)
    say("")
    say(wrapped(description.docstring.text, width))
    if description.parameters:
        say("")
        say("parameters:")
        for p in description.parameters:
            say(_filled(f"{p.name}: {p.type}" + (f" = {p.default}" if p.default else ", required"), width, 2, 10))
            say(_filled(p.meaning, width, 6, 6))
    elif name not in roots:
        say("")
        say("It has no parameters.")
    if description.supports:
        say("")
        print_table(("supports", ""), list(description.supports.items()))
    if description.runtime_args:
        say("")
        say(f"supplied by ganzoo: {', '.join(description.runtime_args)}")
    if description.file:
        say("")
        say(f"file: {description.file}")


def _filled(text: str, width: int, first: int, rest: int) -> str:
    """Return a text broken between words, with the first line and the other lines indented by so many spaces."""
    return textwrap.fill(
        text,
        width,
        initial_indent=" " * first,
        subsequent_indent=" " * rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
