"""Every two parts that are not refused train together: finite, gradients where they belong, resumed to the bit.

The combinations are a covering array. It stands in docs/compatibility.json, with the pairs that are left out and why,
and that file is held to what really builds.
"""

import copy
import inspect
import json
import runpy
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.component import options_of
from ganzoo.config.experiment import Experiment
from ganzoo.testing import combinations
from ganzoo.testing.combinations import AXES, SMALL, Choice, Combination
from ganzoo.training.dry_run import noise_images
from ganzoo.training.train_state import TrainState

ROOT = Path(__file__).parents[2]
FACTS = json.loads((ROOT / "docs/compatibility.json").read_text())
ROWS = [tuple(row) for row in FACTS["rows"]]
REFUSED = {(Choice(a, a_name), Choice(b, b_name)) for a, a_name, b, b_name, _ in FACTS["refused"]}


def choices(row: Sequence[str | None]) -> list[Choice]:
    return [Choice(axis, name) for axis, name in zip(AXES, row, strict=True)]


def pairs_of(row: Sequence[str | None]) -> set[tuple[Choice, Choice]]:
    chosen = choices(row)
    return {(first, second) for i, first in enumerate(chosen) for second in chosen[i + 1 :]}


def name_of(row: Sequence[str | None]) -> str:
    return "-".join(name or "0" for name in row)


def test_the_rows_cover_every_pair_that_is_not_refused() -> None:
    everything = set(combinations.pairs())
    covered = set().union(*map(pairs_of, ROWS))
    assert everything - covered == REFUSED
    assert not covered & REFUSED


@pytest.mark.parametrize("row", FACTS["refused"], ids=lambda row: "-".join(str(cell) for cell in row[:4]))
def test_a_refusal_names_both_parts_in_one_sentence(row: list[str | None]) -> None:
    axis, name, other_axis, other, sentence = row
    assert axis
    assert other_axis
    assert sentence
    assert Choice(axis, name).is_named_in(sentence)
    assert Choice(other_axis, other).is_named_in(sentence)
    assert " / " not in sentence


@pytest.fixture
def _builds_are_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """No refusal depends on the value of a weight, so none is iterated, and what was built is not built again."""
    known: dict[object, str | None] = {}
    refusal = combinations.refusal

    def remembered(combination: Combination, *, size: int | None = None) -> str | None:
        key = (*(combination[axis] for axis in AXES), size)
        if key not in known:
            known[key] = refusal(combination, size=size)
        return known[key]

    monkeypatch.setattr(combinations, "refusal", remembered)
    monkeypatch.setattr("ganzoo.layers.spectral_norm.NUM_INITIAL_ITERATIONS", 0)
    monkeypatch.setattr(inspect, "signature", cache(inspect.signature))


@pytest.mark.slow
@pytest.mark.usefixtures("_builds_are_cheap")
def test_the_table_of_the_docs_is_what_really_builds() -> None:
    make = runpy.run_path(str(ROOT / "docs/make_compatibility.py"))
    runtime_args = make["find_out"]()
    again = "; make it again: python docs/make_compatibility.py"
    assert make["as_json"](runtime_args) == (ROOT / "docs/compatibility.json").read_text(), (
        f"the facts have changed{again}"
    )
    assert make["as_page"](runtime_args) == (ROOT / "docs/compatibility.md").read_text(), f"the page has changed{again}"


def create(experiment: Experiment) -> TrainState:
    spec = experiment.dataset().spec()
    return TrainState.create(experiment, spec, num_images=experiment.batch_size, device=torch.device("cpu"))


def take_step(experiment: Experiment, state: TrainState) -> dict[str, Tensor]:
    """Update D and G once, holding on the way that neither's loss reaches the other."""
    gan, spec = state.gan, experiment.dataset().spec()
    gan.zero_grad(set_to_none=True)
    real = noise_images(experiment, spec, state)
    d_output = state.update_d(real, state.next_latents(experiment.batch_size))
    assert all(p.grad is None for p in gan.generator.parameters())
    assert any(p.grad is not None and bool(p.grad.any()) for p in gan.discriminator.parameters())

    gan.zero_grad(set_to_none=True)
    g_output = state.update_g(real, state.next_latents(experiment.batch_size))
    assert all(p.grad is None for p in gan.d_parameters())
    if experiment.loss is not None:
        assert all(p.grad is not None for p in gan.generator.parameters())
    return {**d_output.parts, **g_output.parts}


@pytest.mark.parametrize("row", ROWS, ids=map(name_of, ROWS))
def test_a_combination_trains_and_resumes(row: tuple[str | None, ...]) -> None:
    combination: Combination = dict(zip(AXES, row, strict=True))
    experiment = combinations.experiment(combination)
    state = create(experiment)
    take_step(experiment, state)
    saved = copy.deepcopy((state.gan.state_dict(), state.state_dict()))
    expected = take_step(experiment, state)
    assert state.is_finite()
    assert all(bool(torch.isfinite(value).all()) for value in expected.values())

    resumed = create(experiment)
    take_step(experiment, resumed)
    take_step(experiment, resumed)
    resumed.gan.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    again = take_step(experiment, resumed)
    assert again.keys() == expected.keys()
    differing = [name for name, value in expected.items() if not torch.equal(value, again[name])]
    assert not differing
    pairs = zip(state.gan.state_dict().items(), resumed.gan.state_dict().values(), strict=True)
    assert [name for (name, a), b in pairs if not torch.equal(a, b)] == []


def test_every_argument_that_keeps_networks_small_is_one_of_a_component() -> None:
    known = {option for name in registry.index() for option in options_of(registry.get(name))}
    assert set(SMALL) <= known
