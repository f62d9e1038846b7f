"""The auxiliary classifier by hand, and in a GAN of tiny networks."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch, Latents
from ganzoo.conditioning.acgan import LabelPrediction, acgan
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import load
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan, build_objective
from ganzoo.gan.steps import d_step, g_step
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import TaskOutputs, ViewOutput
from ganzoo.randomness import Streams

SPEC = DataSpec((1, 16, 16), 3, {"train": 20})


def task(**weights: float) -> LabelPrediction:
    made = acgan(num_classes=3, **weights).auxiliary_task(feature_dim=3, layers=LayerFactory(spectral_norm=False))
    assert isinstance(made, LabelPrediction)
    # The features are the logits.
    made.head.weight.data, made.head.bias.data = torch.eye(3), torch.zeros(3)
    return made


def seen(features: list[list[float]], labels: list[int]) -> ViewOutput:
    batch = ImageBatch(torch.zeros(len(labels), 1, 2, 2), torch.tensor(labels))
    return ViewOutput(batch, DiscriminatorOutput(torch.zeros(len(labels)), torch.tensor(features)))


# Cross-entropies: of [0, 0, 0] log 3; of [log 2, 0, 0], whose probabilities are 1/2, 1/4, 1/4, log 2 and log 4.
REAL = seen([[0.0, 0.0, 0.0], [math.log(2), 0.0, 0.0]], [2, 0])
FAKE = seen([[math.log(2), 0.0, 0.0], [math.log(2), 0.0, 0.0]], [1, 0])


def test_d_classifies_both_kinds_and_g_its_own_by_hand() -> None:
    made = task(d_real_weight=0.5, d_fake_weight=0.3, g_weight=0.1)
    result = made.d_terms(TaskOutputs(FAKE, REAL, {}), step=0)
    found = {term.name: (term.value.item(), term.weight) for term in result.terms}
    assert found["loss_real"] == (pytest.approx((math.log(3) + math.log(2)) / 2), 0.5)
    assert found["loss_fake"] == (pytest.approx((math.log(4) + math.log(2)) / 2), 0.3)
    assert {name: value.item() for name, value in result.reports.items()} == {
        "accuracy_real": 0.5,
        "accuracy_fake": 0.5,
    }
    (term,) = made.g_terms(TaskOutputs(FAKE, None, {}), step=0).terms
    assert (term.value.item(), term.weight) == (pytest.approx((math.log(4) + math.log(2)) / 2), 0.1)


def test_chance_is_one_class_of_all() -> None:
    assert set(task().chance.values()) == {1 / 3}


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"g_weight": -1.0}, "g_weight must not be negative"),
        ({"d_real_weight": 0.0}, "cannot learn the classes"),
    ],
)
def test_weights_without_meaning_are_refused(weights: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        acgan(num_classes=3, **weights)


@pytest.fixture
def experiment(tiny_recipe: Path) -> Experiment:
    loaded = load(str(tiny_recipe), overrides=["experiment.conditioning = @conditioning.acgan"])
    return replace(loaded.experiment, pretext=())


def labelled(seed: int, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(8, *shape, generator=rng).clamp(-1, 1), torch.randint(3, (8,), generator=rng)


def test_its_terms_enter_both_losses_and_its_head_is_trained_with_d(experiment: Experiment) -> None:
    gan = build_gan(experiment, SPEC)
    objective = build_objective(experiment, gan.discriminator)
    real, latents = ImageBatch(*labelled(0, (1, 16, 16))), Latents(*labelled(1, (8,)))
    d = d_step(gan, objective, real, latents, step=0, rng=Streams(0))
    assert {
        "d/acgan/loss_real",
        "d/acgan/loss_fake",
        "d/acgan/accuracy_real",
        "d/acgan/accuracy_fake",
    } <= d.parts.keys()
    torch.testing.assert_close(
        d.loss.detach(), d.parts["d/adversarial"] + d.parts["d/acgan/loss_real"] + d.parts["d/acgan/loss_fake"]
    )
    d.loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in gan.tasks["acgan"].parameters())
    g = g_step(gan, objective, real, latents, step=0, rng=Streams(0))
    torch.testing.assert_close(g.loss.detach(), g.parts["g/adversarial"] + g.parts["g/acgan/loss_fake"])


def test_d_is_the_unconditional_one_and_g_takes_labels(experiment: Experiment) -> None:
    conditional, unconditional = build_gan(experiment, SPEC), build_gan(replace(experiment, conditioning=None), SPEC)
    ours, theirs = conditional.discriminator.state_dict(), unconditional.discriminator.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert conditional.num_classes == 3
    assert any("scale_and_shift" in name for name in conditional.generator.state_dict())


def test_beside_a_pretext_task_both_are_kept_and_of_one_name_they_are_refused(
    experiment: Experiment, tiny_recipe: Path
) -> None:
    pretext = load(str(tiny_recipe)).experiment.pretext
    assert list(build_gan(replace(experiment, pretext=pretext), SPEC).tasks) == ["rotation", "acgan"]

    class acgan(pretext[0].component):  # type: ignore[name-defined, misc]
        pass

    same_name = (replace(pretext[0], component=acgan),)
    with pytest.raises(UserError, match="brings a task of the name 'acgan'"):
        build_gan(replace(experiment, pretext=same_name), SPEC)


def test_a_generator_normalization_without_labels_is_refused(experiment: Experiment) -> None:
    arguments = {"width": 4, "normalization": registry.part("normalizations.group", num_groups=2)}
    with pytest.raises(UserError, match=r"conditioning\.acgan .* normalizations\.group has no form"):
        build_gan(replace(experiment, generator=replace(experiment.generator, arguments=arguments)), SPEC)
