"""MS-SSIM against windows by scipy, closed cases, and pairs that are what they are said to be."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from torch import Tensor

from ganzoo.data.base import DataSpec, ImageData
from ganzoo.data.digits import digits
from ganzoo.errors import UserError
from ganzoo.metrics.ms_ssim import WEIGHTS, draw_pairs, ms_ssim, num_scales, similarities


def images(num: int, channels: int, size: int, *, seed: int = 0) -> Tensor:
    """Noise over a ramp, so that similarities are neither 0 nor 1."""
    rng = torch.Generator().manual_seed(seed)
    ramp_HW = torch.linspace(0, 150, size)[:, None].expand(size, size)
    noise_NCHW = torch.rand(num, channels, size, size, generator=rng) * 100
    return (ramp_HW + noise_NCHW).to(torch.uint8)


def windows(x_HW: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian means over 11 x 11 pixels, of the windows inside of the image alone."""
    weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    return np.asarray(correlate1d(correlate1d(x_HW, weights, 0), weights, 1))[5:-5, 5:-5]


def terms(x_HW: NDArray[np.float64], y_HW: NDArray[np.float64]) -> tuple[float, float]:
    """Mean SSIM and mean contrast-structure of two channels of values 0..255, by their definition."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = windows(x_HW), windows(y_HW)
    vx, vy, cov = windows(x_HW**2) - mx**2, windows(y_HW**2) - my**2, windows(x_HW * y_HW) - mx * my
    structure = (2 * cov + c2) / (vx + vy + c2)
    return float(((2 * mx * my + c1) / (mx**2 + my**2 + c1) * structure).mean()), float(structure.mean())


def halved(x_HW: NDArray[np.float64]) -> NDArray[np.float64]:
    return x_HW.reshape(x_HW.shape[0] // 2, 2, -1, 2).mean((1, 3))


def by_scipy(x_CHW: Tensor, y_CHW: Tensor, scales: int) -> float:
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    values = []
    for x, y in zip(x_CHW.double().numpy(), y_CHW.double().numpy(), strict=True):
        value = 1.0
        for i in range(scales):
            ssim, structure = terms(x, y)
            value *= max(ssim if i == scales - 1 else structure, 0) ** weights[i]
            x, y = halved(x), halved(y)
        values.append(value)
    return float(np.mean(values))


@pytest.mark.parametrize(("size", "scales"), [(16, 1), (32, 2), (64, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_definition_s_by_scipys_windows(size: int, scales: int, channels: int) -> None:
    x_NCHW = images(4, channels, size)
    found_P = similarities(x_NCHW, torch.tensor([0, 0, 1]), torch.tensor([1, 2, 3]))
    expected = [by_scipy(x_NCHW[i], x_NCHW[j], scales) for i, j in ((0, 1), (0, 2), (1, 3))]
    assert found_P.tolist() == pytest.approx(expected, abs=1e-4)
    assert 0.05 < min(expected) <= max(expected) < 0.95


def test_as_many_scales_as_the_window_fits() -> None:
    sizes = {10: 0, 11: 1, 16: 1, 20: 1, 21: 2, 32: 2, 64: 3, 128: 4, 160: 4, 161: 5, 256: 5, 1024: 5}
    assert {side: num_scales(side) for side in sizes} == sizes


def test_equal_images_give_1_and_opposite_ones_0() -> None:
    x_NCHW = images(1, 1, 32)
    rows = torch.tensor([0, 0]), torch.tensor([1, 2])
    values = similarities(torch.cat([x_NCHW, x_NCHW, 255 - x_NCHW]), *rows)
    assert values.tolist() == pytest.approx([1, 0], abs=1e-6)


def test_pairs_are_two_images_of_one_class_and_every_class_and_image_is_as_likely() -> None:
    # Class 0 has 2 images, class 1 has 6.
    labels_N = torch.tensor([1, 0, 1, 1, 0, 1, 1, 1])
    first_P, second_P = draw_pairs(labels_N, 24_000, num_classes=2, rng=torch.Generator().manual_seed(0))
    assert torch.equal(labels_N[first_P], labels_N[second_P])
    assert not (first_P == second_P).any()
    expected_N = torch.where(labels_N == 0, 1 / 4, 1 / 12)
    for rows_P in (first_P, second_P):
        torch.testing.assert_close(torch.bincount(rows_P) / 24_000, expected_N, atol=0.01, rtol=0)
    # Within class 1 each of the 30 ordered pairs.
    pairs = {(i, j) for i, j in zip(first_P.tolist(), second_P.tolist(), strict=True) if labels_N[i] == 1}
    assert len(pairs) == 30


def test_it_sees_a_generator_that_repeats_itself_and_compares_classes_only_if_conditional(given_inputs: Any) -> None:
    data = digits(size=16).load("train")
    assert data.labels_N is not None
    real = ImageData(data.images_NCHW[:600], data.labels_N[:600])
    rows = torch.stack([(data.labels_N == k).nonzero()[0, 0] for k in range(10)]).repeat(20)
    repeated = ImageData(data.images_NCHW[rows], data.labels_N[rows])
    metric = ms_ssim(num_fake=200, num_pairs=500)

    def measured(num_classes: int, fakes: ImageData) -> tuple[float, float]:
        inputs = given_inputs(torch.empty(0)).with_images(num_classes, fakes, train=real)
        fake, of_real = metric.measure(inputs)
        assert (fake.name, of_real.name) == ("ms_ssim", "ms_ssim_real")
        assert fake.error_source == "pairs"
        expected = {
            "num_pairs": 500,
            "num_scales": 1,
            "pairs": "within classes" if num_classes else "of any two images",
        }
        assert fake.protocol.items() >= {**expected, "num_fake": 200}.items()
        assert of_real.protocol.items() >= {**expected, "num_real": 600, "data_sha256": "hash of train"}.items()
        return fake.value, of_real.value

    # One image a class: equal within classes, and not so between them.
    conditional, real_conditional = measured(10, repeated)
    assert conditional == pytest.approx(1, abs=1e-6)
    assert real_conditional < 0.9
    unconditional, real_unconditional = measured(0, ImageData(repeated.images_NCHW))
    assert real_unconditional < real_conditional
    assert real_unconditional < unconditional < 0.9
    # Other real digits are as diverse as real digits.
    others = ImageData(data.images_NCHW[600:800], data.labels_N[600:800])
    assert measured(10, others)[0] == pytest.approx(real_conditional, abs=0.05)


def test_the_error_is_over_pairs(given_inputs: Any) -> None:
    data = ImageData(images(40, 1, 16))
    inputs = given_inputs(torch.empty(0)).with_images(0, data, train=ImageData(images(40, 1, 16, seed=1)))
    means, errors = [], []
    for seed in range(40):
        inputs.seed = seed
        (fake, _) = ms_ssim(num_fake=40, num_pairs=50).measure(inputs)
        means.append(fake.value)
        errors.append(fake.standard_error)
    # The deviation of 40 means is itself known to 11 %.
    assert np.mean(errors) == pytest.approx(np.std(means, ddof=1), rel=0.35)


def test_images_too_small_or_too_few_are_refused(given_inputs: Any) -> None:
    for name in ("num_real", "num_fake", "num_pairs"):
        with pytest.raises(ValueError, match=f"{name} must be at least 2, not 1"):
            ms_ssim(**{name: 1})
    with pytest.raises(UserError, match="needs images of at least 11 px and these have 8"):
        ms_ssim().check_data(DataSpec((1, 8, 8), 0, {"train": 100}))
    with pytest.raises(UserError, match="asks for 101 images of the split 'train', which has 100"):
        ms_ssim(num_real=101).check_data(DataSpec((1, 16, 16), 0, {"train": 100}))
    with pytest.raises(UserError, match="did you mean 'train'"):
        ms_ssim(reference_split="tran").check_data(DataSpec((1, 16, 16), 0, {"train": 100}))
    data = ImageData(images(5, 1, 16), torch.tensor([0, 0, 1, 1, 2]))
    with pytest.raises(UserError, match=r"needs 2 images of every class, .* and class 2 has 1 of 5"):
        ms_ssim(num_fake=5).measure(given_inputs(torch.empty(0)).with_images(3, data, train=data))
