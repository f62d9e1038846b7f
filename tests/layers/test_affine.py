"""Warped images against numpy's turns and mirrors, scipy's interpolation and torch's own sampling."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from ganzoo.layers.affine import scaling, shifting, turning, warp

IMAGES_NCHW = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(0)) * 2 - 1


def both(value: float) -> Tensor:
    return torch.full((2,), value)


def turn(angle: float) -> Tensor:
    return turning(both(math.cos(angle)), both(math.sin(angle)))


SHEARED = turn(0.4) @ scaling(both(1.3), both(0.7)) @ shifting(both(2.6), both(-9.3))


def test_the_identity_returns_the_images_to_the_bit() -> None:
    assert torch.equal(warp(IMAGES_NCHW, torch.eye(3).expand(2, 3, 3)), IMAGES_NCHW)


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize(("k", "cos", "sin"), [(1, 0.0, 1.0), (2, -1.0, 0.0), (3, 0.0, -1.0)])
def test_a_quarter_turn_is_numpys_to_the_bit(size: int, k: int, cos: float, sin: float) -> None:
    square = IMAGES_NCHW[..., :size] if size == 5 else IMAGES_NCHW[..., :4, :4]
    turned = warp(square, turning(both(cos), both(sin)))
    assert np.array_equal(turned, np.rot90(square, k, axes=(2, 3)))


def test_a_factor_of_minus_1_mirrors_to_the_bit() -> None:
    assert torch.equal(warp(IMAGES_NCHW, scaling(both(-1.0), both(1.0))), IMAGES_NCHW.flip(3))


@pytest.mark.parametrize(("x", "y"), [(2, 0), (0, 3), (-3, 1), (6, -4)])
def test_a_shift_by_whole_pixels_shows_the_mirrored_border_to_the_bit(x: int, y: int) -> None:
    padded = np.pad(IMAGES_NCHW, ((0, 0), (0, 0), (4, 4), (6, 6)), mode="reflect")
    expected = padded[:, :, 4 - y : 9 - y, 6 - x : 13 - x]
    assert np.array_equal(warp(IMAGES_NCHW, shifting(both(float(x)), both(float(y)))), expected)


def test_each_image_has_a_map_of_its_own() -> None:
    moved = warp(IMAGES_NCHW, shifting(torch.tensor([0.0, 1.0]), torch.zeros(2)))
    assert torch.equal(moved[0], IMAGES_NCHW[0])
    assert torch.equal(moved[1, :, :, 1:], IMAGES_NCHW[1, :, :, :-1])


def test_an_enlarged_image_shows_its_centre() -> None:
    line = torch.arange(5.0).reshape(1, 1, 1, 5).expand(1, 1, 2, 5)
    larger = warp(line, scaling(torch.tensor([2.0]), torch.tensor([1.0])))
    assert larger[0, 0].tolist() == [[1.0, 1.5, 2.0, 2.5, 3.0]] * 2


@pytest.mark.parametrize("source", [turn(0.7), scaling(both(0.4), both(2.1)), SHEARED])
def test_any_map_is_scipys_linear_interpolation_of_the_mirrored_image(source: Tensor) -> None:
    # scipy has rows before columns, counts from the corner, and calls mirroring at pixels' centres `mirror`.
    center = np.array([2.0, 3.0])
    matrix = source[0, [1, 0]][:, [1, 0]].double().numpy()
    offset = source[0, [1, 0], 2].double().numpy() + center - matrix @ center
    warped = warp(IMAGES_NCHW, source)
    for i in range(2):
        for c in range(3):
            expected = ndimage.affine_transform(IMAGES_NCHW[i, c], matrix, offset, order=1, mode="mirror")
            np.testing.assert_allclose(warped[i, c], expected, atol=2e-5)


@pytest.mark.parametrize("source", [turn(0.7), SHEARED])
def test_values_and_gradients_are_those_of_grid_sample(source: Tensor) -> None:
    scale = torch.diag(torch.tensor([3.0, 2.0, 1.0]))  # half of the width and of the height, less one pixel
    grid = functional.affine_grid((scale.inverse() @ source @ scale)[:, :2], [2, 3, 5, 7], align_corners=True)
    weight = torch.rand(IMAGES_NCHW.shape, generator=torch.Generator().manual_seed(1))
    leaves = [IMAGES_NCHW.clone().requires_grad_() for _ in range(2)]
    ours = warp(leaves[0], source)
    theirs = functional.grid_sample(leaves[1], grid, padding_mode="reflection", align_corners=True)
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=0)
    for out in (ours, theirs):
        (out * weight).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(leaves[0].grad, leaves[1].grad, atol=5e-5, rtol=0)


def test_maps_that_follow_one_another_are_multiplied_from_left_to_right() -> None:
    first, second = scaling(both(-1.0), both(1.0)), shifting(both(2.0), both(0.0))
    assert torch.equal(warp(IMAGES_NCHW, first @ second), warp(warp(IMAGES_NCHW, first), second))
