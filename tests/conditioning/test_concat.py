"""Labels as further inputs: what the inner networks see."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.batch import Latents
from ganzoo.component import options_of
from ganzoo.conditioning.concat import LabelledImages, LabelledLatents, concat
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import load
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.features.discriminator import discriminator
from ganzoo.gan.build import build_gan
from ganzoo.metrics.linear_probe import linear_probe
from ganzoo.testing.toys import ToyDiscriminator, ToyGenerator

SPEC = DataSpec((1, 16, 16), 3, {"train": 20})
LABELS = torch.tensor([2, 0])


@pytest.fixture
def experiment(tiny_recipe: Path) -> Experiment:
    return load(str(tiny_recipe), overrides=["experiment.conditioning = @conditioning.concat"]).experiment


def test_the_inner_generator_sees_latents_and_behind_them_the_one_hot_label() -> None:
    inner = ToyGenerator(image_shape=(1, 4, 4), latent_dim=2 + 3)
    seen: list[Latents] = []
    inner.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    generator = LabelledLatents(inner, latent_dim=2, num_classes=3)
    generator(Latents(torch.tensor([[0.5, -1.0], [0.25, 2.0]]), LABELS))
    assert seen[0].latents_NL.tolist() == [[0.5, -1.0, 0.0, 0.0, 1.0], [0.25, 2.0, 1.0, 0.0, 0.0]]
    assert generator.sample_latents(7, rng=torch.Generator().manual_seed(0)).shape == (7, 2)


def test_the_inner_discriminator_sees_the_image_and_behind_it_a_channel_for_each_class() -> None:
    inner = ToyDiscriminator(image_shape=(1 + 3, 4, 4))
    seen: list[torch.Tensor] = []
    inner.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    images = torch.rand(2, 1, 4, 4)
    LabelledImages(inner, num_classes=3)(images, LABELS)
    assert torch.equal(seen[0][:, :1], images)
    assert torch.equal(seen[0][0, 1:], torch.stack([torch.zeros(4, 4), torch.zeros(4, 4), torch.ones(4, 4)]))
    assert torch.equal(seen[0][1, 1:], torch.stack([torch.ones(4, 4), torch.zeros(4, 4), torch.zeros(4, 4)]))


def test_taps_features_and_logits_are_the_inner_ones() -> None:
    inner = ToyDiscriminator(image_shape=(4, 16, 16))
    outer = LabelledImages(inner, num_classes=3)
    output = outer(torch.rand(2, 1, 16, 16), LABELS, taps=["block1"])
    assert outer.tap_shapes == inner.tap_shapes
    assert output.features_NF.shape == (2, outer.feature_dim)
    assert tuple(output.taps["block1"].shape[1:]) == outer.tap_shapes["block1"]


def test_every_weight_of_the_labels_gets_a_gradient() -> None:
    inner = ToyDiscriminator(image_shape=(4, 16, 16), spectral_norm=False)
    LabelledImages(inner, num_classes=3)(torch.rand(2, 1, 16, 16), LABELS).logits_N.sum().backward()
    gradient = inner.conv0.weight.grad
    assert gradient is not None
    # Class 1 is in no image: its channel is 0.
    assert [bool(gradient[:, channel].any()) for channel in range(4)] == [True, True, False, True]


@pytest.mark.parametrize("normalization", ["batch", "layer", "self_modulated_batch"])
def test_it_suits_every_normalization_of_the_generator(experiment: Experiment, normalization: str) -> None:
    arguments = {"width": 4, "normalization": registry.part(f"normalizations.{normalization}")}
    gan = build_gan(replace(experiment, generator=replace(experiment.generator, arguments=arguments)), SPEC)
    assert gan.num_classes == 3
    assert gan.generator(Latents(torch.zeros(2, 8), LABELS)).shape == (2, 1, 16, 16)


def test_a_normalization_that_wants_labels_itself_is_refused(experiment: Experiment) -> None:
    arguments = {"width": 4, "normalization": registry.part("normalizations.conditional_batch")}
    generator = replace(experiment.generator, arguments=arguments)
    with pytest.raises(UserError, match=r"conditioning\.concat .* gives normalizations\.conditional_batch none"):
        build_gan(replace(experiment, generator=generator), SPEC)


def test_a_generator_that_cuts_its_latents_is_refused(experiment: Experiment) -> None:
    arguments = {"width": 4, "normalization": registry.part("normalizations.batch")}
    generator = registry.part("architectures.biggan_generator", **arguments)
    with pytest.raises(
        UserError, match=r"architectures\.biggan_generator cuts them into chunks.*@conditioning\.projection"
    ):
        build_gan(replace(experiment, generator=generator), replace(SPEC, image_shape=(1, 32, 32)))  # type: ignore[arg-type]


def test_a_data_set_without_labels_is_refused(experiment: Experiment) -> None:
    with pytest.raises(UserError, match=r"conditioning\.concat needs class labels"):
        build_gan(experiment, replace(SPEC, num_classes=0))


def test_it_has_nothing_to_set() -> None:
    assert options_of(concat) == {}


def test_measures_of_what_its_discriminator_sees_in_an_image_are_refused(experiment: Experiment) -> None:
    network = build_gan(experiment, SPEC).discriminator
    with pytest.raises(UserError, match="depend on the label that it is given"):
        linear_probe().check_networks(num_classes=3, discriminator=network)
    with pytest.raises(UserError, match="depend on the label that it is given"):
        discriminator(discriminator=network).check_available()
