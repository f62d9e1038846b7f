"""Normalizations by hand. N: batch; C, H, W: image."""

import pytest
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.batch import Latents
from ganzoo.errors import UserError
from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization


def make(name: str, **arguments: object) -> Normalization:
    part = registry.part(f"normalizations.{name}", **arguments)
    layer = part(num_features=3, latent_dim=4, num_classes=5, layers=LayerFactory(spectral_norm=False))
    assert isinstance(layer, Normalization)
    return layer


def over_batch(x: Tensor) -> Tensor:
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, unbiased=False)
    return (x - mean) / (var + 1e-5).sqrt()


@pytest.fixture
def x() -> Tensor:
    return torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 + 1


@pytest.fixture
def condition() -> Latents:
    return Latents(torch.randn(6, 4, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1, 2, 3, 4, 0]))


def test_conditional_batch_starts_as_identity_scaling(x: Tensor, condition: Latents) -> None:
    assert torch.allclose(make("conditional_batch")(x, condition), over_batch(x), atol=1e-5)


def test_conditional_batch_scales_and_shifts_by_class(x: Tensor, condition: Latents) -> None:
    layer = make("conditional_batch")
    table = torch.arange(30).reshape(5, 6) / 10
    layer.scale_and_shift.weight.data.copy_(table)  # type: ignore[union-attr, operator]
    out = layer(x, condition)
    for i, label in enumerate([0, 1, 2, 3, 4, 0]):
        gamma, beta = 1 + table[label, :3], table[label, 3:]
        expected = over_batch(x)[i] * gamma[:, None, None] + beta[:, None, None]
        assert torch.allclose(out[i], expected, atol=1e-5)


def test_self_modulation_is_a_two_layer_function_of_the_latent(x: Tensor, condition: Latents) -> None:
    layer = make("self_modulated_batch", num_hidden=7)
    p = dict(layer.named_parameters())
    h = (condition.latents_NL @ p["hidden.weight"].T + p["hidden.bias"]).clamp(min=0)
    gamma = h @ p["scale.weight"].T + p["scale.bias"]
    beta = h @ p["shift.weight"].T + p["shift.bias"]
    expected = over_batch(x) * gamma[:, :, None, None] + beta[:, :, None, None]
    assert torch.allclose(layer(x, condition), expected, atol=1e-5)
    assert torch.equal(p["scale.bias"], torch.ones(3))
    assert torch.equal(p["shift.bias"], torch.zeros(3))
    assert layer.hidden.out_features == 7


def test_self_modulation_takes_latents_and_labels_together(x: Tensor, condition: Latents) -> None:
    layer = make("self_modulated_batch")
    table = torch.arange(40).reshape(5, 8) / 10
    layer.label_terms.weight.data.copy_(table)  # type: ignore[union-attr, operator]
    rows = table[condition.labels_N]
    joint = condition.latents_NL * (1 + rows[:, 4:]) + rows[:, :4]
    unconditional = registry.part("normalizations.self_modulated_batch")(num_features=3, latent_dim=4, num_classes=0)
    state = {name: value for name, value in layer.state_dict().items() if "label_terms" not in name}
    unconditional.load_state_dict(state)  # type: ignore[attr-defined]
    assert torch.allclose(layer(x, condition), unconditional(x, Latents(joint)), atol=1e-4)  # type: ignore[operator]


def test_linear_modulation_scales_by_one_plus_a_matrix_times_the_latent(x: Tensor, condition: Latents) -> None:
    layer = make("linear_modulated_batch")
    p = dict(layer.named_parameters())
    assert p.keys() == {"scale.weight", "shift.weight"}
    gamma, beta = (condition.latents_NL @ p[f"{name}.weight"].T for name in ("scale", "shift"))
    expected = over_batch(x) * (1 + gamma)[:, :, None, None] + beta[:, :, None, None]
    assert torch.allclose(layer(x, condition), expected, atol=1e-5)


def test_linear_modulation_follows_the_networks_factory() -> None:
    part = registry.part("normalizations.linear_modulated_batch")
    layer = part(num_features=3, latent_dim=4, num_classes=0, layers=LayerFactory(spectral_norm=True))
    assert all(hasattr(getattr(layer, name), "parametrizations") for name in ("scale", "shift"))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("batch", "linear_modulated_batch"),
        ("conditional_batch", "linear_modulated_batch"),
        ("linear_modulated_batch", "linear_modulated_batch"),
        ("self_modulated_batch", "self_modulated_batch"),
        ("layer", None),
        ("none", None),
    ],
)
def test_the_form_that_takes_latents(name: str, form: str | None) -> None:
    found = registry.part(f"normalizations.{name}").component.latent_form()  # type: ignore[attr-defined]
    assert (None if found is None else found.__name__) == form


def test_layer_normalises_each_image_alone(x: Tensor) -> None:
    mean, var = x.mean((1, 2, 3), keepdim=True), x.var((1, 2, 3), keepdim=True, unbiased=False)
    assert torch.allclose(make("layer")(x, None), (x - mean) / (var + 1e-5).sqrt(), atol=1e-5)


def over_pixels(x: Tensor, num_groups: int) -> Tensor:
    groups = x.unflatten(1, (num_groups, -1))
    mean, var = groups.mean((2, 3, 4), keepdim=True), groups.var((2, 3, 4), keepdim=True, unbiased=False)
    return ((groups - mean) / (var + 1e-5).sqrt()).flatten(1, 2)


def test_instance_normalises_each_channel_of_each_image_alone(x: Tensor) -> None:
    layer = make("instance")
    layer.normalize.weight.data, layer.normalize.bias.data = (
        torch.tensor([2.0, 1.0, 0.5]),
        torch.tensor([0.0, 1.0, 3.0]),
    )  # type: ignore[union-attr]
    expected = over_pixels(x, 3) * torch.tensor([2.0, 1.0, 0.5])[:, None, None]
    assert torch.allclose(layer(x, None), expected + torch.tensor([0.0, 1.0, 3.0])[:, None, None], atol=1e-5)


def test_instance_is_the_same_in_evaluation(x: Tensor) -> None:
    layer = make("instance")
    assert torch.equal(layer(x, None), layer.eval()(x, None))


def test_conditional_instance_starts_as_plain_and_scales_and_shifts_by_class(x: Tensor, condition: Latents) -> None:
    layer = make("conditional_instance")
    assert torch.allclose(layer(x, condition), over_pixels(x, 3), atol=1e-5)
    table = torch.arange(30).reshape(5, 6) / 10
    layer.scale_and_shift.weight.data.copy_(table)  # type: ignore[union-attr, operator]
    rows = table[condition.labels_N]
    expected = over_pixels(x, 3) * (1 + rows[:, :3, None, None]) + rows[:, 3:, None, None]
    assert torch.allclose(layer(x, condition), expected, atol=1e-5)


@pytest.mark.parametrize("num_groups", [1, 2, 6])
def test_group_normalises_over_the_channels_of_a_group_and_its_pixels(num_groups: int) -> None:
    x = torch.randn(4, 6, 3, 3, generator=torch.Generator().manual_seed(2)) * 2 + 1
    layer = registry.part("normalizations.group", num_groups=num_groups)(num_features=6)
    assert torch.allclose(layer(x, None), over_pixels(x, num_groups), atol=1e-5)  # type: ignore[operator]


@pytest.mark.parametrize("num_groups", [0, 4, 32])
def test_groups_that_do_not_divide_the_channels_are_refused(num_groups: int) -> None:
    with pytest.raises(UserError, match=r"normalizations\.group\.num_groups must divide the 6 channels of a layer"):
        registry.part("normalizations.group", num_groups=num_groups)(num_features=6)


def test_forms_with_and_without_labels_lead_to_each_other() -> None:
    for name in ("batch", "instance"):
        plain, conditional = (registry.get(f"normalizations.{prefix}{name}") for prefix in ("", "conditional_"))
        assert issubclass(plain, Normalization)
        assert issubclass(conditional, Normalization)
        assert (plain.conditional_form(), plain.unconditional_form()) == (conditional, plain)
        assert (conditional.conditional_form(), conditional.unconditional_form()) == (conditional, plain)


def test_none_returns_its_input(x: Tensor) -> None:
    assert make("none")(x, None) is x


@pytest.mark.parametrize(
    ("name", "form"),
    [("batch", "conditional_batch"), ("instance", "conditional_instance"), ("self_modulated_batch", None)],
)
def test_projection_gives_the_conditional_form_with_its_arguments(name: str, form: str | None) -> None:
    projection = registry.part("conditioning.projection")(num_classes=5)
    given = registry.part(f"normalizations.{name}", eps=0.5)
    got = projection.generator_normalization(given)  # type: ignore[attr-defined]
    assert got.name == f"normalizations.{form or name}"
    assert got.arguments == {"eps": 0.5}


@pytest.mark.parametrize("name", ["none", "layer", "group"])
def test_projection_refuses_a_normalization_without_conditional_form(name: str) -> None:
    projection = registry.part("conditioning.projection")(num_classes=5)
    with pytest.raises(ValueError, match=f"normalizations.{name} has no form that takes them"):
        projection.generator_normalization(registry.part(f"normalizations.{name}"))  # type: ignore[attr-defined]


def test_conditional_batch_without_labels_says_what_to_bind() -> None:
    with pytest.raises(UserError, match=r"set experiment\.conditioning = @conditioning\.projection"):
        registry.part("normalizations.conditional_batch")(num_features=3, num_classes=0)
