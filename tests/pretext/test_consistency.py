"""CR, bCR and zCR on hand-made logits and images."""

import pytest
import torch

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch, Latents
from ganzoo.pretext.base import StepBatch, TaskOutputs, ViewOutput
from ganzoo.pretext.consistency import consistency
from ganzoo.testing import check_component
from ganzoo.testing.trial import Trial

CR = {"fake_weight": 0.0, "latent_d_weight": 0.0, "latent_g_weight": 0.0}
BCR = {"latent_d_weight": 0.0, "latent_g_weight": 0.0}


def images(value: float = 0.0, labels: torch.Tensor | None = None) -> ImageBatch:
    return ImageBatch(torch.full((2, 1, 8, 8), value), labels)


def seen(logits: list[float], value: float = 0.0) -> ViewOutput:
    return ViewOutput(images(value), DiscriminatorOutput(torch.tensor(logits), torch.zeros(2, 3)))


def test_d_pays_for_the_mean_squared_change_of_its_logits_group_by_group() -> None:
    views = {"real": seen([1.0, 2.0]), "fake": seen([0.0, -1.0]), "moved": seen([-3.0, 1.0])}
    outputs = TaskOutputs(seen([0.5, -1.0]), seen([2.0, 4.0]), views)
    result = consistency(real_weight=10.0, fake_weight=5.0, latent_d_weight=2.0).d_terms(outputs, step=0)
    # Changes: 1 and 2; 0.5 and 0; 3.5 and 2.
    expected = {"real": (2.5, 10.0), "fake": (0.125, 5.0), "moved": (8.125, 2.0)}
    assert {term.name: (float(term.value), term.weight) for term in result.terms} == expected


def test_g_is_rewarded_for_the_mean_squared_distance_of_its_images() -> None:
    outputs = TaskOutputs(seen([0.0, 0.0], value=0.25), None, {}, {"moved": images(-0.25)})
    (term,) = consistency(latent_g_weight=0.5).g_terms(outputs, step=0).terms
    assert float(term.value) == pytest.approx(0.25)
    assert term.weight == -0.5


def test_latents_are_moved_by_the_given_deviation_and_keep_their_labels() -> None:
    fake = Latents(torch.zeros(200, 20), torch.arange(200))
    moved = consistency(latent_noise=0.05).extra_latents(fake, role="d", rng=torch.Generator().manual_seed(0))["moved"]
    # 4,000 draws: standard error 0.05 / sqrt(8000).
    assert float(moved.latents_NL.std()) == pytest.approx(0.05, abs=4 * 0.05 / 8000**0.5)
    assert moved.labels_N is fake.labels_N


def test_changed_images_keep_source_and_labels_and_stay_out_of_the_adversarial_term() -> None:
    real, fake, moved = images(0.1, torch.tensor([0, 1])), images(0.2, torch.tensor([2, 3])), images(0.3)
    views = consistency().views(StepBatch(fake, real, {"moved": moved}), role="d", rng=torch.Generator())
    assert {name: view.source for name, view in views.items()} == {"real": "real", "fake": "fake", "moved": "fake"}
    assert views["real"].batch.labels_N is real.labels_N
    assert views["fake"].batch.labels_N is fake.labels_N
    assert not any(view.adversarial for view in views.values())


@pytest.mark.parametrize(("options", "num_d", "num_g"), [(CR, 3, 1), (BCR, 4, 1), ({}, 5, 1)])
def test_a_weight_of_0_costs_no_image_and_g_shows_d_none(options: dict[str, float], num_d: int, num_g: int) -> None:
    trial = Trial(registry.part("pretext.consistency", **options), batch_size=8)  # type: ignore[arg-type]
    output = trial.d_step(0)
    assert output.num_d_images == num_d * 8
    assert trial.g_step(0).num_d_images == num_g * 8
    weights = {"real": 10.0, "fake": 10.0, "moved": 20.0}
    names = [name for name in weights if f"d/task/{name}" in output.parts]
    expected = output.parts["d/adversarial"] + sum(weights[name] * output.parts[f"d/task/{name}"] for name in names)
    assert len(names) == num_d - 2
    torch.testing.assert_close(output.loss.detach(), expected)


def test_the_generators_step_rewards_the_distance() -> None:
    trial = Trial(registry.part("pretext.consistency", latent_noise=1.0), batch_size=8)  # type: ignore[arg-type]
    output = trial.g_step(0)
    assert float(output.parts["g/task/moved"]) > 0
    expected = output.parts["g/adversarial"] - 0.5 * output.parts["g/task/moved"]
    torch.testing.assert_close(output.loss.detach(), expected)


@pytest.mark.parametrize("options", [CR, BCR])
def test_a_part_of_it_keeps_the_contract(options: dict[str, float]) -> None:
    check_component("pretext.consistency", **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"real_weight": -1.0}, "real_weight must not be negative"),
        ({"real_weight": 0.0, **CR}, "leave the task out"),
        ({"latent_noise": 0.0}, "latent_noise"),
        ({"max_shift": 0.5}, "max_shift"),
    ],
)
def test_settings_without_meaning_are_refused(options: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        consistency(**options)
