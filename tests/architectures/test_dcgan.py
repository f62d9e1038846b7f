"""DCGAN against the paper's figure 1, compare_gan's widths and counts by hand."""

from typing import Any

import pytest
from torch import nn


def num_parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def conv(in_channels: int, out_channels: int) -> int:
    return in_channels * out_channels * 25 + out_channels


def test_parameter_counts_at_64_px_are_those_of_the_papers_figure_and_of_compare_gan(make: Any) -> None:
    expected = 100 * 16 * 1024 + 16 * 1024 + 2 * (1024 + 512 + 256 + 128)
    expected += conv(1024, 512) + conv(512, 256) + conv(256, 128) + conv(128, 3)
    assert num_parameters(make("dcgan_generator", 64, width=128, latent_dim=100)) == expected
    expected = 16 * 512 + 1 + 2 * (128 + 256 + 512)
    expected += conv(3, 64) + conv(64, 128) + conv(128, 256) + conv(256, 512)
    assert num_parameters(make("dcgan_discriminator", 64, width=64)) == expected


@pytest.mark.parametrize(("size", "num_strides"), [(16, 2), (32, 3), (64, 4), (128, 5)])
def test_every_size_goes_through_a_map_of_4x4(size: int, num_strides: int, make: Any) -> None:
    generator, discriminator = make("dcgan_generator", size, width=2), make("dcgan_discriminator", size, width=2)
    bottom = 2 * 2 ** (num_strides - 1)
    assert generator.bottom_shape == (bottom, 4, 4)
    assert len(generator.blocks) == num_strides - 1
    assert list(discriminator.tap_shapes.values())[-1] == (bottom, 4, 4)
    assert len(discriminator.blocks) == num_strides


def test_the_first_convolution_has_no_normalization_and_all_others_have(make: Any) -> None:
    norms = [block.norm for block in make("dcgan_discriminator", 64).blocks]
    assert norms[0] is None
    assert all(isinstance(norm, nn.Module) for norm in norms[1:])
