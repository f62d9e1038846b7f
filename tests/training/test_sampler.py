"""Which images come next, and how pixels are converted."""

import numpy as np
import pytest
import torch

from ganzoo.batch import to_images, to_uint8
from ganzoo.training.sampler import InfiniteSampler


def test_every_epoch_shows_every_image_once_even_where_batches_cross_its_end() -> None:
    order = InfiniteSampler(10, seed=0)
    drawn = torch.cat([order.take(4) for _ in range(5)])
    assert sorted(drawn[:10].tolist()) == sorted(drawn[10:].tolist()) == list(range(10))
    assert drawn[:10].tolist() != drawn[10:].tolist()


def test_a_batch_larger_than_the_data_set_goes_on_into_further_epochs() -> None:
    drawn = InfiniteSampler(3, seed=0).take(8)
    assert torch.bincount(drawn).sum() == 8
    assert sorted(drawn[:3].tolist()) == sorted(drawn[3:6].tolist()) == [0, 1, 2]


@pytest.mark.parametrize("sizes", [[1] * 23, [7, 7, 7, 2], [23], [0, 20, 3]])
def test_the_sequence_does_not_depend_on_the_batch_size(sizes: list[int]) -> None:
    order = InfiniteSampler(9, seed=5)
    drawn = torch.cat([order.take(size) for size in sizes])
    assert torch.equal(drawn, InfiniteSampler(9, seed=5).take(23))
    assert order.num_drawn == 23


@pytest.mark.parametrize("num_before", [0, 4, 9, 10, 27])
def test_a_restored_order_goes_on_as_the_first_would_have(num_before: int) -> None:
    first = InfiniteSampler(9, seed=1)
    first.take(num_before)
    second = InfiniteSampler(9, seed=1)
    second.take(5)
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.take(20), first.take(20))


def test_the_order_depends_on_the_seed_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    assert not torch.equal(InfiniteSampler(50, seed=0).take(50), InfiniteSampler(50, seed=1).take(50))
    assert torch.equal(torch.get_rng_state(), before)


def test_an_empty_data_set_has_no_order() -> None:
    with pytest.raises(ValueError, match="at least 1 image"):
        InfiniteSampler(0, seed=0)


def test_pixels_map_to_the_range_of_the_networks_and_back_without_loss() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(2, 3, 16, 16).contiguous()
    images = to_images(pixels, device=torch.device("cpu"))
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    expected = np.arange(256, dtype=np.float64) / 127.5 - 1
    np.testing.assert_allclose(images[0, 0].flatten().numpy(), expected, atol=1e-7)
    assert torch.equal(to_uint8(images), pixels)


def test_quantisation_rounds_to_the_nearest_and_cuts_off_what_lies_outside() -> None:
    # 0.0 lies exactly between 127 and 128 and goes to the even one; 0.003 is 127.88.
    images = torch.tensor([-7.0, -1.0, 0.0, 0.003, -0.003, 1.0, 1.01])
    assert to_uint8(images).tolist() == [0, 0, 128, 128, 127, 255, 255]
