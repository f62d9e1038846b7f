"""Flips and shifts of an image whose pixels tell where they were."""

import pytest
import torch

from ganzoo.pretext.flip_and_shift import FlipAndShiftTask, flip_and_shift

IMAGE = torch.arange(24.0).reshape(1, 1, 4, 6)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_without_a_shift_each_image_is_itself_or_its_mirror_image_half_of_the_time() -> None:
    batch = IMAGE.expand(400, 1, 4, 6)
    out = flip_and_shift(batch, flip=True, max_shift=0.0, rng=rng())
    is_same = (out == IMAGE).flatten(1).all(1)
    is_mirror = (out == IMAGE.flip(3)).flatten(1).all(1)
    assert bool((is_same | is_mirror).all())
    assert 150 < int(is_mirror.sum()) < 250  # binomial: mean 200, standard deviation 10
    assert torch.equal(flip_and_shift(batch, flip=False, max_shift=0.0, rng=rng()), batch)


def test_a_shift_is_a_window_of_the_reflected_image_and_every_offset_occurs_equally_often() -> None:
    # A quarter of 4 rows and of 6 columns, rounded down: one pixel each way.
    reflected = torch.nn.functional.pad(IMAGE, (1, 1, 1, 1), mode="reflect")
    out = flip_and_shift(IMAGE.expand(900, 1, 4, 6), flip=False, max_shift=0.25, rng=rng())
    counts = {}
    for row in range(3):
        for column in range(3):
            window = reflected[:, :, row : row + 4, column : column + 6]
            counts[row, column] = int((out == window).flatten(1).all(1).sum())
    assert sum(counts.values()) == 900
    assert all(60 < count < 140 for count in counts.values())  # mean 100, standard deviation 9.4


def test_gradients_flow_and_an_equal_generator_repeats_it() -> None:
    images = torch.randn(5, 3, 8, 8, generator=rng(1)).requires_grad_()
    first = flip_and_shift(images, flip=True, max_shift=0.25, rng=rng(2))
    assert torch.equal(first, flip_and_shift(images, flip=True, max_shift=0.25, rng=rng(2)))
    (gradient,) = torch.autograd.grad(first.sum(), images)
    # Every pixel that is shown counts as often as it is shown.
    torch.testing.assert_close(gradient.sum(), torch.tensor(float(first.numel())))


@pytest.mark.parametrize("max_shift", [-0.1, 0.5])
def test_a_shift_that_reflection_cannot_fill_is_refused(max_shift: float) -> None:
    with pytest.raises(ValueError, match="max_shift"):
        FlipAndShiftTask(max_shift=max_shift)
