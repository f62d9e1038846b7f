"""Spectral norm against torch's own and against singular values."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.layers.spectral_norm import SpectralNorm, add_spectral_norm, advance_spectral_norm

LAYERS = [
    lambda: nn.Linear(5, 7),
    lambda: nn.Conv2d(3, 4, 3),
    lambda: nn.Embedding(6, 5),
]


def pair(make: object) -> tuple[nn.Module, nn.Module, SpectralNorm]:
    """Return our layer and torch's with the same weight and the same vectors."""
    ours = make()  # type: ignore[operator]
    theirs = copy.deepcopy(ours)
    add_spectral_norm(ours)
    theirs = spectral_norm(theirs)
    norm = ours.parametrizations.weight[0]
    theirs.parametrizations.weight[0]._u.copy_(norm.u_O)
    theirs.parametrizations.weight[0]._v.copy_(norm.v_I)
    return ours, theirs, norm


@pytest.mark.parametrize("make", LAYERS)
def test_it_equals_torch_after_each_of_five_iterations(make: object) -> None:
    ours, theirs, _ = pair(make)
    for _ in range(5):
        advance_spectral_norm(ours)
        # torch iterates when the weight is read in training mode.
        assert torch.allclose(ours.weight, theirs.weight, atol=1e-6)


@pytest.mark.parametrize("make", LAYERS)
def test_its_gradient_equals_torch(make: object) -> None:
    ours, theirs, _ = pair(make)
    advance_spectral_norm(ours)
    for layer in (ours, theirs):
        layer.weight.square().sum().sin().backward()
    ours_grad, theirs_grad = (x.parametrizations.weight.original.grad for x in (ours, theirs))
    assert torch.allclose(ours_grad, theirs_grad, atol=1e-6)


@pytest.mark.parametrize("make", LAYERS)
def test_the_largest_singular_value_becomes_one(make: object) -> None:
    ours = make()  # type: ignore[operator]
    add_spectral_norm(ours)
    for _ in range(200):
        advance_spectral_norm(ours)
    assert torch.linalg.matrix_norm(ours.weight.flatten(1), ord=2).item() == pytest.approx(1, abs=1e-4)


def test_forward_passes_never_iterate_and_advancing_does_once() -> None:
    ours, _, norm = pair(LAYERS[1])
    u, v = norm.u_O.clone(), norm.v_I.clone()
    for mode in (True, False):
        ours.train(mode)
        ours(torch.rand(2, 3, 8, 8))
    assert torch.equal(norm.u_O, u)
    assert torch.equal(norm.v_I, v)

    weight = ours.parametrizations.weight.original.detach().flatten(1)  # type: ignore[union-attr]
    expected_u = weight @ v / (weight @ v).norm()
    expected_v = weight.T @ expected_u / (weight.T @ expected_u).norm()
    advance_spectral_norm(ours)
    assert torch.allclose(norm.u_O, expected_u, atol=1e-6)
    assert torch.allclose(norm.v_I, expected_v, atol=1e-6)


def test_advancing_between_forward_and_backward_leaves_the_gradient_right() -> None:
    ours, _, _ = pair(LAYERS[0])
    x = torch.rand(2, 5)
    early = copy.deepcopy(ours)
    early(x).square().sum().backward()
    loss = ours(x).square().sum()
    advance_spectral_norm(ours)
    loss.backward()
    name = "parametrizations.weight.original"
    assert torch.equal(ours.get_parameter(name).grad, early.get_parameter(name).grad)  # type: ignore[arg-type]


def test_autocast_leaves_the_iteration_and_the_weight_in_float32() -> None:
    ours, _, norm = pair(LAYERS[1])
    apart = copy.deepcopy(ours)
    advance_spectral_norm(apart)
    with torch.autocast("cpu", torch.bfloat16):
        advance_spectral_norm(ours)
        weight = ours.weight
    assert norm.u_O.dtype is norm.v_I.dtype is torch.float32
    assert torch.equal(weight, apart.weight)


def test_state_and_copies_carry_the_vectors() -> None:
    ours, _, norm = pair(LAYERS[0])
    fresh = nn.Linear(5, 7)
    add_spectral_norm(fresh)
    fresh.load_state_dict(ours.state_dict())
    assert torch.equal(fresh.weight, ours.weight)
    assert torch.equal(copy.deepcopy(ours).weight, ours.weight)
    assert torch.equal(ours.state_dict()["parametrizations.weight.0.u_O"], norm.u_O)
