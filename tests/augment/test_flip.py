"""Flips against a mask drawn from the same generator."""

import pytest
import torch

from ganzoo.augment.flip import flip

IMAGES_NCHW = torch.arange(32 * 6, dtype=torch.float32).reshape(32, 1, 2, 3) / 96 - 1


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_each_image_is_mirrored_or_not_as_its_own_draw_says() -> None:
    mask_N = torch.rand(32, generator=rng()) < 0.25
    out = flip(probability=0.25)(IMAGES_NCHW, rng=rng())
    for i, is_flipped in enumerate(mask_N.tolist()):
        rows = [row[::-1] if is_flipped else row for row in IMAGES_NCHW[i, 0].tolist()]
        assert out[i, 0].tolist() == rows
    assert 0 < mask_N.sum() < 32


@pytest.mark.parametrize(("probability", "expected"), [(0.0, IMAGES_NCHW), (1.0, IMAGES_NCHW.flip(3))])
def test_never_and_always(probability: float, expected: torch.Tensor) -> None:
    assert torch.equal(flip(probability=probability)(IMAGES_NCHW, rng=rng()), expected)


def test_fakes_are_left_alone() -> None:
    assert not flip.applies_to_fake


def test_a_probability_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"probability must lie in \[0, 1\], not 1.5"):
        flip(probability=1.5)
