"""LT-GAN: which pairs share a step, and the loss on hand-made features."""

import math

import pytest
import torch
from torch import nn

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch, Latents
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import StepBatch, TaskOutputs, ViewOutput
from ganzoo.pretext.latent_transformation import latent_transformation
from ganzoo.testing.trial import Trial


def make(batch_size: int = 8, **options: object) -> latent_transformation:
    runtime_args = {"feature_dim": 1, "batch_size": batch_size, "num_steps": 5}
    return latent_transformation(layers=LayerFactory(spectral_norm=False), **runtime_args, **options)  # type: ignore[arg-type]


def images(num: int) -> ImageBatch:
    return ImageBatch(torch.zeros(num, 1, 4, 4))


def test_half_of_the_comparisons_are_of_two_equal_steps_as_the_targets_say() -> None:
    task, rng = make(), torch.Generator().manual_seed(0)
    fake = Latents(torch.randn(8, 3, generator=rng), torch.arange(8))
    moved = task.extra_latents(fake, role="d", rng=rng)["moved"]
    steps = moved.latents_NL - fake.latents_NL
    is_shared = [torch.allclose(steps[i], steps[4 + i], atol=1e-6) for i in range(4)]
    assert is_shared == [True, True, False, False]
    assert moved.labels_N is fake.labels_N
    view = task.views(StepBatch(images(8), None, {"moved": images(8)}), role="g", rng=rng)["moved"]
    assert view.targets_N is not None
    assert view.targets_N.tolist() == [*is_shared, *is_shared]
    assert view.source == "fake"
    assert not view.adversarial


def test_steps_have_the_given_deviation() -> None:
    task = make(400, latent_noise=0.3)
    fake = Latents(torch.zeros(400, 10))
    steps = task.extra_latents(fake, role="g", rng=torch.Generator().manual_seed(0))["moved"].latents_NL[:200]
    # 2,000 draws: the standard error of a deviation is sigma / sqrt(2 n).
    assert float(steps.std()) == pytest.approx(0.3, abs=4 * 0.3 / math.sqrt(4000))


def test_the_loss_is_the_cross_entropy_of_what_the_head_says_of_two_differences_of_features() -> None:
    task = make(4, alpha=0.6, beta=0.5, alpha_schedule="linear")
    head = nn.Linear(2, 1)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0, -2.0]]))
        head.bias.fill_(0.5)
    task.head = nn.Sequential(head)

    def seen(values: list[float], targets: torch.Tensor | None = None) -> ViewOutput:
        return ViewOutput(images(4), DiscriminatorOutput(torch.zeros(4), torch.tensor(values)[:, None]), targets)

    # Differences 1, 2 and 3, 0: comparison 0 is of 1 and 3, comparison 1 of 2 and 0.
    views = {"moved": seen([1.0, 3.0, 5.0, 4.0], torch.tensor([True, False, True, False]))}
    outputs = TaskOutputs(seen([0.0, 1.0, 2.0, 4.0]), None, views)
    logits = [1 - 6 + 0.5, 2 - 0 + 0.5]
    expected = (math.log1p(math.exp(-logits[0])) + math.log1p(math.exp(logits[1]))) / 2
    for result, weight in ((task.d_terms(outputs, step=2), 0.5), (task.g_terms(outputs, step=2), 0.3)):
        assert result.terms[0].value.item() == pytest.approx(expected, rel=1e-5)
        assert result.terms[0].weight == pytest.approx(weight)
        assert float(result.reports["accuracy_fake"]) == 0.0


def test_d_sees_the_ends_of_the_pairs_and_its_loss_reaches_g() -> None:
    part = registry.part("pretext.latent_transformation")
    trial = Trial(part, batch_size=8)  # type: ignore[arg-type]
    assert trial.d_step(0).num_d_images == 8 + 8 + 8
    assert trial.g_step(0).num_d_images == 8 + 8
    with_task = [p.grad.clone() for p in trial.gan.generator.parameters() if p.grad is not None]
    bare = Trial(None, batch_size=8)
    bare.g_step(0)
    without = [p.grad for p in bare.gan.generator.parameters() if p.grad is not None]
    assert not all(torch.allclose(a, b) for a, b in zip(with_task, without, strict=True))


def test_settings_without_meaning_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        make(6)
    with pytest.raises(ValueError, match="latent_noise"):
        make(latent_noise=0.0)
    with pytest.raises(ValueError, match="must not be negative"):
        make(beta=-1.0)
