"""SSGAN-MS on hand-made scores."""

import pytest
import torch

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import StepBatch, TaskOutputs, ViewOutput
from ganzoo.pretext.rotation_minimax import rotation_minimax
from ganzoo.testing import check_component
from ganzoo.testing.trial import Trial

ROWS = torch.arange(4)


def make(**options: object) -> rotation_minimax:
    runtime_args = {"feature_dim": 5, "image_shape": (3, 16, 16), "batch_size": 4, "num_steps": 5}
    task = rotation_minimax(layers=LayerFactory(spectral_norm=False), **runtime_args, **options)  # type: ignore[arg-type]
    with torch.no_grad():
        task.head.weight.copy_(torch.eye(5))
    return task


def outputs(real_45: torch.Tensor, fake_45: torch.Tensor, *, with_real: bool = True) -> TaskOutputs:
    """A batch of four, whose last image is seen in four turns, with scores (4, 5) of these."""

    def parent(scores_45: torch.Tensor) -> ViewOutput:
        features = torch.cat([torch.full((3, 5), 7.0), scores_45[:1]])
        return ViewOutput(ImageBatch(torch.zeros(4, 1, 4, 4)), DiscriminatorOutput(torch.zeros(4), features))

    def turned(scores_45: torch.Tensor) -> ViewOutput:
        output = DiscriminatorOutput(torch.zeros(3), scores_45[1:])
        return ViewOutput(ImageBatch(torch.zeros(3, 1, 4, 4)), output, torch.arange(1, 4))

    views = {"fake": turned(fake_45)} | ({"real": turned(real_45)} if with_real else {})
    return TaskOutputs(parent(fake_45), parent(real_45) if with_real else None, views)


def scores() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(4, 5, generator=rng), torch.randn(4, 5, generator=rng)


def surprise(scores_45: torch.Tensor, classes: torch.Tensor | int) -> torch.Tensor:
    return -scores_45.softmax(1)[ROWS, classes].log().mean()


def test_d_recognises_turns_of_real_images_and_generated_ones_as_a_fifth_class() -> None:
    real, fake = scores()
    result = make(beta=0.7).d_terms(outputs(real, fake), step=0)
    values = {term.name: term for term in result.terms}
    torch.testing.assert_close(values["real"].value, surprise(real, ROWS))
    torch.testing.assert_close(values["fake"].value, surprise(fake, 4))
    assert [term.weight for term in result.terms] == [0.7, 0.7]
    assert float(result.reports["accuracy_real"]) == float((real.argmax(1) == ROWS).float().mean())
    assert float(result.reports["accuracy_fake"]) == float((fake.argmax(1) == 4).float().mean())


def test_under_match_g_brings_the_value_of_fakes_to_that_of_real_images() -> None:
    real, fake = scores()
    fake.requires_grad_()
    (term,) = make(alpha=0.4).g_terms(outputs(real, fake), step=0).terms
    torch.testing.assert_close(term.value, (surprise(fake, ROWS) - surprise(real, ROWS)).abs())
    assert term.weight == 0.4
    # The gradient is that of the fakes' value, with the sign of the difference.
    (gradient,) = torch.autograd.grad(term.value, fake, retain_graph=True)
    (expected,) = torch.autograd.grad(surprise(fake, ROWS), fake)
    sign = (surprise(fake, ROWS) - surprise(real, ROWS)).detach().sign()
    torch.testing.assert_close(gradient, sign * expected)


def test_under_difference_g_wants_the_turn_said_rather_than_the_fifth_class_and_sees_no_real_image() -> None:
    real, fake = scores()
    task = make(g_objective="difference", alpha=0.4)
    result = task.g_terms(outputs(real, fake, with_real=False), step=0)
    total = sum(term.weight * term.value for term in result.terms)
    # The normalisations cancel.
    torch.testing.assert_close(total, 0.4 * (fake[:, 4] - fake[ROWS, ROWS]).mean())
    assert not task.uses_real_in_g_step
    batch = ImageBatch(torch.zeros(4, 1, 4, 4))
    assert set(task.views(StepBatch(batch), role="g", rng=torch.Generator())) == {"fake"}


@pytest.mark.parametrize(("g_objective", "num_images"), [("match", 2 * (8 + 6)), ("difference", 8 + 6)])
def test_the_generators_step_shows_real_images_only_to_match_them(g_objective: str, num_images: int) -> None:
    part = registry.part("pretext.rotation_minimax", g_objective=g_objective)
    trial = Trial(part, batch_size=8)  # type: ignore[arg-type]
    assert trial.g_step(0).num_d_images == num_images
    assert trial.d_step(0).num_d_images == 2 * (8 + 6)


def test_views_carry_the_labels_of_their_own_images_and_stay_out_of_the_adversarial_term() -> None:
    real = ImageBatch(torch.zeros(4, 1, 4, 4), torch.arange(4))
    fake = ImageBatch(torch.ones(4, 1, 4, 4), torch.arange(4) + 10)
    for role in ("d", "g"):
        views = make().views(StepBatch(fake, real), role=role, rng=torch.Generator())  # type: ignore[arg-type]
        for source, label in (("real", 3), ("fake", 13)):
            assert views[source].source == source
            assert views[source].batch.labels_N.tolist() == [label] * 3  # type: ignore[union-attr]
            assert not views[source].adversarial


def test_the_other_objective_keeps_the_contract_too() -> None:
    check_component("pretext.rotation_minimax", g_objective="difference", protocol="one_each")
