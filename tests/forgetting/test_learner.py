"""All arms of a seed start alike and see the same batches, and only their help differs."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganzoo.config.load import load
from ganzoo.data.base import Dataset, ImageData
from ganzoo.forgetting import learner as learner_module
from ganzoo.forgetting.experiment import Arm, ForgettingExperiment, arms_of
from ganzoo.forgetting.learner import Learner, build_learner, train_step
from ganzoo.forgetting.loop import Tasks, train_arm
from ganzoo.forgetting.one_vs_all import OneVsAll
from ganzoo.layers.spectral_norm import SpectralNorm
from ganzoo.randomness import make_generator
from ganzoo.remedies.base import Examples
from ganzoo.runs.monitor import Silent

CPU = torch.device("cpu")


def load_tasks(recipe: Path, *overrides: str) -> tuple[ForgettingExperiment, Tasks]:
    experiment = load(recipe, ForgettingExperiment, overrides=overrides).experiment
    dataset: Dataset = experiment.dataset()
    spec = dataset.spec()
    train, test = (
        OneVsAll(dataset.load(split), num_classes=spec.num_classes, device=CPU, name=split)
        for split in ("train", "test")
    )
    return experiment, Tasks(spec, train, tuple(test.test_set(k, 8) for k in range(spec.num_classes)), {})


def test_arms_are_named_after_their_help(recipe: Path) -> None:
    experiment, _ = load_tasks(recipe)
    assert [arm.name for arm in arms_of(experiment)] == [
        "alone", "rotation", "reservoir", "elastic_weight_consolidation",
    ]  # fmt: skip


def test_arms_of_a_seed_start_from_the_same_weights_and_other_seeds_from_others(recipe: Path) -> None:
    experiment, tasks = load_tasks(recipe)

    def weights(arm: Arm, seed: int) -> dict[str, Tensor]:
        built = build_learner(experiment, arm, tasks.spec, seed=seed, device=CPU)
        return dict(built.gan.discriminator.state_dict())

    alone, *others = arms_of(experiment)
    first = weights(alone, 0)
    for arm in others:
        assert all(torch.equal(value, first[name]) for name, value in weights(arm, 0).items())
    other_seed = weights(alone, 1)
    assert any(not torch.equal(value, first[name]) for name, value in other_seed.items())


def test_arms_of_a_seed_see_the_same_fresh_batches_in_the_same_order(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, tasks = load_tasks(recipe)
    seen: list[Tensor] = []

    def record(learner: Learner, fresh: Examples, *, step: int) -> learner_module.StepOutput:
        seen.append(torch.cat([fresh.batch.images_NCHW.flatten(), fresh.is_positive_N.float()]))
        return train_step(learner, fresh, step=step)

    monkeypatch.setattr("ganzoo.forgetting.loop.train_step", record)
    batches = {}
    for arm in arms_of(experiment):
        seen.clear()
        train_arm(experiment, arm, tasks, seed=0, device=CPU, monitor=Silent())
        batches[arm.name] = torch.stack(seen)
    assert len(batches["alone"]) == 8
    assert all(torch.equal(value, batches["alone"]) for value in batches.values())


def test_a_batch_is_half_positive_in_random_order_and_the_test_set_is_fixed_and_balanced() -> None:
    labels_N = torch.arange(60) % 3
    images_NCHW = labels_N.to(torch.uint8)[:, None, None, None].repeat(1, 1, 2, 2)
    split = OneVsAll(ImageData(images_NCHW, labels_N), num_classes=3, device=CPU, name="toy")
    batch = split.draw(1, 32, rng=make_generator(0, "x"))
    is_class_1_N = batch.batch.images_NCHW[:, 0, 0, 0] == 1 / 127.5 - 1
    assert torch.equal(is_class_1_N, batch.is_positive_N)
    assert int(batch.is_positive_N.sum()) == 16
    assert 0 < int(batch.is_positive_N[-8:].sum()) < 8  # the quarter that is rotated has both kinds
    first, second = split.test_set(1, 20), split.test_set(1, 20)
    assert torch.equal(first.batch.images_NCHW, second.batch.images_NCHW)
    assert int(first.is_positive_N.sum()) == 10


def test_spectral_norm_advances_once_a_step_and_a_measurement_changes_nothing(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, tasks = load_tasks(recipe)
    counts: dict[int, int] = {}
    advance = SpectralNorm.advance

    def counted(self: SpectralNorm, weight: Tensor) -> None:
        counts[id(self)] = counts.get(id(self), 0) + 1
        advance(self, weight)

    learner = build_learner(experiment, arms_of(experiment)[1], tasks.spec, seed=0, device=CPU)
    monkeypatch.setattr(SpectralNorm, "advance", counted)
    train_step(learner, tasks.train.draw(0, 8, rng=make_generator(0, "x")), step=0)
    assert len(counts) > 5
    assert set(counts.values()) == {1}
    before = {name: value.clone() for name, value in learner.gan.state_dict().items()}
    learner_module.accuracy(learner, tasks.tests[0])
    assert all(torch.equal(value, before[name]) for name, value in learner.gan.state_dict().items())
    assert learner.gan.discriminator.training


def test_the_loss_of_an_arm_is_the_classifiers_and_its_help(recipe: Path) -> None:
    experiment, tasks = load_tasks(recipe)
    fresh = tasks.train.draw(0, 8, rng=make_generator(0, "x"))
    parts = {}
    for arm in arms_of(experiment):
        learner = build_learner(experiment, arm, tasks.spec, seed=0, device=CPU)
        parts[arm.name] = train_step(learner, fresh, step=0).parts
        trained = {id(p) for group in learner.optimizer.param_groups for p in group["params"]}
        assert {id(p) for p in learner.gan.d_parameters()} == trained  # the heads too
    # In the first step no remedy has anything to say, and the upright images are the same.
    one_vs_all = [float(values["d/one_vs_all"]) for values in parts.values()]
    assert one_vs_all == pytest.approx([one_vs_all[0]] * 4, rel=1e-5)
    assert set(parts["rotation"]) >= {"d/rotation/loss", "d/rotation/accuracy_real"}
    assert "d/consolidation" in parts["elastic_weight_consolidation"]


def test_the_classifiers_loss_is_binary_cross_entropy_of_both_halves(recipe: Path) -> None:
    experiment, tasks = load_tasks(recipe)
    fresh = tasks.train.draw(0, 8, rng=make_generator(0, "x"))
    learner = build_learner(experiment, arms_of(experiment)[0], tasks.spec, seed=0, device=CPU)
    output = learner_module.step_output(learner, fresh, step=0)
    with torch.no_grad():
        logits_N = learner.gan.discriminator(fresh.batch.images_NCHW).logits_N
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits_N, fresh.is_positive_N.float())
    torch.testing.assert_close(output.loss.detach(), 2 * entropy)  # the mean over each half, added
