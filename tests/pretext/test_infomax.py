"""InfoMax-GAN, written as a plugin file, on hand-made features; it reads D's taps and adds no view."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.pretext.base import PretextTask
from ganzoo.registry import Part
from ganzoo.testing import check_component, temporary_plugins
from ganzoo.testing.trial import Trial

Task = Part[PretextTask]


@pytest.fixture(scope="module")
def part() -> Iterator[Task]:
    with temporary_plugins():
        registry.load_file(Path(__file__).with_name("infomax.py"))
        yield registry.part("pretext.infomax")  # type: ignore[misc]


def test_it_keeps_the_contract(part: Task) -> None:
    check_component(part.name)


def test_the_loss_is_the_mean_over_images_and_positions_of_a_softmax_over_one_own_and_all_other_places(
    part: Task,
) -> None:
    rng = torch.Generator().manual_seed(0)
    local_NRP, global_NR = torch.randn(3, 2, 4, generator=rng), torch.randn(3, 2, generator=rng)
    total = 0.0
    for i in range(3):
        for p in range(4):

            def score(j: int, q: int, i: int = i) -> float:
                return math.exp(sum(float(global_NR[i, r] * local_NRP[j, r, q]) for r in range(2)))

            others = sum(score(j, q) for j in range(3) if j != i for q in range(4))
            total -= math.log(score(i, p) / (score(i, p) + others))
    info_nce = sys.modules[part.component.__module__].info_nce
    assert float(info_nce(local_NRP, global_NR)) == pytest.approx(total / 12, rel=1e-5)


def test_two_steps_train_it_and_show_d_no_image_more(part: Task) -> None:
    trial = Trial(part, batch_size=8)
    before = trial.task.state_dict()["global_head.0.parametrizations.weight.original"].clone()
    parts = trial.train(range(2))
    assert all(torch.isfinite(value) for value in parts.values())
    assert not torch.equal(before, trial.task.state_dict()["global_head.0.parametrizations.weight.original"])
    output = trial.d_step(2)
    assert output.num_d_images == 16
    assert torch.allclose(
        output.loss.detach(), output.parts["d/adversarial"] + 0.2 * output.parts["d/task/loss"], atol=1e-6
    )
