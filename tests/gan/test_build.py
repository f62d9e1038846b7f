"""What a part refuses while a GAN is built is placed where it was bound."""

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

UNLABELLED = DataSpec((1, 16, 16), 0, {"train": 20})
LABELLED = DataSpec((1, 16, 16), 10, {"train": 20})


@pytest.fixture
def experiment(tiny_recipe: Path) -> Experiment:
    return load(str(tiny_recipe)).experiment


def refused(experiment: Experiment, spec: DataSpec = LABELLED, **values: object) -> str:
    with pytest.raises(UserError) as error:
        build_gan(replace(experiment, **values), spec)  # type: ignore[arg-type]
    return str(error.value)


def test_conditioning_with_a_normalization_that_has_no_conditional_form(experiment: Experiment) -> None:
    generator = replace(
        experiment.generator, arguments={"width": 4, "normalization": registry.part("normalizations.layer")}
    )
    message = refused(experiment, generator=generator, conditioning=registry.part("conditioning.projection"))
    assert "conditioning.projection gives the generator its class labels by the normalization" in message
    assert "normalizations.layer has no form that takes them; use @normalizations.batch" in message


def test_a_batch_that_rotation_cannot_share_evenly(experiment: Experiment) -> None:
    message = refused(experiment, batch_size=10)
    assert "pretext.rotation: experiment.batch_size = 10 cannot be shared evenly by 4 transforms" in message
    assert "tiny.gin:" in message


def test_a_batch_that_is_refused_is_placed_where_it_was_bound_by_its_full_name(tiny_recipe: Path) -> None:
    changed = load(str(tiny_recipe), overrides=["experiment.batch_size = 6"]).experiment
    assert refused(changed) == (
        "--set 'experiment.batch_size = 6': pretext.rotation: experiment.batch_size = 6 cannot be shared evenly by 4 "
        "transforms; set it to a multiple of 4"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "pretext.rotation.alpha = -1.0",
            "pretext.rotation.alpha must not be negative, not -1.0",
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


def test_the_same_penalty_twice(experiment: Experiment) -> None:
    r1 = registry.part("penalties.r1")
    message = refused(experiment, penalty=(r1, r1))
    assert "penalties.r1 is in the list twice; give one a scope (`@other/penalties.r1`)" in message


def test_conditioning_that_a_network_would_ignore(experiment: Experiment) -> None:
    class deaf(Generator):
        def __init__(self, *, image_shape: tuple[int, int, int], latent_dim: int) -> None:
            super().__init__()

    generator = replace(experiment.generator, name="architectures.deaf", component=deaf, arguments={})
    message = refused(experiment, generator=generator, conditioning=registry.part("conditioning.projection"))
    assert "architectures.deaf would ignore conditioning.projection" in message
