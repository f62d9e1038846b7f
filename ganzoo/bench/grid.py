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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from ganzoo.bench.published import published_rows
from ganzoo.config.gin_parser import Binding
from ganzoo.config.recipe_files import PROTOCOLS, find_recipe, read_file, shown
from ganzoo.config.value_types import converted, item_types, member_for, wrong_type
from ganzoo.errors import UserError, nearest

Item = TypeVar("Item", str, int)
NAME = r"[A-Za-z_]\w*"
GRID_KEYS: Mapping[str, object] = {
    "title": str,
    "rows": tuple[str, ...],
    "seeds": tuple[int, ...],
    "baseline": str,
    "protocol": str,
    "overrides": tuple[str, ...],
    "columns": tuple[str, ...],
}
ROW_KEYS: Mapping[str, object] = {
    "recipe": str,
    "label": str,
    "bindings": tuple[str, ...],
    "axes": tuple[str, ...],
    "reported": str,
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a grid.

    Args:
        name: names its runs.
        recipe: a packaged name, or a path relative to the grid file or to the working directory.
        label: what a table calls it; by default the name.
        bindings: gin bindings of this row alone, as of `--set`.
        axes: keys such as `experiment.pretext` in which it may differ from the baseline, each with all that is
            reachable only through it.
        reported: the published numbers that may stand beside it, such as `cifar10/ss`; None for none.
        where: where each key was bound, by key.
    """

    name: str
    recipe: str
    label: str
    bindings: tuple[str, ...]
    axes: tuple[str, ...]
    reported: str | None
    where: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A benchmark.

    Args:
        name: of the file, without its ending.
        path: the file.
        title: stands above a table.
        rows: in the order of a table.
        seeds: one run of every row for each.
        baseline: the row that the others are compared with; by default the first.
        protocol: the file of `gin/protocols/` whose bindings all rows share, or None.
        overrides: gin bindings of all rows, as of `--set`.
        columns: names of the measurements that a table shows; empty for all.
    """

    name: str
    path: Path
    title: str
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    baseline: str
    protocol: Path | None
    overrides: tuple[str, ...]
    columns: tuple[str, ...]

    def row(self, name: str) -> Row:
        """Return a row.

        Raises:
            UserError: there is none of that name.
        """
        names = [row.name for row in self.rows]
        if name not in names:
            there = ", ".join(names)
            raise UserError(f"no row '{name}' in {shown(self.path)}{nearest(name, names) or f'; it has {there}'}")
        return self.rows[names.index(name)]


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
    place = shown(path)
    bound = {binding.key: binding for binding in read_file(path).bindings}
    if bound and all(not key.rpartition("/")[2].startswith("grid.") for key in bound):
        raise UserError("is no grid but a recipe; `ganzoo run` takes it", where=place)
    for binding in bound.values():
        _check_key(binding)
    missing = [key for key in ("grid.rows", "grid.seeds") if key not in bound]
    if missing:
        raise UserError(f"the grid does not bind {missing[0]}", where=place)

    values = {name: _value(bound, f"grid.{name}", annotation) for name, annotation in GRID_KEYS.items()}
    names = _distinct(cast(tuple[str, ...], values["rows"]), bound["grid.rows"], "rows")
    for name in names:
        if not re.fullmatch(NAME, name):
            raise UserError(f"'{name}' cannot name a row; use letters, digits and _", where=bound["grid.rows"].where)
    for binding in bound.values():
        if binding.scope and binding.scope not in names:
            raise UserError(
                f"'{binding.key}': grid.rows has no '{binding.scope}'{nearest(binding.scope, names)}",
                where=binding.where,
            )
    seeds = _distinct(cast(tuple[int, ...], values["seeds"]), bound["grid.seeds"], "seeds")
    if min(seeds) < 0:
        raise UserError(f"a seed must be at least 0, not {min(seeds)}", where=bound["grid.seeds"].where)
    baseline = cast(str | None, values["baseline"]) or names[0]
    if baseline not in names:
        where = bound["grid.baseline"].where
        raise UserError(f"the baseline '{baseline}' is not in grid.rows{nearest(baseline, names)}", where=where)
    protocol = cast(str | None, values["protocol"])
    return Grid(
        name=path.stem,
        path=path,
        title=cast(str | None, values["title"]) or path.stem,
        rows=tuple(_row(bound, name, path) for name in names),
        seeds=seeds,
        baseline=baseline,
        protocol=_find_protocol(protocol, path.parent, bound["grid.protocol"].where) if protocol else None,
        overrides=cast(tuple[str, ...], values["overrides"] or ()),
        columns=cast(tuple[str, ...], values["columns"] or ()),
    )


def _check_key(binding: Binding) -> None:
    """Refuse a binding of something else than a key of the grid or of a row."""
    keys = {"grid": GRID_KEYS, "row": ROW_KEYS}
    known = [f"{section}.{key}" for section, names in keys.items() for key in names]
    key = binding.key.removeprefix(f"{binding.scope}/")
    if binding.argument not in keys.get(binding.selector, ()):
        hint = nearest(key, known) or f"; a grid binds {', '.join(known)}"
        if binding.selector == "experiment":
            hint = f"; write it into grid.overrides or a row's bindings, as a string: '{key} = ...'"
        raise UserError(f"a grid has no '{key}'{hint}", where=binding.where)
    if binding.selector == "grid" and binding.scope:
        raise UserError(f"'{binding.key}': the grid has no scope; write {key}", where=binding.where)


def _value(bound: Mapping[str, Binding], key: str, annotation: object) -> object:
    """Return the value of a key, checked and of the right type; None if the key is not bound."""
    if key not in bound:
        return None
    value = bound[key].value
    checks: list[tuple[str, object, object]] = [(key, value, annotation)]
    if isinstance(value, list | tuple):
        types = item_types(annotation, len(value))
        checks += [(f"{key}, item {i},", *pair) for i, pair in enumerate(zip(value, types, strict=True), start=1)]
    for what, given, type_ in checks:
        if member_for(given, type_) is None:
            raise UserError(wrong_type(given, type_, what), where=bound[key].where)
    return converted(value, annotation)


def _distinct(values: tuple[Item, ...], binding: Binding, what: str) -> tuple[Item, ...]:
    if not values:
        raise UserError(f"{binding.key} is empty; a grid needs {what}", where=binding.where)
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise UserError(f"{binding.key} has {twice[0]!r} twice", where=binding.where)
    return values


def _row(bound: Mapping[str, Binding], name: str, path: Path) -> Row:
    keys = {key: f"{name}/row.{key}" if f"{name}/row.{key}" in bound else f"row.{key}" for key in ROW_KEYS}
    values = {key: _value(bound, keys[key], annotation) for key, annotation in ROW_KEYS.items()}
    where = {key: bound[full].where for key, full in keys.items() if full in bound}
    if values["recipe"] is None:
        raise UserError(f"the row '{name}' has no recipe; bind {name}/row.recipe", where=shown(path))
    axes = cast(tuple[str, ...], values["axes"] or ())
    return Row(
        name=name,
        recipe=cast(str, values["recipe"]),
        label=cast(str | None, values["label"]) or name,
        bindings=cast(tuple[str, ...], values["bindings"] or ()),
        axes=_distinct(axes, bound[keys["axes"]], "axes") if axes else (),
        reported=_reported(cast(str | None, values["reported"]), where),
        where=where,
    )


def _reported(name: str | None, where: Mapping[str, str]) -> str | None:
    """Return the name of published numbers; a name without any is refused."""
    known = published_rows()
    if name is not None and name not in known:
        hint = nearest(name, known) or f"; there are {', '.join(known)}"
        raise UserError(f"nothing is published under '{name}'{hint}", where=where["reported"])
    return name


def recipe_path(grid: Grid, row: Row) -> Path:
    """Return the file of a row's recipe.

    Raises:
        UserError: there is none.
    """
    beside = grid.path.parent / row.recipe
    if beside.is_file():
        return beside
    try:
        return find_recipe(row.recipe)
    except UserError as error:
        raise UserError(f"the row '{row.name}': {error}", where=row.where["recipe"]) from error


def _find_protocol(name: str, folder: Path, where: str) -> Path:
    """Return the file of a protocol, given as a path from the grid's folder or by its packaged name."""
    if (folder / name).is_file():
        return folder / name
    try:
        return find_recipe(name, folder=PROTOCOLS, what="protocol")
    except UserError as error:
        raise UserError(str(error), where=where) from error
