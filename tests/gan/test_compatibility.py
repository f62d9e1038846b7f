"""Parts that do not fit together are refused before anything is trained, naming both."""

from dataclasses import replace
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import load
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan
from ganzoo.pretext.transform_prediction import TransformPrediction

UNLABELLED = DataSpec((1, 16, 16), 0, {"train": 20})
LABELLED = DataSpec((1, 16, 16), 10, {"train": 20})


@pytest.fixture
def experiment(tiny_recipe: Path) -> Experiment:
    return load(str(tiny_recipe)).experiment


def refused(experiment: Experiment, spec: DataSpec = LABELLED, **values: object) -> str:
    with pytest.raises(UserError) as error:
        build_gan(replace(experiment, **values), spec)  # type: ignore[arg-type]
    return str(error.value)


def test_conditioning_without_labels(experiment: Experiment) -> None:
    message = refused(experiment, UNLABELLED, conditioning=registry.part("conditioning.projection"))
    assert "conditioning.projection needs class labels and data.synthetic has none" in message


def test_conditioning_on_a_split_without_labels(experiment: Experiment) -> None:
    spec = DataSpec((1, 16, 16), 10, {"labelled": 20, "train": 20}, frozenset({"train"}))
    message = refused(experiment, spec, conditioning=registry.part("conditioning.projection"))
    assert "conditioning.projection needs class labels and the split 'train' of data.synthetic has none" in message
    assert "experiment.train_split = 'labelled'" in message


def test_neither_loss_nor_task(experiment: Experiment) -> None:
    assert "no task that stands in for it" in refused(experiment, loss=None, pretext=())


def test_a_penalty_on_a_logit_that_nothing_trains(experiment: Experiment) -> None:
    message = refused(experiment, loss=None, penalty=registry.part("penalties.r1"))
    assert "penalties.r1" in message
    assert "experiment.penalty = None" in message


def test_one_of_a_list_of_penalties_that_does_not_fit(experiment: Experiment) -> None:
    message = refused(experiment, loss=None, penalty=(registry.part("penalties.l2"), registry.part("penalties.r1")))
    assert "penalties.r1 differentiates the adversarial logit" in message
    assert "take it out of the list" in message


def test_a_penalty_of_weights_needs_no_adversarial_loss(experiment: Experiment) -> None:
    build_gan(replace(experiment, loss=None, penalty=registry.part("penalties.l2")), UNLABELLED)


def test_a_gradient_penalty_on_logits_that_depend_on_the_batch(experiment: Experiment) -> None:
    normalized = {"width": 4, "normalization": registry.part("normalizations.batch")}
    discriminator = replace(experiment.discriminator, arguments=normalized)
    message = refused(experiment, discriminator=discriminator, penalty=registry.part("penalties.wgangp"))
    assert "penalties.wgangp needs logits that depend on one image each" in message
    assert "architectures.resnet_discriminator normalises over the batch by normalizations.batch" in message


def test_a_size_that_was_not_bound_is_placed_where_the_data_set_is_named(tiny_recipe: Path) -> None:
    normalization = "architectures.biggan_generator.normalization = @normalizations.batch"
    generator = "experiment.generator = @architectures.biggan_generator"
    overrides = ["experiment.dataset = @data.stl10", generator, normalization]
    changed = load(str(tiny_recipe), overrides=overrides).experiment
    assert refused(changed, changed.dataset().spec()) == (
        "--set 'experiment.dataset = @data.stl10': data.stl10 gives 48 x 48 px, architectures.biggan_generator is made "
        "for squares of 32, 64, 128 px; set data.stl10.size = 64"
    )


def test_the_size_that_is_proposed_suits_both_networks(experiment: Experiment) -> None:
    # sndcgan's discriminator is made for 56 px, and its generator for no size near it that the other knows but 64.
    mixed = replace(experiment, discriminator=registry.part("architectures.sndcgan_discriminator"))
    assert refused(mixed, replace(LABELLED, image_shape=(1, 56, 56))).endswith("set data.synthetic.size = 64")


def test_images_of_a_data_set_without_a_size_are_another_architectures(experiment: Experiment) -> None:
    dataset = registry.part("data.cifar10")
    assert refused(experiment, replace(LABELLED, image_shape=(3, 33, 33)), dataset=dataset) == (
        "data.cifar10 gives 33 x 33 px, architectures.resnet_generator is made for squares of 16, 32, 48, 64, 128 px; "
        "choose another architecture or data set"
    )


def test_a_loss_beside_a_task_that_replaces_it(experiment: Experiment) -> None:
    class replacing(TransformPrediction):
        num_transforms = 1
        replaces_adversarial = True

    part = replace(experiment.pretext[0], name="pretext.replacing", component=replacing, arguments={})
    assert refused(experiment, pretext=(part,)).endswith(
        "pretext.replacing replaces the adversarial term, which losses.hinge is; set experiment.loss = None"
    )


def test_a_task_that_can_also_add_says_so_and_both_ways_out_are_accepted(experiment: Experiment) -> None:
    task = registry.part("pretext.label_augmentation")
    message = refused(experiment, pretext=(task,))
    assert "set experiment.loss = None or pretext.label_augmentation.adversarial = 'add'" in message
    build_gan(replace(experiment, pretext=(task,), loss=None), LABELLED)
    build_gan(replace(experiment, pretext=(replace(task, arguments={"adversarial": "add"}),)), LABELLED)


def test_a_penalty_beside_a_task_that_replaces_its_logit_names_ways_out_that_are_accepted(
    experiment: Experiment,
) -> None:
    task, penalty = registry.part("pretext.label_augmentation"), registry.part("penalties.r1")
    adding = (replace(task, arguments={"adversarial": "add"}),)
    changed = replace(experiment, pretext=(task,), penalty=penalty)
    start = "penalties.r1 differentiates the adversarial logit, which pretext.label_augmentation replaces; "
    ways = "set pretext.label_augmentation.adversarial = 'add', or set experiment.penalty = None"
    assert refused(changed) == f"{start}{ways} and experiment.loss = None"
    build_gan(replace(changed, pretext=adding), LABELLED)
    build_gan(replace(changed, penalty=None, loss=None), LABELLED)

    without_loss = replace(changed, loss=None)
    assert refused(without_loss) == f"{start}{ways.replace('set', 'set experiment.loss = @losses.hinge and', 1)}"
    build_gan(replace(without_loss, loss=experiment.loss, pretext=adding), LABELLED)
    build_gan(replace(without_loss, penalty=None), LABELLED)


def test_a_tap_that_the_discriminator_does_not_have(experiment: Experiment) -> None:
    class deep(TransformPrediction):
        num_transforms = 1
        taps = ("block9",)

    message = refused(experiment, pretext=(replace(experiment.pretext[0], component=deep, arguments={}),))
    assert "reads the tap 'block9' of architectures.resnet_discriminator, which has: block0, block1" in message
