"""SNGAN's standard networks against counts by hand from its table 3 and from chainer-gan-lib's widths."""

from typing import Any

import pytest
import torch
from torch import nn


def num_parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def conv(in_channels: int, out_channels: int, kernel_size: int) -> int:
    return in_channels * out_channels * kernel_size**2 + out_channels


@pytest.mark.parametrize("size", [32, 48])
def test_parameter_counts_are_those_of_the_published_layers(size: int, make: Any) -> None:
    bottom = (size // 8) ** 2 * 512
    dense, norms = 128 * bottom + bottom, 2 * (512 + 256 + 128 + 64)
    expected = dense + norms + conv(512, 256, 4) + conv(256, 128, 4) + conv(128, 64, 4) + conv(64, 3, 3)
    assert num_parameters(make("sndcgan_generator", size, width=64, latent_dim=128)) == expected

    widths, kernels = [3, 64, 128, 128, 256, 256, 512, 512], [3, 4, 3, 4, 3, 4, 3]
    expected = bottom + 1 + sum(conv(i, o, k) for i, o, k in zip(widths, widths[1:], kernels, strict=False))
    discriminator = make("sndcgan_discriminator", size, width=64, normalization="none")
    assert num_parameters(discriminator) == expected
    assert discriminator.feature_dim == bottom
    assert discriminator.tap_shapes["block6"] == (512, size // 8, size // 8)


def test_weights_start_normal_with_the_published_deviation(make: Any) -> None:
    network = make("sndcgan_generator", 32, width=8)
    weights = torch.cat([p.flatten() for n, p in network.named_parameters() if n.endswith("conv.weight")])
    assert weights.std().item() == pytest.approx(0.02, rel=0.05)
    assert all(not p.any() for n, p in network.named_parameters() if n.endswith("conv.bias"))


def test_the_first_convolution_has_no_normalization_and_all_others_have(make: Any) -> None:
    norms = [block.norm for block in make("sndcgan_discriminator", 32, normalization="batch").blocks]
    assert norms[0] is None
    assert all(isinstance(norm, nn.Module) for norm in norms[1:])


def test_every_map_of_the_generator_takes_labels(make: Any) -> None:
    network = make("sndcgan_generator", 32, num_classes=3)
    norms = [network.first_norm, *(block.norm for block in network.blocks)]
    assert [type(norm).__name__ for norm in norms] == ["conditional_batch"] * 4
