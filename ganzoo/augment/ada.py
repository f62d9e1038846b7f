"""Adaptive discriminator augmentation: as much of it as D's overfitting asks for. N: batch; C, H, W: image.

33 and 44 are homogeneous matrices of positions and of colours.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from ganzoo.augment.base import Augment
from ganzoo.errors import ParameterError, check_at_least
from ganzoo.layers import affine, color
from ganzoo.registry import register

Transform = Literal[
    "flip", "quarter_turn", "integer_shift", "scale", "rotation", "stretch", "fractional_shift",
    "brightness", "contrast", "luma_flip", "hue", "saturation",
]  # fmt: skip

# Of shifts, as shares of the image; of factors, the standard deviations of their logarithms to the base 2.
MAX_INTEGER_SHIFT = 0.125
SCALE_DEVIATION = STRETCH_DEVIATION = 0.2
FRACTIONAL_SHIFT_DEVIATION = 0.125
BRIGHTNESS_DEVIATION = 0.2
CONTRAST_DEVIATION = 0.5
SATURATION_DEVIATION = 1.0


def _flip(num: int, size_2: Tensor, rng: torch.Generator) -> Tensor:
    sign_N = 1.0 - 2.0 * torch.randint(2, (num,), generator=rng)
    return affine.scaling(sign_N, torch.ones(num))


def _quarter_turn(num: int, size_2: Tensor, rng: torch.Generator) -> Tensor:
    turns_N = torch.randint(4, (num,), generator=rng)
    return affine.turning(torch.tensor([1.0, 0.0, -1.0, 0.0])[turns_N], torch.tensor([0.0, 1.0, 0.0, -1.0])[turns_N])


def _integer_shift(num: int, size_2: Tensor, rng: torch.Generator) -> Tensor:
    share_N2 = (torch.rand(num, 2, generator=rng) * 2 - 1) * MAX_INTEGER_SHIFT
    return affine.shifting(*(share_N2 * size_2).round().unbind(1))


def _scale(num: int, size_2: Tensor, rng: torch.Generator) -> Tensor:
    factor_N = _factor(num, SCALE_DEVIATION, rng)
    return affine.scaling(factor_N, factor_N)


def _rotation(num: int, size_2: Tensor, rng: torch.Generator) -> Tensor:
    angle_N = _angle(num, rng)
    return affine.turning(angle_N.cos(), angle_N.sin())


def _stretch(num: int, size_2: Tensor, rng: torch.Generator) -> Tensor:
    factor_N = _factor(num, STRETCH_DEVIATION, rng)
    return affine.scaling(factor_N, 1 / factor_N)


def _fractional_shift(num: int, size_2: Tensor, rng: torch.Generator) -> Tensor:
    share_N2 = torch.randn(num, 2, generator=rng) * FRACTIONAL_SHIFT_DEVIATION
    return affine.shifting(*(share_N2 * size_2).unbind(1))


def _factor(num: int, deviation: float, rng: torch.Generator) -> Tensor:
    return torch.exp2(torch.randn(num, generator=rng) * deviation)


def _angle(num: int, rng: torch.Generator) -> Tensor:
    return (torch.rand(num, generator=rng) * 2 - 1) * math.pi


# Each draws one map for each of `num` images of `size_2` = (W, H), in the order in which they are applied. What stands
# twice is applied with such a probability that at least one of the two is with probability p.
GEOMETRY: Sequence[tuple[Transform, Callable[[int, Tensor, torch.Generator], Tensor]]] = (
    ("flip", _flip),
    ("quarter_turn", _quarter_turn),
    ("integer_shift", _integer_shift),
    ("scale", _scale),
    ("rotation", _rotation),
    ("stretch", _stretch),
    ("rotation", _rotation),
    ("fractional_shift", _fractional_shift),
)
COLOR: Sequence[tuple[Transform, Callable[[int, torch.Generator], Tensor]]] = (
    ("brightness", lambda num, rng: color.brightness(torch.randn(num, generator=rng) * BRIGHTNESS_DEVIATION)),
    ("contrast", lambda num, rng: color.contrast(_factor(num, CONTRAST_DEVIATION, rng))),
    ("luma_flip", lambda num, rng: color.luma_flip(torch.randint(2, (num,), generator=rng).float())),
    ("hue", lambda num, rng: color.hue(_angle(num, rng))),
    ("saturation", lambda num, rng: color.saturation(_factor(num, SATURATION_DEVIATION, rng))),
)
TRANSFORMS: tuple[Transform, ...] = tuple(dict.fromkeys(name for name, _ in (*GEOMETRY, *COLOR)))
TURNS = ("quarter_turn", "rotation")


@register("augment")
class ada(Augment):
    """Transform real and generated images with a probability p that follows D's overfitting (ADA).

    Source: Karras et al., "Training Generative Adversarial Networks with Limited Data", arXiv:2006.06676: each
    transform of an image is applied with probability p; p rises while r_t, the mean sign of D's logits on real images,
    is above its target, and falls while it is below. The transforms are the paper's pixel blitting, general geometric
    and colour transformations with the ranges of its code (NVlabs/stylegan2-ada-pytorch), whose default they are; its
    filters, noise and cutout are left out, which there helped little or not at all. As there, values may leave [-1, 1].

    Departures: pixels are interpolated linearly from the image itself, not from one upsampled by a wavelet filter, so
    that images drawn small alias and whole pixels are copied to the bit; images are mirrored without end, not once and
    then 0; p stays at most 1, beyond which nothing more is applied; a gradient penalty differentiates with respect to
    the transformed image. Signs of logits tell something only of losses whose logits part at 0, hinge and
    non-saturating among them.

    >>> images_NCHW = torch.rand(2, 3, 8, 8)
    >>> torch.equal(ada()(images_NCHW, rng=torch.Generator()), images_NCHW)  # p begins at 0
    True

    Args:
        transforms: which of the twelve may be applied; their order is always the paper's.
        target: of r_t, in [-1, 1]; None keeps p as it begins.
        initial_probability: p at the start, in [0, 1].
        num_batches: discriminator steps over which r_t is taken before each change of p.
        ramp_kimg: thousands of real images over which p can move by 1.
    """

    applies_to_fake = True
    keeps_range = False
    turns_images = True  # as long as the transforms that do are not left out
    follows_logits = True  # as long as there is a target
    probability: Tensor
    num_seen_batches: Tensor
    num_seen_images: Tensor
    sum_of_signs: Tensor
    mean_sign: Tensor

    def __init__(
        self,
        *,
        transforms: Sequence[Transform] = TRANSFORMS,
        target: float | None = 0.6,
        initial_probability: float = 0.0,
        num_batches: int = 4,
        ramp_kimg: float = 500.0,
    ) -> None:
        super().__init__()
        unknown = [name for name in transforms if name not in TRANSFORMS]
        if unknown or not transforms or len(set(transforms)) < len(transforms):
            known = ", ".join(TRANSFORMS)
            raise ParameterError(
                "transforms", f"must name each of {known} at most once, and one of them, not {transforms}"
            )
        if target is not None and not -1 <= target <= 1:
            raise ParameterError("target", f"is a mean of signs and must lie in [-1, 1], not {target}")
        if not 0 <= initial_probability <= 1:
            raise ParameterError("initial_probability", f"must lie in [0, 1], not {initial_probability}")
        check_at_least(1, num_batches=num_batches)
        if ramp_kimg <= 0:
            raise ParameterError("ramp_kimg", f"must be above 0, not {ramp_kimg}; target = None keeps p as it begins")
        self.transforms, self.target = tuple(transforms), target
        self.num_batches, self.ramp_kimg = num_batches, ramp_kimg
        self.turns_images = any(name in self.transforms for name in TURNS)
        self.follows_logits = target is not None
        self.register_buffer("probability", torch.tensor(float(initial_probability)))
        for name in ("num_seen_batches", "num_seen_images", "sum_of_signs", "mean_sign"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, images_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        """Return transformed images (N, C, H, W), whose values may leave [-1, 1]; p = 0 returns them to the bit."""
        num, _, height, width = images_NCHW.shape
        size_2 = torch.tensor([width, height])
        source_N33 = torch.eye(3, device=images_NCHW.device)
        for name, draw_position in GEOMETRY:
            if name in self.transforms:
                times = sum(name == other for other, _ in GEOMETRY)
                source_N33 = source_N33 @ self._sometimes(draw_position(num, size_2, rng), rng, times=times)
        color_N44 = torch.eye(4, device=images_NCHW.device)
        for name, draw_color in COLOR:
            if name in self.transforms:
                color_N44 = self._sometimes(draw_color(num, rng), rng) @ color_N44
        if source_N33.ndim == 3:
            images_NCHW = affine.warp(images_NCHW, source_N33)
        return color.recolor(images_NCHW, color_N44) if color_N44.ndim == 3 else images_NCHW

    def _sometimes(self, matrix_Nkk: Tensor, rng: torch.Generator, *, times: int = 1) -> Tensor:
        """Return each matrix with probability p, if it is drawn `times` times, and else the identity."""
        # The same numbers are drawn whatever p is, and on the CPU, so that they do not depend on the device.
        coin_N11 = torch.rand(len(matrix_Nkk), 1, 1, generator=rng).to(self.probability.device)
        is_applied_N11 = coin_N11 < 1 - (1 - self.probability) ** (1 / times)
        identity_kk = torch.eye(matrix_Nkk.shape[-1], device=self.probability.device)
        return torch.where(is_applied_N11, matrix_Nkk.to(self.probability.device), identity_kk)

    @torch.no_grad()
    def after_d_step(self, real_logits_N: Tensor) -> None:
        """Take the signs of a batch into account, and move p by one step after every `num_batches`."""
        signs_N = real_logits_N.float().sign()
        self.mean_sign.copy_(signs_N.mean())
        if self.target is None:
            return
        self.num_seen_batches += 1
        self.num_seen_images += len(signs_N)
        self.sum_of_signs += signs_N.sum()
        # Without a branch, since a value would have to be waited for.
        is_due = self.num_seen_batches >= self.num_batches
        direction = (self.sum_of_signs / self.num_seen_images - self.target).sign()
        moved = self.probability + direction * self.num_seen_images / (1000 * self.ramp_kimg)
        self.probability.copy_(torch.where(is_due, moved.clamp(0, 1), self.probability))
        for sum_ in (self.num_seen_batches, self.num_seen_images, self.sum_of_signs):
            sum_.mul_(~is_due)

    def reports(self) -> Mapping[str, Tensor]:
        """Return p, and r_t of the last batch."""
        return {"p": self.probability.clone(), "r_t": self.mean_sign.clone()}
