"""Means between rows, by hand and across a restart; and what is not finite."""

from pathlib import Path

import pytest
import torch

from ganzoo.config.load import load
from ganzoo.training.train_state import RunningMeans, TrainState


def values(**named: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in named.items()}


def test_means_count_each_name_by_itself() -> None:
    means = RunningMeans()
    means.add(values(a=1.0, b=4.0))
    means.add(values(a=2.0))
    assert means.take() == {"a": 1.5, "b": 4.0}
    assert means.take() == {}


def test_means_go_on_after_a_restart() -> None:
    means = RunningMeans()
    means.add(values(a=1.0))
    restored = RunningMeans()
    restored.load_state_dict(means.state_dict(), device=torch.device("cpu"))
    restored.add(values(a=4.0))
    assert restored.take() == {"a": 2.5}


def test_means_go_on_on_the_device_of_the_restarted_run() -> None:
    means = RunningMeans()
    means.add(values(a=1.0))
    restored = RunningMeans()
    restored.load_state_dict(means.state_dict(), device=torch.device("meta"))
    assert restored.state_dict()["a"][0].device.type == "meta"


def test_a_nan_at_any_step_shows() -> None:
    means = RunningMeans()
    means.add(values(a=1.0))
    assert means.is_finite()
    means.add(values(a=float("nan")))
    means.add(values(a=1.0))
    assert not means.is_finite()


@pytest.mark.parametrize("kind", ["parameters", "buffers"])
def test_a_nan_in_a_weight_or_a_buffer_shows(tiny_recipe: Path, kind: str) -> None:
    configuration = load(str(tiny_recipe))
    state = TrainState.create(
        configuration.experiment, configuration.experiment.dataset().spec(), num_images=64, device=torch.device("cpu")
    )
    assert state.is_finite()
    floats = [t for t in getattr(state.gan.generator, kind)() if t.is_floating_point()]
    floats[-1].data.view(-1)[0] = float("nan")
    assert not state.is_finite()
