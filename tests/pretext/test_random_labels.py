"""The control shows what rotation shows and rewards nothing."""

import math

import pytest
import torch

from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import Role, StepBatch, TaskOutputs, ViewOutput
from ganzoo.pretext.random_labels import random_labels
from ganzoo.pretext.rotation import rotation

BATCH = 400


def make(task: type[rotation], protocol: str = "all_four") -> rotation:
    torch.manual_seed(0)
    return task(
        protocol=protocol,  # type: ignore[arg-type]
        feature_dim=4,
        image_shape=(1, 4, 4),
        batch_size=BATCH,
        num_steps=1,
        layers=LayerFactory(spectral_norm=False),
    )


def images(seed: int) -> ImageBatch:
    return ImageBatch(torch.rand(BATCH, 1, 4, 4, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("protocol", ["all_four", "one_each"])
@pytest.mark.parametrize("role", ["d", "g"])
def test_its_views_and_its_head_are_those_of_rotation(protocol: str, role: Role) -> None:
    control, original = make(random_labels, protocol), make(rotation, protocol)
    batch = StepBatch(images(0), images(1))
    ours, theirs = (t.views(batch, role=role, rng=torch.Generator())["transformed"] for t in (control, original))
    assert torch.equal(ours.batch.images_NCHW, theirs.batch.images_NCHW)
    assert ours.source == theirs.source
    assert torch.equal(control.head.weight, original.head.weight)


def test_the_four_versions_of_an_image_bear_the_four_labels_in_every_order_equally_often() -> None:
    control = make(random_labels)
    rng = torch.Generator().manual_seed(0)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(24):
        targets_N = control.draw_targets(100, rng=rng)
        for order in torch.cat([control.upright_targets(targets_N), targets_N]).view(4, 100).T.tolist():
            counts[tuple(order)] = counts.get(tuple(order), 0) + 1
    assert all(sorted(order) == [0, 1, 2, 3] for order in counts)
    assert len(counts) == 24
    # 2,400 draws of 24 orders: each count is binomial, mean 100 and standard deviation 9.8.
    assert min(counts.values()) > 100 - 4.5 * 9.8
    assert max(counts.values()) < 100 + 4.5 * 9.8


def test_a_head_that_knows_the_turn_is_right_in_a_quarter_of_the_cases_and_one_that_says_nothing_pays_log_4() -> None:
    control = make(random_labels)
    with torch.no_grad():
        control.head.weight.copy_(torch.eye(4))
        control.head.bias.zero_()
    view = control.views(StepBatch(images(0), images(1)), role="d", rng=torch.Generator().manual_seed(3))["transformed"]

    def d_terms(sharpness: float) -> tuple[float, float]:
        """Score features that name the true turn."""
        turns_NF = torch.eye(4).repeat_interleave(BATCH // 4, dim=0) * sharpness
        upright_NF = torch.cat([torch.zeros(BATCH - BATCH // 4, 4), turns_NF[: BATCH // 4]])
        real = ViewOutput(images(1), DiscriminatorOutput(torch.zeros(BATCH), upright_NF))
        turned = DiscriminatorOutput(torch.zeros(len(view.batch)), turns_NF[BATCH // 4 :])
        result = control.d_terms(
            TaskOutputs(real, real, {"transformed": ViewOutput(view.batch, turned, view.targets_N)}), step=0
        )
        return result.terms[0].value.item(), float(result.reports["accuracy_real"])

    _, accuracy = d_terms(sharpness=10.0)
    # 400 guesses at 1/4: standard deviation .022.
    assert accuracy == pytest.approx(0.25, abs=4 * 0.022)
    assert d_terms(sharpness=0.0)[0] == pytest.approx(math.log(4))
