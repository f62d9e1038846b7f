"""The ResNets against counts from the literature and a plain functional reference. P: parameters by name."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo import registry
from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.batch import Latents
from ganzoo.conditioning.base import Conditioning
from ganzoo.errors import UserError
from ganzoo.layers.batch_statistics import frozen_batch_statistics
from ganzoo.randomness import initialization

SHAPES = [(channels, size, size) for size in (16, 32, 48, 64, 128) for channels in (1, 3)]
VARIANTS = ["sngan", "compare_gan"]


def make_generator(
    width: int,
    shape: tuple[int, int, int] = (3, 32, 32),
    *,
    normalization: str = "batch",
    latent_dim: int = 128,
    conditioning: Conditioning | None = None,
    **arguments: object,
) -> Generator:
    part = registry.part(
        "architectures.resnet_generator",
        width=width,
        normalization=registry.part(f"normalizations.{normalization}"),
        **arguments,
    )
    network = part(image_shape=shape, latent_dim=latent_dim, conditioning=conditioning)
    assert isinstance(network, Generator)
    return network


def make_discriminator(
    width: int,
    shape: tuple[int, int, int] = (3, 32, 32),
    *,
    normalization: str = "none",
    conditioning: Conditioning | None = None,
    **arguments: object,
) -> Discriminator:
    part = registry.part(
        "architectures.resnet_discriminator",
        width=width,
        normalization=registry.part(f"normalizations.{normalization}"),
        **arguments,
    )
    network = part(image_shape=shape, latent_dim=8, conditioning=conditioning)
    assert isinstance(network, Discriminator)
    return network


def projection(num_classes: int = 10) -> Conditioning:
    conditioning = registry.part("conditioning.projection")(num_classes=num_classes)
    assert isinstance(conditioning, Conditioning)
    return conditioning


def num_parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_at_32_px_are_those_of_the_literature() -> None:
    discriminator = make_discriminator(128)
    assert num_parameters(make_generator(256)) == 4_276_739
    assert num_parameters(discriminator) == 1_053_825
    assert num_parameters(discriminator) + num_parameters(discriminator.layers.linear(128, 4)) == 1_054_341
    assert num_parameters(make_generator(256, conditioning=projection())) == 4_304_387
    assert num_parameters(make_discriminator(128, conditioning=projection())) == 1_055_105


def conv_size(in_channels: int, out_channels: int, kernel_size: int) -> int:
    return in_channels * out_channels * kernel_size**2 + out_channels


@pytest.mark.parametrize("size", [64, 128])
def test_parameter_counts_at_64_and_128_px_are_those_of_the_published_widths(size: int) -> None:
    # Widths as in the sources at 1024 channels, here with 16: each block (in, between, out, has a shortcut).
    top = 16
    up = [(top, top)] * (size == 128) + [(top, top // 2), (top // 2, top // 4), (top // 4, top // 8), (top // 8, 1)]
    expected = 8 * 16 * top + 16 * top + 2 + conv_size(1, 3, 3)
    for i, o in up:
        expected += 2 * i + 2 * o + conv_size(i, o, 3) + conv_size(o, o, 3) + conv_size(i, o, 1)
    assert num_parameters(make_generator(1, (3, size, size), latent_dim=8)) == expected

    # Between its convolutions a discriminator's block is as wide as its input, but for the first.
    down = [(3, 1, 1, True)] + [(i, i, 2 * i, True) for i in (1, 2, 4, 8)]
    down += [(top, top, top, False)] * (size == 128)
    expected = top + 1
    for i, m, o, has_shortcut in down:
        expected += conv_size(i, m, 3) + conv_size(m, o, 3) + has_shortcut * conv_size(i, o, 1)
    discriminator = make_discriminator(1, (3, size, size))
    assert num_parameters(discriminator) == expected
    assert list(discriminator.tap_shapes.values())[-1] == (top, size // 32, size // 32)


def test_parameter_counts_at_48_px_follow_from_the_table_of_the_paper() -> None:
    # Table 5 at a width of 64: dense to 6x6x512, blocks up to 256, 128, 64; D down 64, 128, 256, 512, then 1024.
    expected = 128 * 36 * 512 + 36 * 512 + 2 * 64 + conv_size(64, 3, 3)
    for i, o in [(512, 256), (256, 128), (128, 64)]:
        expected += 2 * i + 2 * o + conv_size(i, o, 3) + conv_size(o, o, 3) + conv_size(i, o, 1)
    assert num_parameters(make_generator(64, (3, 48, 48))) == expected
    expected = 1024 + 1
    for i, m, o in [(3, 64, 64), *((w, w, 2 * w) for w in (64, 128, 256, 512))]:
        expected += conv_size(i, m, 3) + conv_size(m, o, 3) + conv_size(i, o, 1)
    discriminator = make_discriminator(64, (3, 48, 48))
    assert num_parameters(discriminator) == expected
    assert list(discriminator.tap_shapes.values()) == [
        (64, 24, 24),
        (128, 12, 12),
        (256, 6, 6),
        (512, 3, 3),
        (1024, 3, 3),
    ]


# An independent reference, written from the papers' figures: plain functions of named parameters, no resampling tricks.


def batch_norm(x: Tensor, p: dict[str, Tensor], name: str) -> Tensor:
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, unbiased=False)
    weight, bias = (p[f"{name}.normalize.{key}"][None, :, None, None] for key in ("weight", "bias"))
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def conv(x: Tensor, p: dict[str, Tensor], name: str) -> Tensor:
    weight = p[f"{name}.weight"]
    return F.conv2d(x, weight, p[f"{name}.bias"], padding=weight.shape[-1] // 2)


def unpool(x: Tensor) -> Tensor:
    out = x.new_zeros(x.shape[0], x.shape[1], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def reference_generator(p: dict[str, Tensor], z: Tensor, num_blocks: int, variant: str) -> Tensor:
    up: Callable[[Tensor], Tensor] = unpool
    if variant == "sngan":
        up = lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3)  # noqa: E731
    h = F.linear(z, p["input.weight"], p["input.bias"])
    h = h.reshape(len(z), -1, 4, 4)
    for i in range(num_blocks):
        name = f"blocks.{i}"
        r = conv(up(F.relu(batch_norm(h, p, f"{name}.norm1"))), p, f"{name}.conv1")
        r = conv(F.relu(batch_norm(r, p, f"{name}.norm2")), p, f"{name}.conv2")
        h = r + conv(up(h), p, f"{name}.shortcut")
    h = conv(F.relu(batch_norm(h, p, "last_norm")), p, "output")
    return torch.tanh(h) if variant == "sngan" else 2 * torch.sigmoid(h) - 1


def reference_discriminator(p: dict[str, Tensor], x: Tensor, down: list[bool], variant: str) -> tuple[Tensor, Tensor]:
    h = x if variant == "sngan" else (x + 1) / 2
    for i, halves in enumerate(down):
        name = f"blocks.{i}"
        pool = (lambda y: F.avg_pool2d(y, 2)) if halves else (lambda y: y)
        r = h if i == 0 and variant == "sngan" else F.relu(h)
        r = pool(conv(F.relu(conv(r, p, f"{name}.conv1")), p, f"{name}.conv2"))
        h = r + (pool(conv(h, p, f"{name}.shortcut")) if f"{name}.shortcut.weight" in p else pool(h))
    h = F.relu(h)
    features = h.flatten(2).sum(2) if variant == "sngan" else h.flatten(2).mean(2)
    return F.linear(features, p["logit.weight"], p["logit.bias"])[:, 0], features


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_generator_equals_the_reference(variant: str) -> None:
    network = make_generator(6, (3, 32, 32), latent_dim=5, variant=variant).double()
    z = torch.randn(4, 5).double()
    expected = reference_generator(dict(network.named_parameters()), z, 3, variant)
    assert torch.allclose(network(Latents(z)), expected, atol=1e-10)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_discriminator_equals_the_reference(variant: str) -> None:
    network = make_discriminator(6, (3, 32, 32), spectral_norm=False, variant=variant).double()
    x = torch.rand(4, 3, 32, 32).double() * 2 - 1
    parameters = dict(network.named_parameters())
    logits, features = reference_discriminator(parameters, x, [True, True, False, False], variant)
    output = network(x)
    assert torch.allclose(output.logits_N, logits, atol=1e-10)
    assert torch.allclose(output.features_NF, features, atol=1e-10)


def test_taps_are_what_the_blocks_return() -> None:
    network = make_discriminator(4, (1, 32, 32))
    x = torch.rand(2, 1, 32, 32)
    output = network(x, taps=["block1", "block3"])
    expected = network.blocks[1](network.blocks[0](x))  # type: ignore[index, operator]
    assert torch.equal(output.taps["block1"], expected)
    assert {name: tuple(t.shape[1:]) for name, t in output.taps.items()} == {
        name: network.tap_shapes[name] for name in ("block1", "block3")
    }
    assert torch.allclose(output.taps["block3"].relu().sum((2, 3)), output.features_NF)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_resolution_gives_images_in_range_and_every_parameter_a_gradient(
    shape: tuple[int, int, int], variant: str
) -> None:
    generator = make_generator(2, shape, latent_dim=4, variant=variant)
    discriminator = make_discriminator(2, shape, variant=variant)
    images = generator(Latents(generator.sample_latents(2, rng=torch.Generator().manual_seed(0))))
    assert images.shape == (2, *shape)
    assert images.abs().max() <= 1
    discriminator(images).logits_N.square().sum().backward()
    for name, parameter in [*generator.named_parameters(), *discriminator.named_parameters()]:
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_a_joined_forward_pass_of_the_discriminator_equals_separate_ones() -> None:
    network = make_discriminator(4).double()
    a, b = torch.rand(2, 3, 3, 32, 32).double()
    joined = network(torch.cat([a, b])).split([3, 3])
    assert torch.allclose(joined[0].logits_N, network(a).logits_N)
    assert torch.allclose(joined[1].features_NF, network(b).features_NF)


def test_conditional_networks_start_from_the_weights_of_unconditional_ones() -> None:
    for make in (make_generator, make_discriminator):
        with initialization(0, "network"):
            plain = make(4)
        with initialization(0, "network"):
            conditional = make(4, conditioning=projection())
        shared = conditional.state_dict().keys() & plain.state_dict().keys()
        weights = [name for name in shared if name.endswith(("weight", "bias", "original"))]
        assert len(weights) > 10
        assert all(torch.equal(plain.state_dict()[name], conditional.state_dict()[name]) for name in weights)


def test_a_conditional_generator_starts_by_ignoring_the_label() -> None:
    network = make_generator(4, conditioning=projection())
    z = torch.randn(1, 128).expand(10, -1)
    images = network(Latents(z, torch.arange(10)))
    assert torch.allclose(images, images[:1].expand_as(images), atol=1e-6)


def test_the_projection_adds_the_inner_product_of_embedding_and_features() -> None:
    network = make_discriminator(4, spectral_norm=False, conditioning=projection(3))
    x, labels = torch.rand(3, 3, 32, 32), torch.tensor([2, 0, 1])
    output = network(x, labels)
    embedding = network.conditional_head.embedding.weight  # type: ignore[union-attr]
    plain = network.logit(output.features_NF)[:, 0]  # type: ignore[operator]
    expected = plain + torch.stack([embedding[y].dot(f) for y, f in zip(labels, output.features_NF, strict=True)])
    assert torch.allclose(output.logits_N, expected, atol=1e-5)


def test_labels_are_ignored_without_conditioning_and_demanded_with_it() -> None:
    x, labels = torch.rand(2, 3, 16, 16), torch.tensor([0, 1])
    plain = make_discriminator(4, (3, 16, 16))
    assert torch.equal(plain(x, labels).logits_N, plain(x).logits_N)
    with pytest.raises(AssertionError, match="given no labels"):
        make_discriminator(4, (3, 16, 16), conditioning=projection(2))(x)


def test_a_head_from_the_discriminators_factory_shifts_no_weight() -> None:
    networks = []
    for with_head in (False, True):
        with initialization(0, "discriminator"):
            networks.append(make_discriminator(4, (3, 16, 16)))
        if with_head:
            with initialization(0, "head"):
                head = networks[-1].layers.linear(4, 4)
            assert hasattr(head, "parametrizations"), "it is spectrally normalised as the discriminator is"
    plain, other = (network.state_dict() for network in networks)
    assert all(torch.equal(plain[name], other[name]) for name in plain)


@pytest.mark.parametrize("normalization", ["batch", "self_modulated_batch"])
@pytest.mark.parametrize("conditioning", [None, projection(3)])
def test_frozen_statistics_change_neither_a_generators_images_nor_its_buffers(
    normalization: str, conditioning: Conditioning | None
) -> None:
    network = make_generator(4, (3, 16, 16), normalization=normalization, latent_dim=4, conditioning=conditioning)
    inputs = Latents(torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2]))
    expected = network(inputs)
    before = {name: value.clone() for name, value in network.named_buffers()}
    with frozen_batch_statistics(network):
        images = network(inputs)
    assert torch.equal(images, expected)
    assert before
    assert all(torch.equal(value, before[name]) for name, value in network.named_buffers())


def test_the_memory_format_changes_no_logit() -> None:
    network = make_discriminator(4, (3, 16, 16)).double()
    x = torch.rand(2, 3, 16, 16).double()
    expected = network(x).logits_N
    network.to(memory_format=torch.channels_last)
    assert torch.allclose(network(x.contiguous(memory_format=torch.channels_last)).logits_N, expected, atol=1e-12)


@pytest.mark.parametrize("make", [make_generator, make_discriminator])
def test_both_networks_run_in_bfloat16_with_float32_weights(make: Callable[..., torch.nn.Module]) -> None:
    network = make(4, (3, 16, 16), spectral_norm=True)
    latents = Latents(torch.randn(4, 128))
    shown = latents if isinstance(network, Generator) else torch.rand(4, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        out = network(shown)
    loss = out if isinstance(out, Tensor) else out.logits_N
    loss.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.dtype is torch.float32 for p in network.parameters())


@pytest.mark.parametrize("normalization", ["batch", "self_modulated_batch"])
def test_a_conditional_generator_in_bfloat16_stays_near_float32(normalization: str) -> None:
    torch.manual_seed(0)
    network = make_generator(4, (3, 16, 16), normalization=normalization, latent_dim=4, conditioning=projection(3))
    inputs = Latents(torch.randn(8, 4), torch.arange(8) % 3)
    expected = network(inputs)
    with torch.autocast("cpu", torch.bfloat16):
        images = network(inputs)
    # bfloat16 keeps 8 bits; a dozen layers of it leave about two decimal places.
    assert (images.float() - expected).abs().mean() < 0.03
    images.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_uniform_latents_lie_in_minus_one_to_one_and_normal_ones_do_not() -> None:
    rng = torch.Generator().manual_seed(0)
    uniform = make_generator(4, latent="uniform").sample_latents(500, rng=rng)
    normal = make_generator(4).sample_latents(500, rng=rng)
    assert uniform.abs().max() <= 1
    assert uniform.var() == pytest.approx(1 / 3, abs=0.01)
    assert normal.var() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("make", [make_generator, make_discriminator])
def test_a_width_below_one_is_refused(make: Callable[..., object]) -> None:
    with pytest.raises(UserError, match="width must be at least 1, not 0"):
        make(0)


@pytest.mark.parametrize("make", [make_generator, make_discriminator])
def test_another_resolution_is_refused_naming_the_known_ones(make: Callable[..., object]) -> None:
    with pytest.raises(Exception, match=r"cannot make 24 x 24 images; it is made for 16, 32, 48, 64, 128 px squares"):
        make(4, (3, 24, 24))


def test_a_normalization_that_needs_latents_is_refused_in_a_discriminator() -> None:
    with pytest.raises(Exception, match=r"self_modulated_batch, which takes the generator's input"):
        make_discriminator(4, normalization="self_modulated_batch")


def test_only_a_normalization_over_the_batch_says_so() -> None:
    assert make_discriminator(4, normalization="batch").uses_batch_statistics
    assert not make_discriminator(4, normalization="layer").uses_batch_statistics


def test_standardised_filters_have_mean_0_and_variance_1_in_the_blocks_and_not_at_the_output() -> None:
    standardised = {"weight_standardization": True, "spectral_norm": False}
    generator = make_generator(4, latent_dim=8, **standardised)
    discriminator = make_discriminator(4, **standardised)
    filters = [m.weight for net in (generator, discriminator) for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(filters) > 10
    others = [w for w in filters if w.detach().flatten(1).mean(1).abs().max() > 1e-5]
    assert [w.shape for w in others] == [generator.output.weight.shape]  # type: ignore[union-attr]
    for weight in filters:
        if weight.shape != generator.output.weight.shape:  # type: ignore[union-attr]
            variance = weight.flatten(1).var(1, correction=0)
            # eps = 1e-5 is added to the variance of Glorot's initialisation, which is of the order of 1e-2.
            torch.testing.assert_close(variance, torch.ones(len(weight)), rtol=0, atol=5e-3)
    with pytest.raises(UserError, match=r"spectral_norm and .*weight_standardization both decide the size of a weight"):
        make_discriminator(4, weight_standardization=True, spectral_norm=True)


@pytest.mark.parametrize("make", [make_generator, make_discriminator])
def test_normal_initialization_draws_every_weight_from_n_0_002(make: Callable[..., torch.nn.Module]) -> None:
    with initialization(0, "network"):
        network = make(32, initialization="normal", variant="compare_gan", spectral_norm=False)
    weights = [p for name, p in network.named_parameters() if p.dim() > 1]
    assert len(weights) >= 10
    for weight in weights:
        # The standard error of a deviation of n numbers is sigma / sqrt(2 n).
        assert float(weight.detach().std()) == pytest.approx(0.02, rel=5 / (2 * weight.numel()) ** 0.5)
    biases = [p for name, p in network.named_parameters() if name.endswith("bias")]
    assert all(float(bias.detach().abs().max()) == 0 for bias in biases)


def test_xavier_stays_the_default_and_draws_the_same_numbers() -> None:
    states = []
    for arguments in ({}, {"initialization": "xavier"}):
        with initialization(0, "network"):
            states.append(make_discriminator(8, **arguments).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
