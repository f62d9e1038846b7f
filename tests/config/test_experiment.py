"""The description of a run: how its parts are called, and values that it refuses."""

from dataclasses import replace
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.config.experiment import Experiment, penalties_of
from ganzoo.config.load import load


@pytest.fixture
def experiment(tiny_recipe: Path) -> Experiment:
    return load(str(tiny_recipe)).experiment


def test_names_of_penalties_are_penalty_alone_and_by_part_in_a_list(experiment: Experiment) -> None:
    r1, scoped = registry.part("penalties.r1"), replace(registry.part("penalties.r1"), scope="strong")
    names = {
        tuple(penalties_of(replace(experiment, penalty=bound)))  # type: ignore[arg-type]
        for bound in (None, (), r1, (r1,), (r1, scoped))
    }
    assert names == {(), ("penalty",), ("penalty/r1",), ("penalty/r1", "penalty/strong_r1")}


@pytest.mark.parametrize(
    ("name", "value"), [("num_steps", 0), ("batch_size", -1), ("ema_decay", 1.0), ("seed", -1), ("ema_start", -1)]
)
def test_values_out_of_range_name_the_field(experiment: Experiment, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        replace(experiment, **{name: value})  # type: ignore[arg-type]


def test_the_start_of_an_average_that_is_not_kept_is_refused(experiment: Experiment) -> None:
    assert replace(experiment, ema_start=5).ema_start == 5
    with pytest.raises(ValueError, match=r"ema_start = 5 .* ema_decay = None keeps none; set ema_start = 0"):
        replace(experiment, ema_start=5, ema_decay=None)
