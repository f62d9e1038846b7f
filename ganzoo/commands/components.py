"""`ganzoo list` and `ganzoo describe`: what there is to write into a recipe."""

import shutil
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from ganzoo.commands.options import Plugins
from ganzoo.errors import UserError, nearest
from ganzoo.gin_reader import FORGETTING_FOLDER, recipes_dir
from ganzoo.registry import KINDS, index, load_file
from ganzoo.terminal import print_table, say

RECIPES, PROTOCOLS = "recipes", "protocols"


def list_components(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="One kind only, or recipes, or protocols.", show_default=False)
    ] = None,
    plugin: Plugins = None,
) -> None:
    """List the components by kind, or the packaged recipes or evaluation protocols.

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
        _list_files(FORGETTING_FOLDER, "recipes of `ganzoo forgetting`")
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
            rows = [
                (listing.name, listing.summary, "" if listing.origin == "ganzoo" else f"from {listing.origin}")
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
    """Return the first line of a recipe's header, or an empty string."""
    with path.open(encoding="utf-8") as file:
        lines = (line.lstrip("# ").rstrip() for line in file if line.startswith("#"))
        return next((line for line in lines if line), "")


def describe(
    name: Annotated[
        str,
        typer.Argument(metavar="KIND.NAME", help="A component such as pretext.rotation, or experiment."),
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
        raise UserError(f"'{name}' is a recipe and no component; `ganzoo check {name}` shows what it comes to")

    from ganzoo.describe import describe as describe_component
    from ganzoo.describe import wrapped

    description = describe_component(name)
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    say(description.name)
    say("")
    say(wrapped(description.text, width))
    if description.parameters:
        say("")
        say("parameters:")
        for p in description.parameters:
            say(f"  {p.name}: {p.type}" + (f" = {p.default}" if p.default else ", required"))
            say(textwrap.fill(p.meaning, width, initial_indent=" " * 6, subsequent_indent=" " * 6))
    elif name != "experiment":
        say("")
        say("It has no parameters.")
    if description.supports:
        say("")
        print_table(("supports", ""), list(description.supports.items()))
    if description.facts:
        say("")
        say(f"supplied by ganzoo: {', '.join(description.facts)}")
    if description.source:
        say("")
        say(f"source: {description.source}")
