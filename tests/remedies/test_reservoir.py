"""What the reservoir keeps is a uniform sample of what went by, and what it replays is what it keeps."""

import copy

import pytest
import torch
from scipy import stats

from ganzoo.batch import ImageBatch
from ganzoo.remedies.base import Examples
from ganzoo.remedies.reservoir import reservoir

SHAPE = (1, 1, 1)


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stream(first: int, num: int) -> Examples:
    """Examples whose single pixel is their number in the stream; the even ones are positive."""
    numbers = torch.arange(first, first + num)
    return Examples(ImageBatch(numbers.float().reshape(num, *SHAPE)), numbers % 2 == 0)


def kept(remedy: reservoir) -> list[int]:
    return sorted(int(value) for value in remedy.kept.get_buffer("images").flatten())


def test_every_example_of_a_stream_is_kept_equally_often() -> None:
    capacity, num, num_streams = 5, 20, 2000
    counts, generator = torch.zeros(num), rng(0)
    for _ in range(num_streams):
        remedy = reservoir(capacity=capacity, image_shape=SHAPE, batch_size=4)
        for first in range(0, num, 4):
            remedy.after_step(stream(first, 4), rng=generator)
        assert len(set(kept(remedy))) == capacity
        counts[kept(remedy)] += 1
    # Inclusions in one stream exclude each other a little, which makes the statistic smaller than chi-squared.
    assert stats.chisquare(counts.numpy()).pvalue > 0.01
    assert float(counts.min()) > 0.8 * num_streams * capacity / num


def test_until_it_is_full_it_keeps_everything_in_order() -> None:
    remedy = reservoir(capacity=10, image_shape=SHAPE, batch_size=4)
    remedy.after_step(stream(0, 8), rng=rng(0))
    assert remedy.kept.get_buffer("images").flatten().tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 0]


def test_the_first_batch_is_left_alone_and_later_ones_are_followed_by_replayed_examples() -> None:
    remedy = reservoir(capacity=10, ratio=1.5, image_shape=SHAPE, batch_size=4)
    fresh = stream(100, 4)
    assert remedy.mix(fresh, rng=rng(0)) is fresh
    remedy.after_step(stream(0, 6), rng=rng(0))
    mixed = remedy.mix(fresh, rng=rng(1))
    numbers = mixed.batch.images_NCHW.flatten().long()
    assert numbers[:4].tolist() == [100, 101, 102, 103]
    assert len(mixed) == 4 + 6
    assert set(numbers[4:].tolist()) <= set(range(6))
    assert torch.equal(mixed.is_positive_N, numbers % 2 == 0)  # with the target that each was learned with


def test_a_saved_and_loaded_reservoir_goes_on_to_the_bit() -> None:
    generator = rng(3)
    whole = reservoir(capacity=5, image_shape=SHAPE, batch_size=4)
    whole.after_step(stream(0, 12), rng=generator)
    half = reservoir(capacity=5, image_shape=SHAPE, batch_size=4)
    half.load_state_dict(copy.deepcopy(whole.state_dict()))
    state = generator.get_state()
    whole.after_step(stream(12, 12), rng=generator)
    generator.set_state(state)
    half.after_step(stream(12, 12), rng=generator)
    assert all(torch.equal(value, half.state_dict()[name]) for name, value in whole.state_dict().items())
    assert torch.equal(
        whole.mix(stream(0, 4), rng=rng(1)).batch.images_NCHW, half.mix(stream(0, 4), rng=rng(1)).batch.images_NCHW
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"capacity": 0}, "capacity must be at least 1"),
        ({"ratio": 0.0}, "adds no example"),
        ({"ratio": 0.1}, "batch of 4"),
    ],
)
def test_a_setting_without_meaning_is_refused(arguments: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reservoir(image_shape=SHAPE, batch_size=4, **arguments)
