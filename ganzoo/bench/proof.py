"""The proof that the rows of a grid were run under identical conditions but for their axes.

`prove` compares the configurations of all rows, built without data, before anything runs. What cannot be known before
is compared in `conditions.py`.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from ganzoo.bench.axes import EXEMPT, Difference, differences, undeclared
from ganzoo.bench.grid import Grid, Row
from ganzoo.bench.rows import BuiltRow
from ganzoo.config.recipe_files import shown
from ganzoo.errors import UserError, nearest
from ganzoo.runs.folder import Json


class ProvenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row in a proof.

    Args:
        axes: that it declares.
        differences: from the baseline, which its axes allow.
        label: what a table calls it; None in proofs of earlier versions.
        reported: the published numbers that stand beside it, such as "cifar10/ss"; None for none.
    """

    axes: tuple[str, ...]
    differences: tuple[Difference, ...]
    label: str | None = None
    reported: str | None = None


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of a grid share, in what each may differ, and what a table needs of the grid: `proof.json`.

    Args:
        grid: name of the grid.
        baseline: name of the row that the others were compared with.
        rows: by name.
        shared: the parameters that all rows have alike, as gin text.
        training_files: sha256 of the files of training code that all rows use, by path.
        title: of the grid; it and the following are missing in proofs of earlier versions.
        order: the names of the rows in the order of a table, since an object of JSON has no order.
        seeds: those planned for every row.
        columns: names of the measurements that a table shows; empty for all.
    """

    grid: str
    baseline: str
    rows: Mapping[str, ProvenRow]
    shared: Mapping[str, str]
    training_files: Mapping[str, str]
    title: str = ""
    order: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def shared_sha256(self) -> str:
        """The hash of all that the rows share: parameters and training code."""
        lines = [f"{key} = {self.shared[key]}" for key in sorted(self.shared)]
        lines += [f"{name}: {self.training_files[name]}" for name in sorted(self.training_files)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def lines(self) -> list[str]:
        """Return the proof as lines of text for the foot of a table."""
        found = [
            f"{len(self.shared)} parameters and {len(self.training_files)} files of training code are the same in all "
            f"rows (sha256 {self.shared_sha256[:12]}); seeds apart, a row differs from '{self.baseline}' in:"
        ]
        for name in self.order:
            row = self.rows[name]
            if name != self.baseline:
                axes = [d for d in row.differences if d.key in row.axes]
                owned = len(row.differences) - len(axes)
                plural = "s" if owned > 1 else ""
                more = f", and {owned} parameter{plural} of what these bring or take away" if owned else ""
                found.append(f"  {name}: {'; '.join(map(str, axes))}{more}")
        return found

    def to_json(self) -> dict[str, Json]:
        """Return the proof as `proof.json` holds it."""
        return {"format_version": 1, "shared_sha256": self.shared_sha256, **msgspec.to_builtins(self)}


def prove(grid: Grid, built: Mapping[str, BuiltRow]) -> Proof:
    """Compare every row with the baseline.

    Args:
        grid: the benchmark.
        built: all its rows, by name.

    Raises:
        UserError: a row differs outside its axes, each key named with both values; an axis that does not exist, or in
            which the row does not differ; two rows that are the same.
    """
    baseline = built[grid.baseline]
    _check_axes(baseline.row, baseline, baseline)
    found = []
    for row in grid.rows_by_name.values():
        if row.name != grid.baseline:
            _check_axes(row, built[row.name], baseline)
        sneaked = undeclared(baseline.graph, built[row.name].graph, row.axes)
        if sneaked:
            axes = ", ".join(row.axes) or "none"
            lines = "".join(f"\n    {difference}" for difference in sneaked)
            found.append(f"\n  {row.name} (axes: {axes}):{lines}")
    if found:
        raise UserError(
            f"rows differ from the baseline '{grid.baseline}' outside their axes; make them equal, or declare the axis "
            f"in ROW/row.axes:{''.join(found)}",
            where=shown(grid.path),
        )
    _refuse_equal_rows(grid, built)
    all_axes = {axis for row in grid.rows_by_name.values() for axis in row.axes}
    files = [b.training_files for b in built.values()]
    return Proof(
        grid=grid.name,
        baseline=grid.baseline,
        rows={
            row.name: ProvenRow(
                axes=row.axes,
                differences=tuple(differences(baseline.graph, built[row.name].graph)),
                label=row.label,
                reported=row.reported,
            )
            for row in grid.rows_by_name.values()
        },
        shared=baseline.graph.shared(all_axes),
        training_files={name: sha for name, sha in files[0].items() if all(name in other for other in files)},
        title=grid.title,
        order=grid.rows,
        seeds=grid.seeds,
        columns=grid.columns,
    )


def _check_axes(row: Row, built: BuiltRow, baseline: BuiltRow) -> None:
    """Refuse an axis that is no parameter, or in which the row does not differ."""
    known = {**baseline.graph.values, **built.graph.values}
    for axis in row.axes:
        if axis not in known:
            raise UserError(
                f"the row '{row.name}' has no parameter '{axis}'{nearest(axis, known)}", where=row.where["row.axes"]
            )
        if axis == EXEMPT:
            raise UserError(f"{axis} is no axis: every row runs over grid.seeds", where=row.where["row.axes"])
        if baseline.graph.values.get(axis) == built.graph.values.get(axis):
            whose = "is the baseline" if row.name == baseline.row.name else "does not differ from the baseline in it"
            raise UserError(
                f"the row '{row.name}' declares the axis {axis} and {whose}; remove the axis, or bind it",
                where=row.where["row.axes"],
            )


def _refuse_equal_rows(grid: Grid, built: Mapping[str, BuiltRow]) -> None:
    seen: dict[str, str] = {}
    for row in grid.rows_by_name.values():
        text = built[row.name].operative(0)
        if text in seen:
            raise UserError(
                f"the rows '{seen[text]}' and '{row.name}' are the same configuration", where=shown(grid.path)
            )
        seen[text] = row.name
