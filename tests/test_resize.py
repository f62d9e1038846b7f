"""Resizing."""

import numpy as np
import pytest
import torch
from cleanfid.resize import make_resizer
from PIL import Image

from ganzoo.resize import resize, resize_uint8


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_halving_by_the_bilinear_filter_weighs_pixels_as_a_tent() -> None:
    # The tent of half width 2 around the middle of pixels 1 and 2 has weights 1, 3, 3, 1 of 8; at the border the part
    # that lies outside is left out: 3, 3, 1 of 7.
    row = torch.tensor([0, 70, 140, 210, 0, 0, 0, 0], dtype=torch.float64).expand(1, 1, 8, 8).contiguous()
    halved = resize(row, 4, filter_="bilinear")
    torch.testing.assert_close(halved[0, 0, 0, 0], torch.tensor((3 * 0 + 3 * 70 + 140) / 7, dtype=torch.float64))
    torch.testing.assert_close(halved[0, 0, 0, 1], torch.tensor((70 + 3 * 140 + 3 * 210) / 8, dtype=torch.float64))


@pytest.mark.parametrize("size", [16, 20, 40])
def test_data_are_resized_as_pillow_does_it(pixels: torch.Tensor, size: int) -> None:
    resized = resize_uint8(pixels, size)
    assert resized.dtype == torch.uint8
    for image, own in zip(pixels, resized, strict=True):
        theirs = np.array(
            Image.fromarray(image.permute(1, 2, 0).numpy()).resize((size, size), Image.Resampling.BILINEAR)
        )
        # Pillow rounds after each direction.
        assert np.abs(theirs.astype(int) - own.permute(1, 2, 0).numpy().astype(int)).max() <= 1


def test_an_image_of_the_right_size_stays_as_it_is(pixels: torch.Tensor) -> None:
    assert torch.equal(resize_uint8(pixels, 28), pixels)


def test_the_bicubic_filter_is_that_of_clean_fid(pixels: torch.Tensor) -> None:
    own = resize(pixels.float(), 299, filter_="bicubic")
    theirs = make_resizer("PIL", False, "bicubic", (299, 299))(pixels[0].permute(1, 2, 0).numpy())
    np.testing.assert_allclose(own[0].permute(1, 2, 0).numpy(), theirs, atol=1e-3)


def test_overshoot_is_cut_off() -> None:
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = 255
    resized = resize(edge, 32, filter_="bicubic")
    assert resized.min() == 0
    assert resized.max() == 255
