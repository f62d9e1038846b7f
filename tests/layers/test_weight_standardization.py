"""Standardised filters against numpy."""

import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.layers.factory import LayerFactory
from ganzoo.layers.weight_standardization import WeightStandardization


def standardised(weight: np.ndarray, eps: float) -> np.ndarray:
    mean = weight.mean(axis=(1, 2, 3), keepdims=True)
    return (weight - mean) / np.sqrt(weight.var(axis=(1, 2, 3), keepdims=True) + eps)


def test_filters_have_mean_0_and_variance_1() -> None:
    weight = torch.randn(5, 3, 3, 3, generator=torch.Generator().manual_seed(0)) * 3 + 2
    out = WeightStandardization(eps=1e-3)(weight)
    np.testing.assert_allclose(out.numpy(), standardised(weight.numpy(), 1e-3), atol=1e-5)


def test_the_gradient_is_that_of_the_closed_form() -> None:
    weight = torch.randn(2, 3, 1, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(WeightStandardization(), (weight,))


def test_a_constant_filter_becomes_0() -> None:
    assert torch.equal(WeightStandardization()(torch.full((2, 3, 3, 3), 4.0)), torch.zeros(2, 3, 3, 3))


def test_a_factory_standardises_its_convolutions_and_nothing_else() -> None:
    torch.manual_seed(0)
    layers = LayerFactory(spectral_norm=False, weight_standardization=True)
    conv, linear, embedding = layers.conv2d(3, 4, 3), layers.linear(3, 4), layers.embedding(3, 4)
    (trained,) = (p for p in conv.parameters() if p.dim() > 1)
    np.testing.assert_allclose(conv.weight.detach(), standardised(trained.detach().numpy(), 1e-5), atol=1e-5)
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(conv(x), nn.functional.conv2d(x, conv.weight, conv.bias, padding=1))
    assert all(isinstance(layer.weight, nn.Parameter) for layer in (linear, embedding))


def test_it_leaves_the_initialisation_of_other_layers_alone() -> None:
    made = []
    for standardise in (False, True):
        torch.manual_seed(0)
        layers = LayerFactory(spectral_norm=False, weight_standardization=standardise)
        layers.conv2d(3, 4, 3)
        made.append(layers.linear(3, 4).weight)
    assert torch.equal(*made)


def test_both_spectral_norm_and_standardisation_are_refused() -> None:
    with pytest.raises(ValueError, match="set one of them to False"):
        LayerFactory(spectral_norm=True, weight_standardization=True)
