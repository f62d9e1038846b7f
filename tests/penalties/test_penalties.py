"""Penalties on discriminators whose gradient is known."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganzoo import registry
from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.config.load import load
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan
from ganzoo.layers.factory import LayerFactory
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.dragan import dragan
from ganzoo.penalties.l2 import l2
from ganzoo.penalties.orthogonal import orthogonal
from ganzoo.penalties.r1 import r1
from ganzoo.penalties.r2 import r2
from ganzoo.penalties.wgangp import wgangp
from ganzoo.testing.toys import ToyDiscriminator


class Quadratic(Discriminator):
    """D(x) = a / 2 |x|^2 + <w, x>, whose gradient is a x + w; with labels, w is scaled by the label."""

    uses_batch_statistics = False

    def __init__(self, a: float, w: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a))
        self.w = nn.Parameter(torch.full((1, 2, 2), w))
        self.seen: list[tuple[Tensor, Tensor | None]] = []

    def forward(
        self, images_NCHW: Tensor, labels_N: Tensor | None = None, *, taps: Collection[str] = ()
    ) -> DiscriminatorOutput:
        self.seen.append((images_NCHW.detach(), labels_N))
        scale_N = 1.0 if labels_N is None else labels_N
        linear_N = (images_NCHW * self.w).sum((1, 2, 3)) * scale_N
        logits_N = self.a / 2 * images_NCHW.square().sum((1, 2, 3)) + linear_N
        return DiscriminatorOutput(logits_N, images_NCHW.flatten(1))


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


REAL = ImageBatch(torch.rand(4, 1, 2, 2, generator=rng(1)))
FAKE = ImageBatch(torch.rand(4, 1, 2, 2, generator=rng(2)) - 1)


def test_wgangp_of_a_linear_d_is_the_squared_difference_of_its_slope_and_the_target() -> None:
    value = wgangp(weight=10.0, target=1.0)(Quadratic(0.0, 1.5), REAL, FAKE, rng=rng())
    slope = (4 * 1.5**2 + 1e-4) ** 0.5
    assert torch.isclose(value, torch.tensor(10 * (slope - 1) ** 2))


def test_wgangp_takes_one_point_per_pair_on_the_line_between_them_from_its_generator() -> None:
    d = Quadratic(0.7, 0.2)
    value = wgangp()(d, REAL, FAKE, rng=rng(5))
    mix = torch.rand(4, 1, 1, 1, generator=rng(5))
    points = mix * REAL.images_NCHW + (1 - mix) * FAKE.images_NCHW
    torch.testing.assert_close(d.seen[0][0], points)
    slope = ((0.7 * points + 0.2).square().sum((1, 2, 3)) + 1e-4).sqrt()
    torch.testing.assert_close(value, (10 * (slope - 1).square().mean()))


def test_wgangp_has_a_finite_gradient_where_the_slope_vanishes() -> None:
    d = Quadratic(0.0, 0.0)
    wgangp()(d, REAL, FAKE, rng=rng()).backward()
    assert d.w.grad is not None
    assert torch.isfinite(d.w.grad).all()


def test_wgangp_judges_by_the_labels_of_the_real_images() -> None:
    labels_N, others_N = torch.tensor([1, 2, 3, 4]), torch.zeros(4, dtype=torch.int64)
    d = Quadratic(0.0, 0.5)
    value = wgangp()(d, replace(REAL, labels_N=labels_N), replace(FAKE, labels_N=others_N), rng=rng())
    slope = ((labels_N * 0.5).square() * 4 + 1e-4).sqrt()
    torch.testing.assert_close(value, 10 * (slope - 1).square().mean())


def test_r1_is_half_the_weighted_mean_squared_gradient_at_real_images() -> None:
    d = Quadratic(0.7, 0.2)
    value = r1(weight=6.0)(d, REAL, FAKE, rng=rng())
    expected = 3.0 * (0.7 * REAL.images_NCHW + 0.2).square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(value, expected)


def test_r1_gives_d_the_gradient_of_its_formula() -> None:
    d = Quadratic(0.0, 0.2)
    r1(weight=6.0)(d, REAL, FAKE, rng=rng()).backward()
    torch.testing.assert_close(d.w.grad, torch.full((1, 2, 2), 6.0 * 0.2))  # d/dw of 3 * |w|^2


def test_r2_is_half_the_weighted_mean_squared_gradient_at_generated_images() -> None:
    value = r2(weight=6.0)(Quadratic(0.7, 0.2), REAL, FAKE, rng=rng())
    expected = 3.0 * (0.7 * FAKE.images_NCHW + 0.2).square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(value, expected)


def test_dragan_of_a_linear_d_is_the_squared_difference_of_its_slope_and_the_target() -> None:
    value = dragan(weight=10.0, target=1.0)(Quadratic(0.0, 1.5), REAL, FAKE, rng=rng())
    assert torch.isclose(value, torch.tensor(10 * ((4 * 1.5**2 + 1e-4) ** 0.5 - 1) ** 2))


def test_dragan_looks_around_real_images_within_its_radius_and_their_range() -> None:
    d, real = Quadratic(0.7, 0.2), REAL.with_images(REAL.images_NCHW * 2 - 1)
    value = dragan(radius=3.0)(d, real, FAKE, rng=rng(5))
    noise = torch.rand(4, 1, 2, 2, generator=rng(5)) * 2 - 1
    points = (real.images_NCHW + 3.0 * real.images_NCHW.std(correction=0) * noise).clamp(-1, 1)
    torch.testing.assert_close(d.seen[0][0], points)
    assert float(points.abs().max()) == 1.0
    slope = ((0.7 * points + 0.2).square().sum((1, 2, 3)) + 1e-4).sqrt()
    torch.testing.assert_close(value, 10 * (slope - 1).square().mean())


class Layers(Discriminator):
    """A convolution, a transposed one, a linear layer and an embedding, of given weights."""

    uses_batch_statistics = False

    def __init__(self, *, spectral_norm: bool = False) -> None:
        super().__init__()
        layers = LayerFactory(spectral_norm=spectral_norm)
        self.conv, self.linear = layers.conv2d(1, 2, 1), layers.linear(2, 3)
        self.transposed, self.embedding = nn.ConvTranspose2d(3, 2, 1), layers.embedding(5, 4)
        weights = {
            self.conv: [[[[1.0]]], [[[2.0]]]],
            self.linear: [[1.0, 0.0], [0.0, 3.0], [1.0, 1.0]],
            self.transposed: [[[[1.0]], [[2.0]]], [[[0.0]], [[1.0]]], [[[1.0]], [[0.0]]]],
        }
        for layer, weight in weights.items():
            (trained,) = (p for p in layer.parameters() if p.dim() > 1)
            trained.data = torch.tensor(weight)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_l2_is_the_mean_over_layers_of_half_the_squared_weights_as_they_are_trained(spectral_norm: bool) -> None:
    value = l2(weight=10.0)(Layers(spectral_norm=spectral_norm), REAL, FAKE, rng=rng())
    # The convolution's squares sum to 5, the linear layer's to 12, the transposed convolution's to 7.
    assert value.item() == pytest.approx(10 * (5 + 12 + 7) / 2 / 3)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_orthogonal_is_the_sum_of_squared_inner_products_of_different_filters(spectral_norm: bool) -> None:
    penalty, network = orthogonal(d_weight=10.0, g_weight=0.1), Layers(spectral_norm=spectral_norm)
    # Filters: (1) and (2); (1, 0), (0, 3) and (1, 1); (1, 0, 1) and (2, 1, 0). Each pair counts twice.
    expected = 2 * (2**2) + 2 * (0 + 1**2 + 3**2) + 2 * (2**2)
    assert penalty(network, REAL, FAKE, rng=rng()).item() == pytest.approx(10 * expected)
    of_g = penalty.g_penalty(network)  # type: ignore[arg-type]
    assert of_g is not None
    assert of_g.item() == pytest.approx(0.1 * expected)
    assert orthogonal().g_penalty(network) is None  # type: ignore[arg-type]
    nothing = orthogonal(d_weight=0.0, g_weight=0.1)(network, REAL, FAKE, rng=rng())
    assert (nothing.item(), nothing.requires_grad) == (0.0, False)


def test_orthogonal_leaves_the_lengths_of_orthogonal_filters_alone() -> None:
    network = Layers()
    network.linear.weight.data = torch.tensor([[5.0, 0.0], [0.0, 0.1], [0.0, 0.0]])
    orthogonal()(network, REAL, FAKE, rng=rng()).backward()
    assert torch.equal(network.linear.weight.grad, torch.zeros(3, 2))


@pytest.mark.parametrize("name", ["wgangp", "dragan", "r1", "r2", "l2"])
def test_a_negative_weight_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=rf"penalties\.{name}\.weight must not be negative"):
        registry.part(f"penalties.{name}", weight=-1.0)()


@pytest.mark.parametrize("option", ["d_weight", "g_weight"])
def test_a_negative_weight_of_either_network_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must not be negative"):
        orthogonal(**{option: -1.0})


def test_a_radius_of_nothing_is_refused_with_what_would_do() -> None:
    with pytest.raises(ValueError, match=r"radius must be greater than 0, not 0\.0; penalties\.r1"):
        dragan(radius=0.0)


@pytest.mark.parametrize("name", ["wgangp", "dragan", "r1", "r2", "ewc", "l2", "orthogonal"])
def test_a_discriminator_that_normalises_over_the_batch_is_refused_by_those_that_look_at_one_image(
    name: str, tiny_recipe: Path
) -> None:
    part = registry.part(f"penalties.{name}")
    assert issubclass(part.component, Penalty)
    experiment = replace(load(str(tiny_recipe)).experiment, penalty=(registry.part("penalties.l2"), part))
    experiment = replace(experiment, penalty=part) if name == "l2" else experiment
    spec = DataSpec((1, 16, 16), 0, {"train": 20})
    build_gan(experiment, spec)
    arguments = {"width": 4, "normalization": registry.part("normalizations.batch")}
    batch_normalised = replace(experiment.discriminator, arguments=arguments)
    if name in ("l2", "orthogonal"):
        build_gan(replace(experiment, discriminator=batch_normalised), spec)
        return
    with pytest.raises(UserError, match=f"penalties.{name} needs logits that depend on one image each"):
        build_gan(replace(experiment, discriminator=batch_normalised), spec)


def test_the_toy_with_batch_normalization_says_so() -> None:
    assert ToyDiscriminator(batch_norm=True).uses_batch_statistics
