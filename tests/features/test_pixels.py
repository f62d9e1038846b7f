"""Raw pixels as features."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.features.pixels import pixels
from ganzoo.metrics.frechet_distance import gaussian_distance, moments
from ganzoo.metrics.kernel_distance import polynomial


def images(channels: int, size: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.randint(256, (3, channels, size, size), dtype=torch.uint8, generator=rng)


def test_images_of_its_size_keep_every_value_channel_by_channel() -> None:
    images_NCHW = images(3, 8)
    features_NF = pixels(size=8)(images_NCHW)
    np.testing.assert_array_equal(features_NF.numpy(), images_NCHW.numpy().reshape(3, 192).astype(np.float32) / 255)


def test_grey_images_become_three_equal_channels() -> None:
    images_N1HW = images(1, 8)
    grey_NF = images_N1HW.flatten(1) / 255
    assert torch.equal(pixels(size=8)(images_N1HW), torch.cat([grey_NF] * 3, dim=1))


def test_of_grey_images_the_frechet_distance_is_three_times_and_the_kernel_distance_that_of_one_channel() -> None:
    both = [torch.randint(high, (40, 1, 3, 3), generator=torch.Generator().manual_seed(high)) for high in (256, 200)]
    grey = [images_N1HW.flatten(1) / 255 for images_N1HW in both]
    features = [pixels(size=3)(images_N1HW.to(torch.uint8)) for images_N1HW in both]
    fd, fd_grey = (gaussian_distance(*moments(x_NF), *moments(y_NF)) for x_NF, y_NF in (features, grey))
    assert fd == pytest.approx(3 * fd_grey, rel=1e-3)
    torch.testing.assert_close(polynomial(*features), polynomial(*grey))


@pytest.mark.parametrize("size", [7, 20])
def test_other_sizes_are_resized_as_pillow_does(size: int) -> None:
    images_N1HW = images(1, 12)
    features_NF = pixels(size=size)(images_N1HW)
    for image_HW, features_F in zip(images_N1HW[:, 0], features_NF, strict=True):
        float_image = Image.fromarray(image_HW.numpy().astype(np.float32))
        theirs = np.asarray(float_image.resize((size, size), Image.Resampling.BICUBIC)).clip(0, 255) / 255
        np.testing.assert_allclose(features_F[: size**2].numpy(), theirs.flatten(), atol=1e-5)


def test_its_size_is_in_its_name_width_and_protocol() -> None:
    extractor = pixels(size=16)
    assert (extractor.metric_name("fd"), extractor.feature_dim) == ("fd_pixels_16px", 768)
    assert "16 px" in str(extractor.protocol()["resize"])
    assert extractor.protocol() != pixels(size=17).protocol()


def test_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be at least 1, not 0"):
        pixels(size=0)
