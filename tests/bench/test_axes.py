"""What an axis owns, on hand-made graphs: letters are parts, `x.y` the parameter y of the part x."""

from ganzoo.bench.axes import Difference, Graph, undeclared

# The experiment has a pretext task p with a helper h, and a generator g whose normalization is n; h also serves g's q.
EDGES = {
    "experiment.pretext": ("p",),
    "experiment.generator": ("g",),
    "experiment.batch": (),
    "p.alpha": (),
    "p.helper": ("h",),
    "p.own": ("o",),
    "h.size": (),
    "o.size": (),
    "g.norm": ("n",),
    "g.helper": ("h",),
    "n.eps": (),
}


def made(edges: dict[str, tuple[str, ...]] = EDGES, **changed: str) -> Graph:
    values = {key: " ".join(parts) or "1" for key, parts in edges.items()}
    return Graph(values | {key.replace("__", "."): text for key, text in changed.items()}, edges)


def without(edges: dict[str, tuple[str, ...]], *sections: str) -> dict[str, tuple[str, ...]]:
    return {key: parts for key, parts in edges.items() if key.rpartition(".")[0] not in sections}


def keys(found: list[Difference]) -> list[str]:
    return [difference.key for difference in found]


def test_a_declared_axis_owns_what_is_reachable_only_through_it() -> None:
    plain = without({**EDGES, "experiment.pretext": ()}, "p", "o")
    assert undeclared(made(plain), made(), ["experiment.pretext"]) == []
    assert undeclared(made(), made(plain), ["experiment.pretext"]) == []


def test_without_the_axis_the_binding_and_all_it_brings_are_differences() -> None:
    plain = without({**EDGES, "experiment.pretext": ()}, "p", "o")
    expected = {"experiment.pretext", "p.alpha", "p.helper", "p.own", "o.size"}
    assert set(keys(undeclared(made(plain), made(), []))) == expected


def test_parameters_of_the_axis_may_differ_at_any_depth() -> None:
    assert undeclared(made(), made(p__alpha="2", o__size="2"), ["experiment.pretext"]) == []


def test_what_another_part_reaches_too_is_shared_and_may_not_differ() -> None:
    assert undeclared(made(), made(h__size="2"), ["experiment.pretext"]) == [Difference("h.size", "1", "2")]


def test_an_axis_deep_in_a_part_owns_nothing_beside_it() -> None:
    other = {**without(EDGES, "n"), "g.norm": ("m",), "m.eps": ()}
    assert undeclared(made(), made(other), ["g.norm"]) == []
    assert keys(undeclared(made(), made(other, experiment__batch="2"), ["g.norm"])) == ["experiment.batch"]


def test_a_part_that_the_axis_replaces_stays_shared_where_a_second_edge_leads_to_it() -> None:
    twice = {**EDGES, "experiment.second": ("n",)}
    other = {**twice, "g.norm": ()}
    assert undeclared(made(twice), made(other), ["g.norm"]) == []
    assert keys(undeclared(made(twice), made(other, n__eps="2"), ["g.norm"])) == ["n.eps"]


def test_a_parameter_that_one_side_lacks_is_a_difference() -> None:
    assert undeclared(made(), made(experiment__new="1"), []) == [Difference("experiment.new", None, "1")]


def test_the_seed_is_exempt_and_the_threads_are_not() -> None:
    a = made(experiment__seed="0", experiment__num_threads="1")
    b = made(experiment__seed="1", experiment__num_threads="2")
    assert keys(undeclared(a, b, [])) == ["experiment.num_threads"]
