"""Replay: what is kept, what is shown, and where it enters."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.architectures.base import DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.config.load import load
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan
from ganzoo.pretext.base import StepBatch, TaskOutputs, ViewOutput
from ganzoo.pretext.replay import replay
from ganzoo.testing.toys import ToyDiscriminator
from ganzoo.testing.trial import Trial

SHAPE = (1, 1, 1)


def make(**options: object) -> replay:
    return replay(image_shape=SHAPE, batch_size=4, **{"num_classes": 0, **options})  # type: ignore[arg-type]


def fakes(first: int, num: int = 4, *, labelled: bool = False) -> ImageBatch:
    """Images whose pixel is their number, a tenth of it their label."""
    numbers = torch.arange(first, first + num)
    return ImageBatch(numbers.float().reshape(num, *SHAPE), numbers // 10 if labelled else None)


def remember(task: replay, batch: ImageBatch, role: str = "d", seed: int = 0) -> None:
    seen = ViewOutput(batch, DiscriminatorOutput(torch.zeros(len(batch)), torch.zeros(len(batch), 1)))
    rng = torch.Generator().manual_seed(seed)
    task.after_step(TaskOutputs(seen, seen, {}), ToyDiscriminator(), role=role, step=0, rng=rng)  # type: ignore[arg-type]


def test_nothing_is_shown_before_something_is_kept_nor_in_the_generators_step() -> None:
    task, rng = make(), torch.Generator()
    assert task.views(StepBatch(fakes(0)), role="d", rng=rng) == {}
    remember(task, fakes(0), role="g")
    assert task.views(StepBatch(fakes(4)), role="d", rng=rng) == {}
    remember(task, fakes(0))
    assert task.views(StepBatch(fakes(4)), role="g", rng=rng) == {}
    assert len(task.views(StepBatch(fakes(4)), role="d", rng=rng)["kept"].batch) == 4


def test_kept_fakes_are_shown_as_fakes_of_the_adversarial_term_with_their_own_labels() -> None:
    task = make(num_classes=10, capacity=100, share=5.0)
    for first in (20, 40, 60):
        remember(task, fakes(first, labelled=True))
    view = task.views(StepBatch(fakes(0, labelled=True)), role="d", rng=torch.Generator().manual_seed(1))["kept"]
    assert view.source == "fake"
    assert view.adversarial
    numbers = view.batch.images_NCHW.flatten().long()
    assert len(numbers) == 20
    assert set(numbers.tolist()) <= {n + i for n in (20, 40, 60) for i in range(4)}
    assert view.batch.labels_N is not None
    assert torch.equal(view.batch.labels_N, numbers // 10)


def test_a_full_reservoir_holds_old_fakes_and_new_ones_and_each_with_its_label() -> None:
    task = make(num_classes=100, capacity=20)
    for first in range(0, 400, 4):
        remember(task, fakes(first, labelled=True), seed=first)
    numbers = task.kept.get_buffer("images").flatten().long()
    assert len(set(numbers.tolist())) == 20
    # A uniform sample of 400: its mean is 200 with a standard error of 25.
    assert float(numbers.float().mean()) == pytest.approx(200, abs=4 * 25)
    assert torch.equal(task.kept.get_buffer("labels"), numbers // 10)
    assert task.kept.num_seen == 400


def test_d_s_adversarial_term_is_over_fresh_and_kept_fakes_together_and_g_s_over_fresh_ones() -> None:
    part = registry.part("pretext.replay", share=0.5, capacity=30)
    trial, bare = Trial(part, batch_size=8), Trial(None, batch_size=8)  # type: ignore[arg-type]
    first = trial.d_step(0)
    torch.testing.assert_close(first.parts["d/adversarial"], bare.d_step(0).parts["d/adversarial"])
    trial.task.after_step(first.task_outputs["task"], trial.gan.discriminator, role="d", step=0, rng=torch.Generator())
    output = trial.d_step(1)
    assert output.num_d_images == 8 + 8 + 4
    outputs = output.task_outputs["task"]
    fake_N = torch.cat([outputs.fake.output.logits_N, outputs.views["kept"].output.logits_N])
    assert outputs.real is not None
    torch.testing.assert_close(output.parts["d/adversarial"], fake_N.mean() - outputs.real.output.logits_N.mean())
    assert trial.g_step(1).num_d_images == 8


def test_it_is_refused_without_an_adversarial_term_or_with_a_setting_without_meaning(tiny_recipe: Path) -> None:
    experiment = load(str(tiny_recipe)).experiment
    part = registry.part("pretext.replay")
    with pytest.raises(UserError, match=r"replay'? means nothing without an adversarial loss"):
        build_gan(
            replace(experiment, loss=None, pretext=(*experiment.pretext, part)),  # type: ignore[arg-type]
            DataSpec((1, 16, 16), 0, {"train": 20}),
        )
    with pytest.raises(ValueError, match="capacity must be at least 1"):
        make(capacity=0)
    with pytest.raises(ValueError, match="adds no fake"):
        make(share=0.1)
