"""The first files of a new component: made from the templates of its kind, under names that are free."""

import builtins
import importlib.util
import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import UserError, nearest
from ganzoo.registry import KINDS, index

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PARTS = {"architectures": ("_generator", "_discriminator")}
"""For kinds that come in pairs: the endings of the components in one file."""
COMMANDS = {"remedies": "forgetting"}
"""For kinds whose recipes are not run by `ganzoo run`: the command that runs them."""


@dataclass(frozen=True)
class Scaffold:
    """Files to be written, and what to type next.

    Args:
        folder: the folder for the files.
        files: their texts, by path below the folder.
        meanings: what each file is, by the same paths.
        next_commands: three commands, in order, for the working directory.
    """

    folder: Path
    files: dict[str, str]
    meanings: dict[str, str]
    next_commands: tuple[str, ...]


def plan(kind: str, name: str, *, folder: Path, is_package: bool) -> Scaffold:
    """Return the files of a new component, without writing them.

    Args:
        kind: one of `registry.KINDS`.
        name: of the component, in snake_case; for a pair, the part before `_generator` and `_discriminator`.
        folder: where to put them; a package gets a folder of its own there.
        is_package: whether to make an installable package instead of a loose file.

    Raises:
        UserError: no such kind, or a name that is not allowed.
    """
    if kind not in KINDS:
        raise UserError(f"no kind '{kind}'{nearest(kind, KINDS) or '; there are: ' + ', '.join(KINDS)}")
    components = [f"{kind}.{name}{ending}" for ending in PARTS.get(kind, ("",))]
    _check_name(kind, name, components, is_package=is_package)
    distribution = f"ganzoo-{name.replace('_', '-')}"
    if is_package:
        folder = folder / distribution
    module = f"ganzoo_{name}"
    # In the folder of a package's module, so that its wheel contains the recipe too.
    recipe, source = (f"{module}/{name}{suffix}" if is_package else f"{name}{suffix}" for suffix in (".gin", ".py"))
    test = f"tests/test_{name}.py" if is_package else f"test_{name}.py"
    command = COMMANDS.get(kind, "run")

    def run_command(where: Path, verb: str) -> str:
        return f"ganzoo {verb} {where / recipe}" + ("" if is_package else f" --plugin {where / source}")

    values = {
        "kind": kind,
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "components": components,
        "is_package": is_package,
        "distribution": distribution,
        "module": module,
        "verb": command,
        "run_command": run_command(Path(), command),
    }
    planned = [
        (source, f"{kind}.py.j2", "the component: your idea goes here"),
        (recipe, f"{kind}.gin.j2", "a recipe that uses it"),
        (test, "test.py.j2", "a test of its contract and of the recipe"),
    ]
    if is_package:
        planned += [
            (f"{module}/__init__.py", "init.py.j2", "the package, and where its recipe is"),
            ("pyproject.toml", "pyproject.toml.j2", "the entry point by which ganzoo finds the component"),
            ("README.md", "README.md.j2", "what it is and how to run it"),
        ]
        following = [f"pip install -e '{folder}[test]'", run_command(folder, command), f"pytest {folder}"]
    else:
        following = [f"ganzoo describe {components[0]} --plugin {folder / source}", run_command(folder, command)]
        following += [f"pytest {folder / test}"]
    return Scaffold(
        folder=folder,
        files={path: _render(template, values) for path, template, _ in planned},
        meanings={path: meaning for path, _, meaning in planned},
        next_commands=tuple(following),
    )


def _check_name(kind: str, name: str, components: list[str], *, is_package: bool) -> None:
    if SNAKE_CASE.fullmatch(name) is None or keyword.iskeyword(name):
        suggestion = re.sub(r"\W+|(?<=[a-z0-9])(?=[A-Z])", "_", name).strip("_").lower()
        is_better = SNAKE_CASE.fullmatch(suggestion) is not None and not keyword.iskeyword(suggestion)
        hint = f", such as '{suggestion}'" if is_better else ""
        raise UserError(f"'{name}' cannot be the name of a component; give one in snake_case{hint}")
    known = index()
    for component in components:
        if component in known:
            others = ", ".join(k.partition(".")[2] for k in known if k.startswith(f"{kind}."))
            raise UserError(
                f"{component} exists already, from {known[component].origin}; choose another name than those "
                f"of {kind}: {others}"
            )
    # A test has its own folder first on the path, and would import the new file instead of the other module.
    is_module = not is_package and importlib.util.find_spec(name) is not None
    if is_module or hasattr(builtins, name):
        raise UserError(f"'{name}' is a name of Python itself or of an installed package; choose another")


def _render(template: str, values: dict[str, object]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # The results are Python, TOML and gin, so nothing is escaped for HTML.
    environment = Environment(
        loader=PackageLoader("ganzoo.scaffold"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        undefined=StrictUndefined,
    )  # fmt: skip
    return environment.get_template(template).render(**values)


def write(scaffold: Scaffold) -> list[Path]:
    """Write the files and return their paths; write none if one exists already.

    Raises:
        UserError: a file exists, or cannot be written.
    """
    paths = {scaffold.folder / name: text for name, text in scaffold.files.items()}
    existing = [path for path in paths if path.exists()]
    if existing:
        raise UserError(f"'{existing[0]}' exists already and is not overwritten; choose another --dir, or remove it")
    try:
        for path, text in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise UserError(f"cannot write to '{scaffold.folder}' ({error.strerror}); choose another --dir") from error
    return list(paths)
