"""The factory's policy: Glorot's bounds by formula, zero biases, spectral norm for all or none."""

import math

import pytest
import torch
from torch import nn

from ganzoo.layers.factory import LayerFactory, normal, orthogonal


@pytest.mark.parametrize(
    ("make", "fan_in_and_out", "gain"),
    [
        (lambda layers: layers.conv2d(30, 50, 3), (30 + 50) * 9, math.sqrt(2)),
        (lambda layers: layers.conv2d(30, 50, 1, gain=1.0), 30 + 50, 1.0),
        (lambda layers: layers.linear(70, 40), 70 + 40, 1.0),
        (lambda layers: layers.embedding(60, 40), 60 + 40, 1.0),
    ],
)
def test_weights_fill_glorots_interval_and_biases_are_zero(make: object, fan_in_and_out: int, gain: float) -> None:
    torch.manual_seed(0)
    layer = make(LayerFactory(spectral_norm=False))  # type: ignore[operator]
    weight = layer.weight.detach()
    bound = gain * math.sqrt(6 / fan_in_and_out)
    assert 0.99 * bound < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    if not isinstance(layer, nn.Embedding):
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_a_convolution_keeps_the_size_and_a_stride_of_two_halves_it(kernel_size: int) -> None:
    layers = LayerFactory(spectral_norm=False)
    x = torch.rand(1, 2, 8, 8)
    assert layers.conv2d(2, 3, kernel_size)(x).shape == (1, 3, 8, 8)
    assert layers.conv2d(2, 3, kernel_size, stride=2)(x).shape == (1, 3, 4, 4)


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_every_layer_is_spectrally_normalised_or_none(spectral_norm: bool) -> None:
    layers = LayerFactory(spectral_norm=spectral_norm)
    for layer in (layers.conv2d(2, 3, 3), layers.linear(4, 5), layers.linear(4, 5, bias=False), layers.embedding(4, 5)):
        assert hasattr(layer, "parametrizations") == spectral_norm


def test_another_initializer_is_used_with_its_gain() -> None:
    seen = []

    def constant(layer: nn.Module, gain: float) -> None:
        seen.append(gain)
        nn.init.constant_(layer.weight, gain)  # type: ignore[arg-type]

    layer = LayerFactory(spectral_norm=False, initializer=constant).linear(2, 3, gain=0.5)
    assert seen == [0.5]
    assert torch.equal(layer.weight, torch.full((3, 2), 0.5))


@pytest.mark.parametrize(
    "make",
    [
        lambda layers: layers.conv2d(3, 7, 3),
        lambda layers: layers.conv2d(5, 60, 3),
        lambda layers: layers.conv_transpose2d(6, 4, 4, stride=2),
        lambda layers: layers.linear(9, 4),
        lambda layers: layers.linear(4, 9, gain=3.0),
        lambda layers: layers.embedding(10, 6),
    ],
)
def test_orthogonal_rows_or_columns_are_orthonormal_whatever_the_gain(make: object) -> None:
    layer = make(LayerFactory(spectral_norm=False, initializer=orthogonal))  # type: ignore[operator]
    matrix = layer.weight.detach().flatten(1)
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    assert torch.allclose(gram, torch.eye(len(gram)), atol=1e-5)
    if not isinstance(layer, nn.Embedding):
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))


def test_normal_weights_have_a_deviation_of_one_fiftieth_and_zero_biases() -> None:
    torch.manual_seed(0)
    layer = LayerFactory(spectral_norm=False, initializer=normal).conv2d(30, 50, 3, gain=5.0)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert abs(layer.weight.mean().item()) < 1e-3
    assert layer.bias is not None
    assert not layer.bias.any()


@pytest.mark.parametrize(("kernel_size", "stride"), [(4, 2), (5, 2), (3, 2), (3, 1), (5, 4)])
def test_a_transposed_convolution_multiplies_the_size_by_its_stride(kernel_size: int, stride: int) -> None:
    layer = LayerFactory(spectral_norm=True).conv_transpose2d(2, 3, kernel_size, stride=stride)
    assert layer(torch.rand(1, 2, 6, 6)).shape == (1, 3, 6 * stride, 6 * stride)
    assert hasattr(layer, "parametrizations")


def test_a_convolution_may_have_no_bias() -> None:
    assert LayerFactory(spectral_norm=False).conv2d(2, 3, 1, bias=False).bias is None
