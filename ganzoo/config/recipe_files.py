"""From files and `--set` texts to bindings: how recipes are found and read, and what they may include."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganzoo.config.gin_parser import Binding, statements
from ganzoo.errors import UserError, nearest
from ganzoo.paths import PACKAGE


@dataclass(frozen=True)
class Source:
    """A file with its includes.

    Args:
        path: the file.
        bindings: in order, those of an included file at the place of its include.
        text: of the file, with included texts at the same places.
    """

    path: Path
    bindings: tuple[Binding, ...]
    text: str


def recipes_dir() -> Path:
    """Return the folder of the packaged recipes: inside the installed package, or beside it in a checkout."""
    installed = PACKAGE / "recipes"
    return installed if installed.is_dir() else PACKAGE.parent / "gin"


PROTOCOLS = "protocols"  # the folder of packaged protocols, below that of the recipes
NO_RECIPES = ("base", PROTOCOLS)  # folders whose files are for recipes to include


def command_folders() -> list[str]:
    """Return the commands, besides `ganzoo run`, that have packaged recipes, in a folder of the command's name."""
    return sorted(p.name for p in recipes_dir().iterdir() if p.is_dir() and p.name not in NO_RECIPES)


def command_of(root_name: str) -> str | None:
    """Return the command whose recipes bind `root_name.field`, such as `ganzoo run` for `experiment`; or None."""
    if root_name == "experiment":
        return "ganzoo run"
    return f"ganzoo {root_name}" if root_name in command_folders() else None


def find_recipe(recipe: str, *, folder: str = "", what: str = "recipe") -> Path:
    """Return the file of a recipe.

    Args:
        recipe: its path, or its packaged name with or without `.gin`.
        folder: the folder under the packaged recipes that is searched first.
        what: what such a file is called in messages.

    Raises:
        UserError: there is none, or it is a folder; the nearest name is given.
    """
    path = Path(recipe)
    if os.path.exists(path) and not path.is_dir():  # Path.exists would fail on a text that can be no path
        return path
    if recipe and not path.is_absolute() and ".." not in path.parts:
        # The folders of other commands come last: a recipe found there is refused with the name of its command.
        for place in dict.fromkeys((folder, "", *command_folders())):
            packaged = recipes_dir() / place / f"{recipe.removesuffix('.gin')}.gin"
            if os.path.isfile(packaged):
                return packaged
    if os.path.isdir(path):
        raise UserError(f"'{recipe}' is a folder; give a {what}'s file, such as '{path / 'operative.gin'}'")
    names = sorted(p.stem for p in (recipes_dir() / folder).glob("*.gin"))
    near = nearest(recipe, [str(p) for p in path.parent.glob("*.gin")]) or nearest(path.stem, names)
    is_path = len(path.parts) > 1 or path.suffix == ".gin"
    raise UserError(
        f"no {'file' if is_path else what} '{recipe}'{near or f'; `ganzoo list {what}s` shows the packaged ones'}"
    )


def read_file(path: Path, including: Sequence[Path] = ()) -> Source:
    """Read a gin file with its includes.

    Args:
        path: the file.
        including: the files that include this one, outermost first.

    Raises:
        UserError: the file is unreadable, is not gin, imports, or includes what it may not.
    """
    lines = _read_text(path).removesuffix("\n").split("\n")
    bindings: list[Binding] = []
    text = list(lines)
    for statement, line in statements("\n".join([*lines, ""]), lambda number: f"{shown(path)}:{number}"):
        if isinstance(statement, Binding):
            bindings.append(statement)
            continue
        where = f"{shown(path)}:{line}"
        if not re.fullmatch(r"""\s*include\s+(['"])[^'"]*\1\s*(#.*)?""", lines[line - 1]):
            raise UserError("an include must stand on a line of its own, as include 'file.gin'", where=where)
        files = [*including, path]
        included = _find_include(statement, where, files)
        if included.resolve() in [file.resolve() for file in files]:
            raise UserError(f"the include of '{statement}' closes a circle: it is being read already", where=where)
        source = read_file(included, files)
        bindings += source.bindings
        text[line - 1] = f"# begin of '{statement}'\n{source.text}# end of '{statement}'"
    return Source(path, tuple(bindings), "\n".join([*text, ""]))


def read_override(text: str) -> list[Binding]:
    """Read the statements of one `--set`.

    Raises:
        UserError: it is not gin, or no binding.
    """
    lines = text.strip().split("\n")
    found = []
    for statement, line in statements("\n".join([*lines, ""]), lambda number: override_place(lines[number - 1])):
        if not isinstance(statement, Binding):
            where = override_place(lines[line - 1])
            raise UserError("takes bindings such as 'experiment.seed = 1', and no include", where=where)
        found.append(statement)
    if not found:
        raise UserError("takes a binding such as 'experiment.seed = 1', and got none", where=override_place(text))
    return found


def override_place(text: str) -> str:
    """Return a `--set` as messages show it: as it was typed."""
    quote = '"' if "'" in text else "'"
    return f"--set {quote}{text.strip()}{quote}"


def shown(path: Path) -> str:
    """Return a path as messages show it: relative if it lies under the working directory."""
    absolute = Path(os.path.abspath(path))
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=shown(path)) from error
    if b"\0" in content:
        raise UserError("is a binary file; a recipe is gin text", where=shown(path))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError("is not UTF-8 text; save it as UTF-8", where=f"{shown(path)}:{line}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")


def _find_include(name: str, where: str, files: Sequence[Path]) -> Path:
    """Search the including file's folder, then the packaged recipes; refuse a file outside both."""
    roots = [files[-1].parent, recipes_dir()]
    if Path(name).is_absolute():
        raise UserError(f"the include '{name}' is absolute; give it relative to this file", where=where)
    # Links are followed before the check, so that none leads outside.
    allowed = [root.resolve() for root in [files[0].parent, *roots]]
    found = [(root / name).resolve() for root in roots]
    inside = [path for path in found if any(path.is_relative_to(root) for root in allowed)]
    for path in inside:
        if path.is_file():
            return path
    if not inside or any(path.is_file() for path in found):
        folders = " and ".join(f"'{shown(root)}'" for root in dict.fromkeys(roots))
        raise UserError(f"the include '{name}' leads outside the search path, {folders}", where=where)
    known = [str(p.relative_to(root)) for root in roots for pattern in ("*.gin", "*/*.gin") for p in root.glob(pattern)]
    raise UserError(f"no file '{name}' to include{nearest(name, known)}", where=where)
