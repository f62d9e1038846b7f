"""SSGAN-LA, written as a plugin file, on hand-made scores; it replaces the adversarial term."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganzoo import config, registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.experiment import build_gan
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import Observed, PretextTask, Seen
from ganzoo.registry import Part
from ganzoo.testing import check_component, temporary_plugins
from ganzoo.testing.trial import Trial

Task = Part[PretextTask]


@pytest.fixture(scope="module")
def part() -> Iterator[Task]:
    with temporary_plugins():
        registry.load_file(Path(__file__).with_name("label_augmented.py"))
        yield registry.part("pretext.label_augmented")  # type: ignore[misc]


def test_it_keeps_the_contract(part: Task) -> None:
    check_component(part.name)


def observed(scores_real: torch.Tensor, scores_fake: torch.Tensor) -> Observed:
    """One real and one generated image, each upright and in three turns, with scores (4, 8) given."""

    def seen(scores: torch.Tensor, targets: torch.Tensor | None) -> Seen:
        images = ImageBatch(torch.zeros(len(scores), 3, 16, 16))
        return Seen(images, DiscriminatorOutput(torch.zeros(len(scores)), scores), targets)

    turns = torch.arange(1, 4)
    views = {"real": seen(scores_real[1:], turns), "fake": seen(scores_fake[1:], turns)}
    return Observed(seen(scores_fake[:1], None), seen(scores_real[:1], None), views)


def test_its_losses_are_those_of_the_paper(part: Task) -> None:
    task = part(feature_dim=8, layers=LayerFactory(spectral_norm=False))
    with torch.no_grad():
        task.head.weight.copy_(torch.eye(8))  # type: ignore[union-attr, operator]
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(4, 8, generator=rng), torch.randn(4, 8, generator=rng)
    d = task.d_terms(observed(real, fake), step=0)
    rows = torch.arange(4)
    torch.testing.assert_close(d.terms[0].value, -real.softmax(1)[rows, rows].log().mean())
    torch.testing.assert_close(d.terms[1].value, -fake.softmax(1)[rows, rows + 4].log().mean())
    # The normalisations cancel in G's difference: what is left is one score minus another.
    g = task.g_terms(observed(real, fake), step=0)
    total = sum(term.weight * term.value for term in g.terms)
    torch.testing.assert_close(total, (fake[rows, rows + 4] - fake[rows, rows]).mean())


@pytest.mark.parametrize("num_classes", [0, 3])
def test_two_steps_train_both_networks_without_an_adversarial_loss(part: Task, num_classes: int) -> None:
    trial = Trial(part, batch_size=8, num_classes=num_classes)
    assert trial.objective.loss is None
    parts = trial.train(range(2))
    assert "0/d/adversarial" not in parts
    assert all(torch.isfinite(value) for value in parts.values())
    assert trial.d_step(2).num_d_images == 2 * 8 * 4
    assert trial.gan.discriminator.linear.bias.grad is None  # type: ignore[union-attr]
    assert trial.gan.discriminator.conv0.bias.grad is not None  # type: ignore[union-attr]
    assert trial.g_step(2).num_d_images == 8 * 4
    assert all(p.grad is not None for p in trial.gan.generator.parameters())


def test_a_loss_beside_it_is_refused(part: Task, tiny_recipe: Path) -> None:
    experiment = replace(config.load(str(tiny_recipe)).experiment, pretext=(part,))
    spec = DataSpec((1, 16, 16), 0, {"train": 20})
    with pytest.raises(UserError, match=r"'label_augmented' replaces the adversarial term; set experiment.loss = None"):
        build_gan(experiment, spec)
    build_gan(replace(experiment, loss=None), spec)
