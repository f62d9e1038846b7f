"""Which convolutions a residual block has, by the figures and the code of its sources."""

import pytest
import torch
from torch import nn

from ganzoo import registry
from ganzoo.architectures.residual import DiscriminatorBlock, Variant
from ganzoo.layers.factory import LayerFactory


def make(in_channels: int, out_channels: int, *, downsample: bool, is_first: bool, variant: Variant):  # type: ignore[no-untyped-def]
    return DiscriminatorBlock(
        in_channels,
        out_channels,
        downsample=downsample,
        is_first=is_first,
        normalization=registry.part("normalizations.none"),  # type: ignore[arg-type]
        layers=LayerFactory(spectral_norm=False),
        variant=variant,
    )


@pytest.mark.parametrize(
    ("in_channels", "downsample", "variant", "kernel_size"),
    [
        (4, False, "sngan", None),
        (4, True, "sngan", 1),
        (3, False, "sngan", 1),
        (4, False, "compare_gan", 3),
        (4, True, "compare_gan", 3),
    ],
)
def test_a_shortcut_has_a_convolution_where_the_source_has_one(
    in_channels: int, downsample: bool, variant: Variant, kernel_size: int | None
) -> None:
    shortcut = make(in_channels, 4, downsample=downsample, is_first=False, variant=variant).shortcut
    assert (None if shortcut is None else shortcut.kernel_size[0]) == kernel_size


@pytest.mark.parametrize(
    ("is_first", "variant", "between"),
    [(False, "sngan", 3), (True, "sngan", 5), (False, "compare_gan", 5), (True, "compare_gan", 5)],
)
def test_the_width_between_the_convolutions_is_the_sources(is_first: bool, variant: Variant, between: int) -> None:
    block = make(3, 5, downsample=True, is_first=is_first, variant=variant)
    assert (block.conv1.out_channels, block.conv2.in_channels) == (between, between)
    assert block(torch.rand(2, 3, 8, 8)).shape == (2, 5, 4, 4)


def test_only_sngans_first_block_sees_negative_inputs_in_its_residual_branch() -> None:
    torch.manual_seed(0)
    x = -torch.rand(1, 3, 4, 4)
    for is_first, variant in [(True, "sngan"), (False, "sngan"), (True, "compare_gan")]:
        block = make(3, 5, downsample=False, is_first=is_first, variant=variant)  # type: ignore[arg-type]
        nn.init.zeros_(block.shortcut.weight)
        nn.init.ones_(block.conv1.bias)  # so that the second convolution has something to see
        depends = not torch.allclose(block(x), block(2 * x))
        assert depends == (is_first and variant == "sngan")
