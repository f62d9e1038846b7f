"""A grid: which rows a benchmark compares, over which seeds, and in which axes each row may differ from the baseline.

It is a gin file that binds parameters of `grid` and `row`. A row's name is its scope. A parameter of `row` that has no
scope holds for every row that does not bind it itself.

    grid.title = 'SSGAN and its baseline'
    grid.rows = ['uncond', 'ssgan']
    grid.seeds = [0, 1, 2]
    row.recipe = 'fashion_uncond_resnet'
    ssgan/row:
        label = 'SSGAN'
        bindings = ['experiment.pretext = [@pretext.rotation]']
        axes = ['experiment.pretext']
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar

from ganzoo.bench.published import unpublished
from ganzoo.config.gin_parser import Binding
from ganzoo.config.recipe_files import PROTOCOLS, find_recipe, read_file, shown
from ganzoo.config.resolver import Resolver
from ganzoo.config.root import RecipeRoot
from ganzoo.errors import ParameterError, UserError, check_at_least, nearest


@dataclass(frozen=True, kw_only=True)
class RowSettings(RecipeRoot):
    """The parameters of `row`.

    Args:
        recipe: a packaged name, or a path relative to the grid file or to the working directory.
        label: what a table calls the row; by default its name.
        bindings: gin bindings of this row alone, as of `--set`.
        axes: keys such as `experiment.pretext` in which it may differ from the baseline, each with all that is
            reachable only through it.
        reported: the published numbers that may stand beside it, such as `cifar10/ss`; None for none.
    """

    root_name: ClassVar[str] = "row"
    file_kind: ClassVar[str] = "row"

    recipe: str = ""
    label: str = ""
    bindings: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    reported: str | None = None

    def __post_init__(self) -> None:
        _check_distinct(axes=self.axes)
        if self.reported is not None and (problem := unpublished(self.reported)):
            raise ParameterError("reported", problem)


@dataclass(frozen=True, kw_only=True)
class Row(RowSettings):
    """One row of a grid.

    Args:
        name: names its runs.
        where: where each parameter was bound, by its key such as `row.recipe`.
    """

    name: str
    where: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class GridSettings(RecipeRoot):
    """The parameters of `grid`.

    Args:
        title: stands above a table; by default the name of the file.
        rows: the names of the rows, in the order of a table.
        seeds: one run of every row for each.
        baseline: the row that the others are compared with; by default the first.
        protocol: a name in `gin/protocols/`, or a path relative to the grid file, of bindings that all rows share;
            None for none.
        overrides: gin bindings of all rows, as of `--set`.
        columns: names of the measurements that a table shows; empty for all.
    """

    root_name: ClassVar[str] = "grid"
    file_kind: ClassVar[str] = "grid"

    title: str = ""
    rows: tuple[str, ...]
    seeds: tuple[int, ...]
    baseline: str = ""
    protocol: str | None = None
    overrides: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, values in {"rows": self.rows, "seeds": self.seeds}.items():
            if not values:
                raise ParameterError(name, f"is empty; a grid needs {name}")
        _check_distinct(rows=self.rows, seeds=self.seeds)
        check_at_least(0, seeds=min(self.seeds))
        for name in self.rows:
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                raise ParameterError("rows", f"has '{name}', which cannot name a row; use letters, digits and _")
        if self.baseline and self.baseline not in self.rows:
            hint = nearest(self.baseline, self.rows)
            raise ParameterError("baseline", f"is '{self.baseline}', which is not in {{rows}}{hint}")


@dataclass(frozen=True, kw_only=True)
class Grid(GridSettings):
    """A benchmark.

    Args:
        name: of the file, without its ending.
        path: the file.
        rows_by_name: its rows, in the order of a table.
        protocol_path: the file of the protocol, or None.
    """

    name: str
    path: Path
    rows_by_name: Mapping[str, Row]
    protocol_path: Path | None

    def row(self, name: str) -> Row:
        """Return a row.

        Raises:
            UserError: there is none of that name.
        """
        if name not in self.rows:
            hint = nearest(name, self.rows) or f"; it has {', '.join(self.rows)}"
            raise UserError(f"no row '{name}' in {shown(self.path)}{hint}")
        return self.rows_by_name[name]


def read_grid(path: Path) -> Grid:
    """Read a grid file.

    Raises:
        UserError: what is unknown, missing, double or of a wrong type, with its place and the nearest name.
    """
    if not path.is_file():
        likely = Path("benchmarks") / f"{path.stem}.gin"
        if len(path.parts) == 1 and likely.is_file():
            raise UserError(f"no file '{path}'; a grid is given by the path of its file: did you mean '{likely}'?")
        beside = [str(p) for p in sorted(path.parent.glob("*.gin"))]
        there = f"; there are {', '.join(beside)}" if beside else "; give the path of a grid file"
        raise UserError(f"no grid '{path}'{nearest(str(path), beside) or there}")
    place, bindings = shown(path), read_file(path).bindings
    if bindings and all(binding.selector != "grid" for binding in bindings):
        raise UserError("is no grid but a recipe; `ganzoo run` takes it", where=place)
    for binding in bindings:
        _refuse_other_selector(binding)
    resolver = Resolver([b for b in bindings if b.selector == "grid"], place, GridSettings)
    settings = resolver.root()
    for binding in bindings:
        if binding.selector == "row" and binding.scope not in ("", *settings.rows):
            hint = nearest(binding.scope, settings.rows)
            raise UserError(f"'{binding.key}': grid.rows has no '{binding.scope}'{hint}", where=binding.where)
    protocol_path = None
    if settings.protocol is not None:
        where = resolver.locations["grid.protocol"]
        protocol_path = _find_file(settings.protocol, path, where=where, folder=PROTOCOLS, what="protocol")
    named = {"title": settings.title or path.stem, "baseline": settings.baseline or settings.rows[0]}
    rows = {name: _read_row(bindings, name, place) for name in settings.rows}
    return Grid(
        **{**vars(settings), **named}, name=path.stem, path=path, rows_by_name=rows, protocol_path=protocol_path
    )


def _check_distinct(**values: Sequence[str | int]) -> None:
    """Refuse the first of these parameters, given by name, that has a value twice."""
    for name, own in values.items():
        twice = [value for value in own if own.count(value) > 1]
        if twice:
            raise ParameterError(name, f"has {twice[0]!r} twice")


def _refuse_other_selector(binding: Binding) -> None:
    """Refuse a binding of something else than the grid or a row."""
    roots = {"grid": GridSettings, "row": RowSettings}
    if not binding.argument or binding.selector not in roots:
        known = [f"{name}.{field.name}" for name, root in roots.items() for field in fields(root)]
        key = binding.key.removeprefix(f"{binding.scope}/")
        hint = nearest(key, known) or f"; a grid binds {', '.join(known)}"
        if binding.selector == "experiment":
            hint = f"; write it into grid.overrides or a row's bindings, as a string: '{key} = ...'"
        raise UserError(f"a grid has no '{key}'{hint}", where=binding.where)


def _read_row(bindings: Sequence[Binding], name: str, place: str) -> Row:
    """Return a row; what is bound in its scope wins over what is bound for all rows."""
    own = sorted((b for b in bindings if b.selector == "row" and b.scope in ("", name)), key=lambda b: b.scope)
    resolver = Resolver([replace(binding, scope="") for binding in own], place, RowSettings)
    settings = resolver.root()
    if not settings.recipe:
        raise UserError(f"the row '{name}' has no recipe; bind {name}/row.recipe", where=place)
    return Row(**{**vars(settings), "label": settings.label or name}, name=name, where=resolver.locations)


def recipe_path(grid: Grid, row: Row) -> Path:
    """Return the file of a row's recipe.

    Raises:
        UserError: there is none.
    """
    return _find_file(row.recipe, grid.path, where=row.where["row.recipe"], start=f"the row '{row.name}': ")


def _find_file(name: str, grid: Path, *, where: str, start: str = "", folder: str = "", what: str = "recipe") -> Path:
    """Return a file that is given as a path from the grid's folder or by its packaged name."""
    beside = grid.parent / name
    if beside.is_file():
        return beside
    try:
        return find_recipe(name, folder=folder, what=what)
    except UserError as error:
        raise UserError(f"{start}{error}", where=where) from error
