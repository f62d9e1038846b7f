"""A convolution joined with its resampling equals the two one after the other, borders included."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.layers.resampling import conv2d_downsample, unpool_conv2d, upsample_conv2d


def zeros_between(x: Tensor) -> Tensor:
    out = x.new_zeros(x.shape[0], x.shape[1], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


@pytest.mark.parametrize(
    ("joined", "apart"),
    [
        (upsample_conv2d, lambda x, conv: conv(functional.interpolate(x, scale_factor=2, mode="nearest"))),
        (conv2d_downsample, lambda x, conv: functional.avg_pool2d(conv(x), 2)),
        (unpool_conv2d, lambda x, conv: conv(zeros_between(x))),
    ],
)
def test_joined_equals_apart_in_values_and_gradients(
    joined: Callable[[Tensor, nn.Conv2d], Tensor], apart: Callable[[Tensor, nn.Conv2d], Tensor]
) -> None:
    conv = nn.Conv2d(3, 5, 3, padding=1).double()
    gradients = []
    for function in (joined, apart):
        x = torch.arange(2 * 3 * 6 * 8).reshape(2, 3, 6, 8).double().sin().requires_grad_()
        conv.zero_grad()
        out = function(x, conv)
        out.square().sum().backward()
        gradients.append((out, x.grad, conv.weight.grad, conv.bias.grad))  # type: ignore[union-attr]
    for ours, expected in zip(*gradients, strict=True):
        assert ours is not None
        assert expected is not None
        assert torch.allclose(ours, expected, atol=1e-10)
