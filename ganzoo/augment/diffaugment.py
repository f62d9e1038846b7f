"""DiffAugment: the same differentiable augmentation of real and generated images. N: batch; C, H, W: image."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.augment.base import Augment
from ganzoo.errors import ParameterError
from ganzoo.registry import register

Policy = Literal["color", "translation", "cutout"]

MAX_BRIGHTNESS = 0.5  # added, up to a quarter of the range [-1, 1]
MAX_SHIFT = 0.125  # of the image
CUTOUT = 0.5  # of the image's side


@register("augment")
class diffaugment(Augment):
    """Change colours, move and cut images, real and generated ones alike, before D in both steps (DiffAugment).

    Source: Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738, with the
    ranges of its code (mit-han-lab/data-efficient-gans): brightness + U(-0.5, 0.5), saturation x U(0, 2), contrast
    x U(0.5, 1.5), a shift of up to an eighth of the image by whole pixels, and a square hole of half its side whose
    centre lies anywhere in it. Uncovered and cut pixels are 0, mid-grey. As there, values may leave [-1, 1]: clamping
    them would stop G's gradients. Every image is changed, each by draws of its own.

    >>> cut_NCHW = diffaugment(policy=["cutout"])(torch.ones(4, 1, 8, 8), rng=torch.Generator())
    >>> cut_NCHW.unique().tolist()
    [0.0, 1.0]

    Args:
        policy: which of `color`, `translation` and `cutout`, in the order in which they are applied.
    """

    applies_to_fake = True
    keeps_range = False

    def __init__(self, *, policy: Sequence[Policy] = ("color", "translation", "cutout")) -> None:
        super().__init__()
        unknown = [name for name in policy if name not in POLICIES]
        if unknown or not policy or len(set(policy)) < len(policy):
            known = ", ".join(POLICIES)
            raise ParameterError("policy", f"must name each of {known} at most once, and one of them, not {policy}")
        self.policy = tuple(policy)

    def forward(self, images_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        """Return changed images (N, C, H, W), whose values may leave [-1, 1]."""
        for name in self.policy:
            images_NCHW = POLICIES[name](images_NCHW, rng)
        return images_NCHW


def change_color(x_NCHW: Tensor, rng: torch.Generator) -> Tensor:
    """Change brightness, then saturation, then contrast."""
    x_NCHW = x_NCHW + (_uniform(x_NCHW, rng) * 2 - 1) * MAX_BRIGHTNESS
    grey_N1HW = x_NCHW.mean(1, keepdim=True)
    x_NCHW = grey_N1HW + (x_NCHW - grey_N1HW) * (_uniform(x_NCHW, rng) * 2)
    mean_N111 = x_NCHW.mean((1, 2, 3), keepdim=True)
    return mean_N111 + (x_NCHW - mean_N111) * (_uniform(x_NCHW, rng) + 0.5)


def translate(x_NCHW: Tensor, rng: torch.Generator) -> Tensor:
    """Move each image by whole pixels, up to an eighth of it, and fill up with 0."""
    num, _, height, width = x_NCHW.shape
    most_y, most_x = _share(height, MAX_SHIFT), _share(width, MAX_SHIFT)
    y_N = torch.randint(-most_y, most_y + 1, (num,), generator=rng).to(x_NCHW.device)
    x_N = torch.randint(-most_x, most_x + 1, (num,), generator=rng).to(x_NCHW.device)
    rows_NH = torch.arange(height, device=x_NCHW.device) + most_y - y_N[:, None]
    columns_NW = torch.arange(width, device=x_NCHW.device) + most_x - x_N[:, None]
    padded = functional.pad(x_NCHW, (most_x, most_x, most_y, most_y))
    moved = padded.take_along_dim(rows_NH[:, None, :, None], dim=2)
    return moved.take_along_dim(columns_NW[:, None, None, :], dim=3)


def cut_out(x_NCHW: Tensor, rng: torch.Generator) -> Tensor:
    """Set a rectangle of half the image's height and width to 0; part of it may lie outside."""
    num, _, height, width = x_NCHW.shape
    hidden_NH, hidden_NW = (_stretch(num, size, rng).to(x_NCHW.device) for size in (height, width))
    hidden_N1HW = (hidden_NH[:, :, None] & hidden_NW[:, None, :])[:, None]
    return x_NCHW.masked_fill(hidden_N1HW, 0.0)


def _stretch(num: int, size: int, rng: torch.Generator) -> Tensor:
    """Return which of `size` pixels in a row are cut, (N, size), half of them if none lies outside."""
    length = _share(size, CUTOUT)
    # An even stretch has its centre between two pixels, and one more place for it.
    start_N1 = torch.randint(0, size + 1 - length % 2, (num, 1), generator=rng) - length // 2
    pixels = torch.arange(size)
    return (pixels >= start_N1) & (pixels < start_N1 + length)


def _share(size: int, ratio: float) -> int:
    """Return a share of a number of pixels, a half rounded up as in the authors' code."""
    return int(size * ratio + 0.5)


def _uniform(x_NCHW: Tensor, rng: torch.Generator) -> Tensor:
    """Return a number in [0, 1) for each image, drawn on the CPU, so that it does not depend on the device."""
    return torch.rand(len(x_NCHW), 1, 1, 1, generator=rng).to(x_NCHW.device)


POLICIES: Mapping[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "color": change_color,
    "translation": translate,
    "cutout": cut_out,
}
