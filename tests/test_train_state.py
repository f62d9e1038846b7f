"""Means between rows, by hand and across a restart."""

import torch

from ganzoo.train_state import RunningMeans


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
