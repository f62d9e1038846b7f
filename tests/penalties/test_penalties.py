"""Penalties on discriminators whose gradient is known."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganzoo import config, registry
from ganzoo.architectures.base import Discriminator, DiscriminatorOutput
from ganzoo.batch import ImageBatch
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.experiment import build_gan
from ganzoo.penalties.r1 import r1
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


@pytest.mark.parametrize("penalty", [wgangp, r1])
def test_a_negative_weight_is_refused(penalty: type[wgangp] | type[r1]) -> None:
    with pytest.raises(ValueError, match="weight must not be negative"):
        penalty(weight=-1.0)


@pytest.mark.parametrize("name", ["wgangp", "r1"])
def test_a_discriminator_that_normalises_over_the_batch_is_refused_before_training(
    name: str, tiny_recipe: Path
) -> None:
    experiment = replace(config.load(str(tiny_recipe)).experiment, penalty=registry.part(f"penalties.{name}"))
    spec = DataSpec((1, 16, 16), 0, {"train": 20})
    build_gan(experiment, spec)
    arguments = {"width": 4, "normalization": registry.part("normalizations.batch")}
    batch_normalised = replace(experiment.discriminator, arguments=arguments)
    with pytest.raises(UserError, match=f"penalties.{name} needs logits that depend on one image each"):
        build_gan(replace(experiment, discriminator=batch_normalised), spec)


def test_the_toy_with_batch_normalization_says_so() -> None:
    assert ToyDiscriminator(batch_norm=True).uses_batch_statistics
