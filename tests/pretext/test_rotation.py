"""Rotation pinned on an asymmetric image, and both published protocols."""

import pytest
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.errors import UserError
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import StepBatch, TaskOutputs, View, ViewOutput
from ganzoo.pretext.rotation import rotation

# One image, written out by hand at 0, 90, 180 and 270 degrees counter-clockwise.
TURNED = [
    [[1.0, 2.0], [3.0, 4.0]],
    [[2.0, 4.0], [1.0, 3.0]],
    [[4.0, 3.0], [2.0, 1.0]],
    [[3.0, 1.0], [4.0, 2.0]],
]


def task(protocol: str = "all_four", batch_size: int = 8, **options: object) -> rotation:
    return rotation(
        protocol=protocol,  # type: ignore[arg-type]
        feature_dim=4,
        image_shape=(1, 2, 2),
        batch_size=batch_size,
        num_steps=5,
        layers=LayerFactory(spectral_norm=False),
        **options,  # type: ignore[arg-type]
    )


def batch(offset: float = 0.0, labels: Tensor | None = None) -> ImageBatch:
    """Eight images: the asymmetric one plus ten times its row."""
    images = torch.tensor(TURNED[0]) + 10 * torch.arange(8.0)[:, None, None] + offset
    return ImageBatch(images[:, None], labels)


def expected(row: int, quarter_turns: int, offset: float = 0.0) -> list[list[float]]:
    return (torch.tensor(TURNED[quarter_turns]) + 10 * row + offset).tolist()


def seen_by_d(tested: rotation, step_batch: StepBatch) -> View:
    return tested.views(step_batch, role="d", rng=torch.Generator())["transformed"]


def test_all_four_shows_the_last_quarter_of_the_batch_in_the_three_other_turns() -> None:
    view = seen_by_d(task("all_four"), StepBatch(batch(100), batch()))
    assert view.batch.images_NCHW[:, 0].tolist() == [expected(row, turns) for turns in (1, 2, 3) for row in (6, 7)]
    assert view.targets_N is not None
    assert view.targets_N.tolist() == [1, 1, 2, 2, 3, 3]


def test_one_each_shows_every_image_once_a_quarter_of_the_batch_a_turn() -> None:
    view = seen_by_d(task("one_each"), StepBatch(batch(100), batch()))
    assert view.batch.images_NCHW[:, 0].tolist() == [expected(row, row // 2) for row in range(2, 8)]
    assert view.targets_N is not None
    assert view.targets_N.tolist() == [1, 1, 2, 2, 3, 3]


def test_all_images_shows_every_image_in_the_three_other_turns_and_needs_no_even_share() -> None:
    view = seen_by_d(task("all_images", batch_size=6), StepBatch(batch(100), batch()))
    assert view.batch.images_NCHW[:, 0].tolist() == [expected(row, turns) for turns in (1, 2, 3) for row in range(8)]
    assert view.targets_N is not None
    assert view.targets_N.tolist() == [turns for turns in (1, 2, 3) for _ in range(8)]


@pytest.mark.parametrize(("protocol", "rows"), [("all_four", [6, 7]), ("one_each", [0, 1])])
def test_the_upright_images_of_the_loss_are_class_0_from_the_pass_that_saw_them_anyway(
    protocol: str, rows: list[int]
) -> None:
    tested = task(protocol)
    with torch.no_grad():
        tested.head.weight.copy_(torch.eye(4))
    rng = torch.Generator().manual_seed(0)
    upright_NF, turned_NF = torch.randn(8, 4, generator=rng), torch.randn(6, 4, generator=rng)
    real = ViewOutput(batch(), DiscriminatorOutput(torch.zeros(8), upright_NF))
    view = seen_by_d(tested, StepBatch(batch(), batch()))
    views = {"transformed": ViewOutput(view.batch, DiscriminatorOutput(torch.zeros(6), turned_NF), view.targets_N)}
    result = tested.d_terms(TaskOutputs(real, real, views), step=0)

    probabilities = torch.cat([upright_NF[rows], turned_NF]).softmax(1)
    targets = [0, 0, 1, 1, 2, 2, 3, 3]
    torch.testing.assert_close(result.terms[0].value, -probabilities[range(8), targets].log().mean())
    hits = probabilities.argmax(1) == torch.tensor(targets)
    assert float(result.reports["accuracy_real"]) == float(hits.float().mean())


@pytest.mark.parametrize("protocol", ["all_four", "one_each"])
def test_conditional_views_carry_the_labels_of_their_own_images(protocol: str) -> None:
    real = batch(labels=torch.arange(8))
    fake = batch(100, labels=torch.arange(8) + 50)
    rows = [6, 7] * 3 if protocol == "all_four" else list(range(2, 8))
    for role, source, first in (("d", "real", 0), ("g", "fake", 50)):
        view = task(protocol).views(StepBatch(fake, real), role=role, rng=torch.Generator())["transformed"]  # type: ignore[arg-type]
        assert view.source == source
        assert view.batch.labels_N is not None
        assert view.batch.labels_N.tolist() == [first + row for row in rows]
        pixels = view.batch.images_NCHW.amin((1, 2, 3)).tolist()  # tells which image each view was made from
        assert pixels == [1.0 + 10 * row + (100 if role == "g" else 0) for row in rows]


def test_alpha_weighs_the_fakes_and_beta_the_real_images_each_with_its_schedule() -> None:
    tested = task(alpha=0.4, beta=0.8, alpha_schedule="linear", beta_schedule="cosine")
    view = seen_by_d(tested, StepBatch(batch(), batch()))
    whole = ViewOutput(batch(), DiscriminatorOutput(torch.zeros(8), torch.zeros(8, 4)))
    views = {
        "transformed": ViewOutput(view.batch, DiscriminatorOutput(torch.zeros(6), torch.zeros(6, 4)), view.targets_N)
    }
    outputs = TaskOutputs(whole, whole, views)
    assert tested.g_terms(outputs, step=1).terms[0].weight == pytest.approx(0.3)
    assert tested.d_terms(outputs, step=2).terms[0].weight == pytest.approx(0.4)


def test_defaults_are_the_papers() -> None:
    tested = task()
    assert (tested.alpha, tested.beta, tested.protocol, tested.alpha_schedule) == (0.2, 1.0, "all_four", "constant")
    assert tested.chance == {"accuracy_real": 0.25, "accuracy_fake": 0.25}


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size = 6 cannot be shared evenly by 4 transforms"):
        task(batch_size=6)
    with pytest.raises(ValueError, match="must not be negative"):
        task(alpha=-1.0)


@pytest.mark.parametrize("name", ["rotation", "random_labels", "rotation_minimax", "label_augmentation"])
def test_images_that_are_not_square_are_refused_with_their_size(name: str) -> None:
    runtime_args = {"feature_dim": 4, "batch_size": 8, "num_steps": 5, "layers": LayerFactory(spectral_norm=False)}
    part = registry.part(f"pretext.{name}")
    part(**runtime_args, image_shape=(1, 24, 24))
    with pytest.raises(UserError, match="images of 16 x 24 pixels have another size once they are turned"):
        part(**runtime_args, image_shape=(1, 16, 24))
