"""The parameters that belong to an axis: its own, and all that are reachable only through it.

A configuration is a graph: the experiment's parameters refer to parts, whose parameters refer to parts. An axis is
one parameter (`experiment.pretext`). Take its edges away: parameters that can still be reached from the experiment are
shared with the baseline, and the others belong to the axis. So swapping a part swaps its parameters too.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

from ganzoo.component import Component, Part, complete_arguments
from ganzoo.config.experiment import Experiment
from ganzoo.config.operative import parts_of, values_of
from ganzoo.config.value_types import render

EXEMPT = "experiment.seed"


@dataclass(frozen=True)
class Graph:
    """A configuration as the proof sees it.

    Args:
        values: every parameter in use as gin text, by `scope/kind.name.parameter`.
        edges: the sections (`scope/kind.name`) that a parameter's value refers to, by the parameter.
    """

    values: Mapping[str, str]
    edges: Mapping[str, tuple[str, ...]]

    def shared(self, axes: Collection[str]) -> dict[str, str]:
        """Return the parameters that are reachable without passing through an axis; the axes themselves are not."""
        reached, new = set[str](), {"experiment"}
        while new:
            reached |= new
            keys = [key for key in self.edges if section_of(key) in new and key not in axes]
            new = {section for key in keys for section in self.edges[key]} - reached
        exempt = {*axes, EXEMPT}
        return {key: text for key, text in self.values.items() if section_of(key) in reached and key not in exempt}


@dataclass(frozen=True)
class Difference:
    """A parameter in which two configurations differ: gin text of the baseline and of the row, None where absent."""

    key: str
    baseline: str | None
    row: str | None

    def __str__(self) -> str:
        return f"{self.key}: {self.baseline or '(absent)'} -> {self.row or '(absent)'}"


def section_of(key: str) -> str:
    """Return the part that a parameter belongs to: `scope/kind.name` of `scope/kind.name.parameter`."""
    return key.rpartition(".")[0]


def graph(experiment: Experiment) -> Graph:
    """Return the graph of an experiment."""
    bound: dict[str, object] = {field.name: getattr(experiment, field.name) for field in fields(experiment)}
    edges = _edges("experiment", bound)
    for part in parts_of(bound):
        edges |= _edges(_section(part), complete_arguments(part))
    return Graph(values_of(experiment), edges)


def _section(part: Part[Component]) -> str:
    return render(part)[1:]


def _edges(section: str, values: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Return the parts that each parameter's value names itself, not those further down."""
    return {f"{section}.{name}": tuple(_named(value)) for name, value in values.items()}


def _named(value: object) -> list[str]:
    if isinstance(value, Part):
        return [_section(value)]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [name for item in items for name in _named(item)]


def differences(baseline: Graph, row: Graph) -> list[Difference]:
    """Return every parameter in which two configurations differ, but for the seed."""
    keys = {**baseline.values, **row.values}
    found = [Difference(key, baseline.values.get(key), row.values.get(key)) for key in keys if key != EXEMPT]
    return [difference for difference in found if difference.baseline != difference.row]


def undeclared(baseline: Graph, row: Graph, axes: Collection[str]) -> list[Difference]:
    """Return the differences that no axis owns: they are in parameters that one of the two has without its axes.

    Args:
        baseline: of the baseline row.
        row: of another.
        axes: its declared axes.
    """
    shared = baseline.shared(axes).keys() | row.shared(axes).keys()
    return [difference for difference in differences(baseline, row) if difference.key in shared]
