"""Parts that do not fit together are refused before anything is trained, naming both."""

from dataclasses import replace
from pathlib import Path

import pytest

from ganzoo import registry
from ganzoo.architectures.base import Generator
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


def test_conditioning_with_a_normalization_that_has_no_conditional_form(experiment: Experiment) -> None:
    generator = replace(
        experiment.generator, arguments={"width": 4, "normalization": registry.part("normalizations.layer")}
    )
    message = refused(experiment, generator=generator, conditioning=registry.part("conditioning.projection"))
    assert "conditioning.projection gives the generator its class labels by the normalization" in message
    assert "normalizations.layer has no form that takes them; use @normalizations.batch" in message


def test_a_batch_that_rotation_cannot_share_evenly(experiment: Experiment) -> None:
    message = refused(experiment, batch_size=10)
    assert "pretext.rotation: a batch of 10 cannot be shared evenly by 4 transforms" in message
    assert "tiny.gin:" in message


def test_a_batch_that_is_refused_is_placed_where_it_was_bound_by_its_full_name(tiny_recipe: Path) -> None:
    changed = load(str(tiny_recipe), overrides=["experiment.batch_size = 6"]).experiment
    assert refused(changed) == (
        "--set 'experiment.batch_size = 6': pretext.rotation: a batch of 6 cannot be shared evenly by 4 transforms; "
        "set experiment.batch_size to a multiple of 4"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "pretext.rotation.alpha = -1.0",
            "pretext.rotation.alpha is the weight of a loss and must not be negative, not -1.0",
        ),
        (
            "architectures.resnet_generator.width = 0",
            "architectures.resnet_generator.width must be at least 1, not 0",
        ),
        (
            "data.synthetic.size = 17",
            "data.synthetic gives 17 x 17 px, architectures.resnet_generator is made for squares of 16, 32, 48, 64, "
            "128 px; set data.synthetic.size = 16",
        ),
    ],
)
def test_a_value_that_a_part_refuses_is_placed_where_it_was_bound(tiny_recipe: Path, line: str, message: str) -> None:
    changed = load(str(tiny_recipe), overrides=[line]).experiment
    assert refused(changed, changed.dataset().spec()) == f"--set '{line}': {message}"


def test_networks_that_do_not_fit_into_memory(experiment: Experiment) -> None:
    huge = replace(experiment, latent_dim=10**15)
    with pytest.raises(UserError, match=r"too little memory \(.*\); lower the widths or experiment\.latent_dim"):
        build_gan(huge, UNLABELLED)


def test_the_same_task_twice(experiment: Experiment) -> None:
    assert "pretext.rotation is in the list twice" in refused(experiment, pretext=experiment.pretext * 2)


def test_neither_loss_nor_task(experiment: Experiment) -> None:
    assert "no task that stands in for it" in refused(experiment, loss=None, pretext=())


def test_a_penalty_on_a_logit_that_nothing_trains(experiment: Experiment) -> None:
    message = refused(experiment, loss=None, penalty=registry.part("penalties.r1"))
    assert "penalties.r1" in message
    assert "experiment.penalty = None" in message


def test_the_same_penalty_twice(experiment: Experiment) -> None:
    r1 = registry.part("penalties.r1")
    message = refused(experiment, penalty=(r1, r1))
    assert "penalties.r1 is in the list twice; give one a scope (`@other/penalties.r1`)" in message


def test_one_of_a_list_of_penalties_that_does_not_fit(experiment: Experiment) -> None:
    message = refused(experiment, loss=None, penalty=(registry.part("penalties.l2"), registry.part("penalties.r1")))
    assert "penalties.r1 differentiates the adversarial logit" in message
    assert "take it out of the list" in message


def test_a_penalty_of_weights_needs_no_adversarial_loss(experiment: Experiment) -> None:
    build_gan(replace(experiment, loss=None, penalty=registry.part("penalties.l2")), UNLABELLED)


def test_conditioning_that_a_network_would_ignore(experiment: Experiment) -> None:
    class deaf(Generator):
        def __init__(self, *, image_shape: tuple[int, int, int], latent_dim: int) -> None:
            super().__init__()

    generator = replace(experiment.generator, name="architectures.deaf", component=deaf, arguments={})
    message = refused(experiment, generator=generator, conditioning=registry.part("conditioning.projection"))
    assert "architectures.deaf would ignore conditioning.projection" in message


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
