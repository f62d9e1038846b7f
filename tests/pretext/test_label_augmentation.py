"""SSGAN-LA on hand-made scores, in the place of the adversarial term and beside it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.component import Part
from ganzoo.config.load import load
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import PretextTask, TaskOutputs, ViewOutput
from ganzoo.pretext.label_augmentation import label_augmentation, mean_gap, multi_class_hinge
from ganzoo.testing import check_component
from ganzoo.testing.trial import Trial


def part(**options: object) -> Part[PretextTask]:
    return registry.part("pretext.label_augmentation", **options)  # type: ignore[return-value]


def make(**options: object) -> label_augmentation:
    runtime_args = {"feature_dim": 8, "image_shape": (3, 16, 16), "batch_size": 1, "num_steps": 5}
    task = label_augmentation(layers=LayerFactory(spectral_norm=False), **runtime_args, **options)  # type: ignore[arg-type]
    with torch.no_grad():
        task.head.weight.copy_(torch.eye(8))
    return task


def outputs(scores_real: torch.Tensor, scores_fake: torch.Tensor) -> TaskOutputs:
    """One real and one generated image, each upright and in three turns, with scores (4, 8) given."""

    def seen(scores: torch.Tensor, targets: torch.Tensor | None) -> ViewOutput:
        images = ImageBatch(torch.zeros(len(scores), 3, 16, 16))
        return ViewOutput(images, DiscriminatorOutput(torch.zeros(len(scores)), scores), targets)

    turns = torch.arange(1, 4)
    views = {"real": seen(scores_real[1:], turns), "fake": seen(scores_fake[1:], turns)}
    return TaskOutputs(seen(scores_fake[:1], None), seen(scores_real[:1], None), views)


def scores() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(4, 8, generator=rng), torch.randn(4, 8, generator=rng)


ROWS = torch.arange(4)


def test_the_cross_entropies_are_those_of_turn_and_authenticity() -> None:
    real, fake = scores()
    task = make(alpha=0.5, beta=2.0)
    d = task.d_terms(outputs(real, fake), step=0)
    assert [term.name for term in d.terms] == ["real", "fake"]
    torch.testing.assert_close(d.terms[0].value, -real.softmax(1)[ROWS, ROWS].log().mean())
    torch.testing.assert_close(d.terms[1].value, -fake.softmax(1)[ROWS, ROWS + 4].log().mean())
    assert [term.weight for term in d.terms] == [2.0, 2.0]
    assert float(d.reports["accuracy_fake"]) == float((fake.argmax(1) == ROWS + 4).float().mean())
    # The normalisations cancel in G's difference: what is left is one score minus another.
    g = task.g_terms(outputs(real, fake), step=0)
    total = sum(term.weight * term.value for term in g.terms)
    torch.testing.assert_close(total, 0.5 * (fake[ROWS, ROWS + 4] - fake[ROWS, ROWS]).mean())


def test_the_hinge_losses_are_those_by_hand() -> None:
    logits = torch.tensor([[2.0, 0.5, 3.0], [0.0, 0.0, -4.0]])
    targets = torch.tensor([0, 1])
    # Image 0: max(0, 1 - 1.5) = 0 and max(0, 1 + 1) = 2; image 1: max(0, 1 + 0) = 1 and max(0, 1 - 4) = 0.
    torch.testing.assert_close(multi_class_hinge(logits, targets), torch.tensor((0 + 2 + 1 + 0) / 4))
    torch.testing.assert_close(mean_gap(logits, targets), torch.tensor((-1.5 + 1 + 0 - 4) / 4))


def test_the_hinge_objective_uses_them_for_both_players() -> None:
    real, fake = scores()
    task = make(loss="hinge")
    d = task.d_terms(outputs(real, fake), step=0)
    torch.testing.assert_close(d.terms[0].value, multi_class_hinge(real, ROWS))
    torch.testing.assert_close(d.terms[1].value, multi_class_hinge(fake, ROWS + 4))
    g = task.g_terms(outputs(real, fake), step=0)
    # Both means run over 7 classes: of each image, all scores less 8 times the right one's.
    total = sum(term.weight * term.value for term in g.terms)
    torch.testing.assert_close(total, 8 / 7 * (fake[ROWS, ROWS + 4] - fake[ROWS, ROWS]).mean())


@pytest.mark.parametrize("num_classes", [0, 3])
def test_replacing_two_steps_train_both_networks_without_an_adversarial_loss(num_classes: int) -> None:
    trial = Trial(part(), batch_size=8, num_classes=num_classes)
    assert trial.objective.loss is None
    parts = trial.train(range(2))
    assert "0/d/adversarial" not in parts
    assert all(torch.isfinite(value) for value in parts.values())
    assert trial.d_step(2).num_d_images == 2 * 8 * 4
    assert trial.gan.discriminator.linear.bias.grad is None  # type: ignore[union-attr]
    assert trial.gan.discriminator.conv0.bias.grad is not None  # type: ignore[union-attr]
    assert trial.g_step(2).num_d_images == 8 * 4
    assert all(p.grad is not None for p in trial.gan.generator.parameters())


def test_added_it_leaves_the_adversarial_term_in_place_and_keeps_the_contract() -> None:
    trial, bare = Trial(part(adversarial="add"), batch_size=8), Trial(None, batch_size=8)
    with_task, without = trial.d_step(0), bare.d_step(0)
    torch.testing.assert_close(with_task.parts["d/adversarial"], without.parts["d/adversarial"])
    expected = sum(with_task.parts[f"d/{name}"] for name in ("adversarial", "task/real", "task/fake"))
    torch.testing.assert_close(with_task.loss.detach(), expected)
    check_component("pretext.label_augmentation", adversarial="add", loss="hinge", protocol="one_each")


def test_one_turn_for_each_image_needs_a_batch_that_four_divides_and_all_turns_do_not() -> None:
    Trial(part(), batch_size=6)
    with pytest.raises(UserError, match="batch_size = 6 cannot be shared evenly by 4 transforms"):
        Trial(part(protocol="one_each"), batch_size=6)
    assert Trial(part(protocol="one_each"), batch_size=8).d_step(0).num_d_images == 2 * (8 + 6)


def test_a_loss_beside_it_is_refused_unless_it_is_added(tiny_recipe: Path) -> None:
    experiment = load(str(tiny_recipe)).experiment
    spec = DataSpec((1, 16, 16), 0, {"train": 20})
    with pytest.raises(
        UserError, match=r"label_augmentation'? replaces the adversarial term.*; set experiment\.loss = None"
    ):
        build_gan(replace(experiment, pretext=(part(),)), spec)
    build_gan(replace(experiment, pretext=(part(),), loss=None), spec)
    build_gan(replace(experiment, pretext=(part(adversarial="add"),)), spec)


def test_added_to_a_loss_it_is_refused_without_one(tiny_recipe: Path) -> None:
    experiment = load(str(tiny_recipe)).experiment
    with pytest.raises(UserError, match=r"label_augmentation'? means nothing without an adversarial loss"):
        build_gan(
            replace(experiment, pretext=(part(adversarial="add"),), loss=None), DataSpec((1, 16, 16), 0, {"train": 20})
        )
