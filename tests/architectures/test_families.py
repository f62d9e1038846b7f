"""What every family keeps at every size, and what each refuses."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganzoo import registry
from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.batch import ImageBatch, Latents
from ganzoo.errors import UserError
from ganzoo.layers.attention import SelfAttention
from ganzoo.penalties.base import input_gradient

SIZES = {
    "resnet": (16, 32, 48, 64, 128),
    "resnet5": (16, 32, 64, 128),
    "biggan": (32, 64, 128),
    "sndcgan": (16, 24, 32, 48, 64, 128),
    "dcgan": (16, 32, 64, 128),
}
FAMILIES = tuple(SIZES)
RESIDUAL = ("resnet", "resnet5", "biggan")
SMALLEST = [(family, sizes[0]) for family, sizes in SIZES.items()]


def images(num: int, size: int, channels: int = 3) -> Tensor:
    return torch.rand(num, channels, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def latents(num: int, dim: int = 8) -> Tensor:
    return torch.randn(num, dim, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("family", "size"), [(f, s) for f, sizes in SIZES.items() for s in sizes])
def test_every_size_gives_images_in_range_and_every_parameter_a_gradient(family: str, size: int, make: Any) -> None:
    generator = make(f"{family}_generator", size, width=1, channels=1)
    discriminator = make(f"{family}_discriminator", size, width=1, channels=1, normalization="none")
    shown = generator(Latents(latents(2)))
    assert shown.shape == (2, 1, size, size)
    assert shown.abs().max() <= 1
    output = discriminator(shown, taps=tuple(discriminator.tap_shapes))
    assert {name: tuple(tap.shape[1:]) for name, tap in output.taps.items()} == discriminator.tap_shapes
    assert output.features_NF.shape == (2, discriminator.feature_dim)
    output.logits_N.square().sum().backward()
    for name, parameter in [*generator.named_parameters(), *discriminator.named_parameters()]:
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
@pytest.mark.parametrize(
    ("family", "size", "known"),
    [
        ("biggan", 48, "32, 64, 128"),
        ("dcgan", 48, "16, 32, 64, 128"),
        ("resnet5", 48, "16, 32, 64, 128"),
        ("resnet", 20, "16, 32, 48, 64, 128"),
        ("sndcgan", 36, "16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128"),
    ],
)
def test_another_size_is_refused_naming_the_known_ones(
    family: str, size: int, known: str, kind: str, make: Any
) -> None:
    expected = rf"architectures\.{family}_{kind}: cannot make {size} x {size} images; it is made for {known} px squares"
    with pytest.raises(UserError, match=expected):
        make(f"{family}_{kind}", size)


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
@pytest.mark.parametrize(("family", "size"), SMALLEST)
def test_a_width_below_one_is_refused(family: str, size: int, kind: str, make: Any) -> None:
    with pytest.raises(UserError, match="width must be at least 1, not 0"):
        make(f"{family}_{kind}", size, width=0)


@pytest.mark.parametrize(("family", "size"), SMALLEST)
def test_a_normalization_that_needs_latents_is_refused_in_a_discriminator(family: str, size: int, make: Any) -> None:
    with pytest.raises(UserError, match="self_modulated_batch, which takes the generator's input"):
        make(f"{family}_discriminator", size, normalization="self_modulated_batch")


@pytest.mark.parametrize(("family", "size"), SMALLEST)
def test_only_a_normalization_over_the_batch_says_so(family: str, size: int, make: Any) -> None:
    assert make(f"{family}_discriminator", size, normalization="batch").uses_batch_statistics
    assert not make(f"{family}_discriminator", size, normalization="layer").uses_batch_statistics
    assert make(f"{family}_generator", size, normalization="batch").uses_batch_statistics


def shared_weights(first: nn.Module, second: nn.Module) -> list[str]:
    a, b = first.state_dict(), second.state_dict()
    return [name for name in a.keys() & b.keys() if a[name].shape == b[name].shape and torch.equal(a[name], b[name])]


@pytest.mark.parametrize(("family", "size"), SMALLEST)
def test_a_conditional_discriminator_starts_from_the_weights_of_an_unconditional_one(
    family: str, size: int, make: Any
) -> None:
    for arguments in [{}, {"attention_resolution": size // 2}] if family in RESIDUAL else [{}]:
        plain = make(f"{family}_discriminator", size, **arguments)
        conditional = make(f"{family}_discriminator", size, num_classes=3, **arguments)
        assert len(shared_weights(plain, conditional)) == len(plain.state_dict())


@pytest.mark.parametrize(("family", "size"), [(f, s) for f, s in SMALLEST if f != "biggan"])
def test_a_conditional_generator_starts_from_the_weights_of_an_unconditional_one(
    family: str, size: int, make: Any
) -> None:
    plain, conditional = (make(f"{family}_generator", size, num_classes=k) for k in (0, 3))
    missing = plain.state_dict().keys() - shared_weights(plain, conditional)
    # The scales and shifts of normalizations that became conditional.
    assert all("norm" in name for name in missing)
    z = latents(2)
    shown = conditional(Latents(z, torch.tensor([0, 2])))
    assert torch.allclose(shown, plain(Latents(z)), atol=1e-5)


@pytest.mark.parametrize(("family", "size"), SMALLEST)
@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_a_conditional_network_demands_labels(family: str, size: int, kind: str, make: Any) -> None:
    network = make(f"{family}_{kind}", size, num_classes=3)
    with pytest.raises(AssertionError, match="given no labels"):
        network(Latents(latents(2)) if isinstance(network, Generator) else images(2, size))


@pytest.mark.parametrize(("family", "size"), SMALLEST)
def test_the_projection_adds_the_inner_product_of_embedding_and_features(family: str, size: int, make: Any) -> None:
    network = make(f"{family}_discriminator", size, normalization="none", num_classes=3)
    x, labels = images(3, size), torch.tensor([2, 0, 1])
    output = network(x, labels)
    embedding = network.conditional_head.embedding.weight
    plain = network.logit(output.features_NF)[:, 0]
    expected = plain + torch.stack([embedding[y].dot(f) for y, f in zip(labels, output.features_NF, strict=True)])
    assert torch.allclose(output.logits_N, expected, atol=1e-5)


@pytest.mark.parametrize(("family", "size"), SMALLEST)
def test_a_joined_forward_pass_equals_separate_ones(family: str, size: int, make: Any) -> None:
    network = make(f"{family}_discriminator", size, normalization="layer").double()
    x = images(5, size).double()
    joined = network(x).split([2, 3])
    assert torch.allclose(joined[0].logits_N, network(x[:2]).logits_N)
    assert torch.allclose(joined[1].features_NF, network(x[2:]).features_NF)


@pytest.mark.parametrize(("family", "size"), SMALLEST)
@pytest.mark.parametrize("num_classes", [0, 3])
def test_both_networks_run_in_bfloat16_with_float32_weights(
    family: str, size: int, num_classes: int, make: Any
) -> None:
    y = torch.tensor([0, 1, 2, 0]) if num_classes else None
    generator = make(f"{family}_generator", size, spectral_norm=True, num_classes=num_classes)
    discriminator = make(f"{family}_discriminator", size, normalization="none", num_classes=num_classes)
    with torch.autocast("cpu", torch.bfloat16):
        logits = discriminator(generator(Latents(latents(4), y)), y).logits_N
    logits.float().square().sum().backward()
    for parameter in [*generator.parameters(), *discriminator.parameters()]:
        assert parameter.grad is not None
        assert parameter.grad.dtype is torch.float32
        assert parameter.grad.isfinite().all()


@pytest.mark.parametrize(("family", "size"), SMALLEST)
def test_the_memory_format_changes_no_image(family: str, size: int, make: Any) -> None:
    network = make(f"{family}_generator", size).double().eval()
    expected = network(Latents(latents(2).double()))
    network.to(memory_format=torch.channels_last)
    assert torch.allclose(network(Latents(latents(2).double())), expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
@pytest.mark.parametrize("family", RESIDUAL)
def test_attention_starts_as_the_network_without_and_then_changes_it(family: str, kind: str, make: Any) -> None:
    plain, attentive = (make(f"{family}_{kind}", 32, attention_resolution=r) for r in (None, 16))
    assert not any("attention" in name for name in plain.state_dict())
    assert len(shared_weights(plain, attentive)) == len(plain.state_dict())
    (attention,) = [module for module in attentive.modules() if isinstance(module, SelfAttention)]

    def show(network: nn.Module) -> Tensor:
        out = network(Latents(latents(2)) if isinstance(network, Generator) else images(2, 32))
        shown: Tensor = out if isinstance(out, Tensor) else out.logits_N
        return shown

    assert torch.equal(show(plain), show(attentive))
    attention.scale.data.fill_(1.0)
    assert not torch.allclose(show(plain), show(attentive), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("family", RESIDUAL)
def test_attention_stands_after_the_first_block_of_its_size(family: str, make: Any) -> None:
    network = make(f"{family}_discriminator", 32, attention_resolution=8, normalization="none")
    sizes = [height for _, height, _ in network.tap_shapes.values()]
    places = [isinstance(module, SelfAttention) for module in network.attention]
    assert places.index(True) == sizes.index(8)
    assert sum(places) == 1


@pytest.mark.parametrize("family", RESIDUAL)
def test_a_gradient_penalty_passes_through_attention(family: str, make: Any) -> None:
    network = make(f"{family}_discriminator", 32, attention_resolution=16, normalization="none")
    for attention in network.attention.children():
        if isinstance(attention, SelfAttention):
            attention.scale.data.fill_(0.5)
    gradient = input_gradient(network, ImageBatch(images(2, 32)))
    gradient.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
    assert network.attention[0].query.parametrizations.weight.original.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("name", "size", "resolution", "known"),
    [
        ("resnet_generator", 32, 4, "8, 16, 32"),
        ("resnet_generator", 48, 16, "12, 24, 48"),
        ("resnet_discriminator", 32, 32, "16, 8"),
        ("resnet5_generator", 16, 4, "8, 16"),
        ("resnet5_discriminator", 16, 1, "8, 4, 2"),
        ("biggan_generator", 64, 4, "8, 16, 32, 64"),
        ("biggan_discriminator", 64, 64, "32, 16, 8, 4"),
    ],
)
def test_attention_at_a_size_that_no_block_returns_is_refused_naming_the_sizes(
    name: str, size: int, resolution: int, known: str, make: Any
) -> None:
    expected = f"attention_resolution = {resolution} is no height of its feature maps; here they have {known} px"
    with pytest.raises(UserError, match=expected):
        make(name, size, width=1, attention_resolution=resolution)


def test_published_and_other_latents_have_their_distribution(make: Any) -> None:
    rng = torch.Generator().manual_seed(0)
    for family in ("dcgan", "resnet5"):
        uniform = make(f"{family}_generator", 16, latent="uniform").sample_latents(500, rng=rng)
        standard = make(f"{family}_generator", 16, latent="normal").sample_latents(500, rng=rng)
        assert uniform.abs().max() <= 1
        assert uniform.var() == pytest.approx(1 / 3, abs=0.02)
        assert standard.var() == pytest.approx(1, abs=0.05)
    assert make("dcgan_generator", 16).sample_latents(500, rng=rng).abs().max() <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_both_networks_are_of_their_kind(family: str, make: Any) -> None:
    assert isinstance(make(f"{family}_generator", 32), Generator)
    assert isinstance(make(f"{family}_discriminator", 32), Discriminator)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_generator_says_whether_its_blocks_see_different_parts_of_the_latents(family: str) -> None:
    arguments = {"width": 4, "normalization": registry.part("normalizations.batch")}
    part = registry.part(f"architectures.{family}_generator", **arguments)
    generator = part(image_shape=(1, 32, 32), latent_dim=8, conditioning=None)
    assert isinstance(generator, Generator)
    seen: list[Tensor] = []
    for block in generator.blocks:  # type: ignore[union-attr]
        block.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1].latents_NL))
    latents_NL = torch.randn(2, 8)
    generator(Latents(latents_NL))
    assert generator.splits_latents == (not all(torch.equal(latents, latents_NL) for latents in seen))
