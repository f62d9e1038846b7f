"""compare_gan's five-block networks: counts by hand from its multipliers, and sizes at every resolution."""

from itertools import pairwise
from typing import Any

import pytest
from torch import nn


def num_parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def conv(in_channels: int, out_channels: int) -> int:
    return in_channels * out_channels * 9 + out_channels


@pytest.mark.parametrize("size", [32, 128])
def test_parameter_counts_are_those_of_compare_gans_multipliers_at_any_size(size: int, make: Any) -> None:
    widths = [8 * m for m in (8, 8, 4, 4, 2, 1)]
    expected = 128 * 16 * widths[0] + 16 * widths[0] + 2 * widths[-1] + conv(widths[-1], 3)
    expected += sum(2 * i + 2 * o + 2 * conv(i, o) + conv(o, o) for i, o in pairwise(widths))
    assert num_parameters(make("resnet5_generator", size, width=8, latent_dim=128)) == expected
    widths = [3, *(8 * m for m in (1, 2, 4, 4, 8, 8))]
    expected = widths[-1] + 1 + sum(2 * conv(i, o) + conv(o, o) for i, o in pairwise(widths))
    assert num_parameters(make("resnet5_discriminator", size, width=8, normalization="none")) == expected


@pytest.mark.parametrize(
    ("size", "ups", "heights"),
    [
        (16, 2, [8, 4, 2, 1, 1, 1]),
        (32, 3, [16, 8, 4, 2, 1, 1]),
        (64, 4, [32, 16, 8, 4, 2, 1]),
        (128, 5, [64, 32, 16, 8, 4, 2]),
    ],
)
def test_the_first_blocks_of_five_upsample_and_all_six_downsample_to_one_pixel(
    size: int, ups: int, heights: list[int], make: Any
) -> None:
    blocks = make("resnet5_generator", size, width=1).blocks
    assert [block.upsample for block in blocks] == [True] * ups + [False] * (5 - ups)
    shapes = make("resnet5_discriminator", size, width=1).tap_shapes
    assert [height for _, height, _ in shapes.values()] == heights


def test_the_last_normalization_takes_labels_too(make: Any) -> None:
    assert type(make("resnet5_generator", 16, num_classes=3).last_norm).__name__ == "conditional_batch"
