"""Recoloured images against numpy and scipy's rotations."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from ganzoo.layers.color import brightness, contrast, hue, luma_flip, recolor, saturation

IMAGES_NCHW = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * 2 - 1
LUMA = np.ones(3) / math.sqrt(3)
AMOUNTS_N = torch.tensor([0.3, -1.2])


def by_numpy(matrices: list[np.ndarray]) -> np.ndarray:
    return np.stack([np.einsum("ij,jhw->ihw", m, x) for m, x in zip(matrices, IMAGES_NCHW.numpy(), strict=True)])


def close(images: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(images, expected, atol=1e-6)


def test_the_identity_returns_the_images_to_the_bit() -> None:
    for x in (IMAGES_NCHW, IMAGES_NCHW[:, :1]):
        assert torch.equal(recolor(x, torch.eye(4).expand(2, 4, 4)), x)


def test_brightness_is_added_to_every_channel() -> None:
    close(recolor(IMAGES_NCHW, brightness(AMOUNTS_N)), IMAGES_NCHW.numpy() + AMOUNTS_N.numpy()[:, None, None, None])


def test_contrast_multiplies_and_leaves_mid_grey() -> None:
    close(recolor(IMAGES_NCHW, contrast(AMOUNTS_N)), IMAGES_NCHW.numpy() * AMOUNTS_N.numpy()[:, None, None, None])


def test_a_luma_flip_reflects_colours_at_the_plane_of_mid_luma() -> None:
    reflection = np.eye(3) - 2 * np.outer(LUMA, LUMA)
    close(recolor(IMAGES_NCHW, luma_flip(torch.tensor([1.0, 0.0]))), by_numpy([reflection, np.eye(3)]))


def test_hue_turns_colours_about_the_axis_of_greys() -> None:
    matrices = [Rotation.from_rotvec(angle * LUMA).as_matrix() for angle in AMOUNTS_N.tolist()]
    close(recolor(IMAGES_NCHW, hue(AMOUNTS_N)), by_numpy(matrices))
    third = recolor(IMAGES_NCHW, hue(torch.full((2,), 2 * math.pi / 3)))
    torch.testing.assert_close(third, IMAGES_NCHW.roll(1, 1))  # red becomes green


def test_saturation_multiplies_the_distance_from_the_grey_of_equal_mean() -> None:
    grey = IMAGES_NCHW.numpy().mean(1, keepdims=True)
    expected = grey + (IMAGES_NCHW.numpy() - grey) * AMOUNTS_N.numpy()[:, None, None, None]
    close(recolor(IMAGES_NCHW, saturation(AMOUNTS_N)), expected)


@pytest.mark.parametrize(
    "matrix", [brightness(AMOUNTS_N), contrast(AMOUNTS_N), luma_flip(torch.ones(2)), hue(AMOUNTS_N)]
)
def test_a_grey_image_becomes_what_its_colour_form_has_as_mean(matrix: Tensor) -> None:
    grey = IMAGES_NCHW[:, :1]
    expected = recolor(grey.expand(-1, 3, -1, -1), matrix).mean(1, keepdim=True)
    torch.testing.assert_close(recolor(grey, matrix), expected)


def test_maps_that_follow_one_another_are_multiplied_from_right_to_left() -> None:
    first, second = brightness(AMOUNTS_N), contrast(AMOUNTS_N)
    torch.testing.assert_close(recolor(IMAGES_NCHW, second @ first), recolor(recolor(IMAGES_NCHW, first), second))
