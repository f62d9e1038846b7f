"""Spectral normalization whose power iteration advances when told to, and never by a forward pass.

Source: Miyato et al., "Spectral Normalization for GANs", arXiv:1802.05957, algorithm 1. Departures: torch's and most
libraries' layers iterate at every forward pass in training mode, so that the number of forwards changes the weights in
use; here `advance_spectral_norm` is the only place that iterates, once per discriminator step. A convolution's weight
is flattened to (out, in * kernel * kernel) as there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

NUM_INITIAL_ITERATIONS = 15  # as torch.nn.utils.parametrizations.spectral_norm does


def full_precision(weight: Tensor) -> torch.autocast:
    """Return a context without autocast, in which u, v and sigma keep the weight's type: 8 bits do not converge."""
    return torch.autocast(weight.device.type, enabled=False)


class SpectralNorm(nn.Module):
    """The parametrization W -> W / sigma with sigma = u^T W v from saved estimates u, v of the singular vectors.

    Gradients flow through W and sigma, not through u and v.

    Args:
        weight: the weight to normalise; u and v are drawn from torch's global generator and iterated 15 times.
        eps: added where a vector is scaled to length 1.
    """

    u_O: Tensor
    v_I: Tensor

    def __init__(self, weight: Tensor, *, eps: float = 1e-12) -> None:
        super().__init__()
        self.eps = eps
        weight_OI = weight.detach().flatten(1)
        for name, length in zip(("u_O", "v_I"), weight_OI.shape, strict=True):
            vector = torch.randn(length, dtype=weight.dtype, device=weight.device)
            self.register_buffer(name, nn.functional.normalize(vector, dim=0, eps=eps))
        for _ in range(NUM_INITIAL_ITERATIONS):
            self.advance(weight)

    @torch.no_grad()
    def advance(self, weight: Tensor) -> None:
        """Make one power iteration."""
        weight_OI = weight.flatten(1)
        # New tensors, not in-place writes: an earlier forward pass may still hold the old ones for its backward pass.
        with full_precision(weight):
            self.u_O = nn.functional.normalize(weight_OI @ self.v_I, dim=0, eps=self.eps)
            self.v_I = nn.functional.normalize(weight_OI.T @ self.u_O, dim=0, eps=self.eps)

    def sigma(self, weight: Tensor) -> Tensor:
        """Return the estimate of the largest singular value."""
        with full_precision(weight):
            return torch.dot(self.u_O, weight.flatten(1) @ self.v_I)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight divided by the estimate of its largest singular value."""
        return weight / self.sigma(weight)


def add_spectral_norm(layer: nn.Module) -> None:
    """Normalise the weight of a layer from now on."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    parametrize.register_parametrization(layer, "weight", SpectralNorm(weight))


@dataclass(frozen=True)
class NormalizedWeight:
    """A spectrally normalised weight: the name of its layer, the weight as trained, and what divides it."""

    layer: str
    weight: Tensor
    norm: SpectralNorm


def normalized_weights(network: nn.Module) -> Iterator[NormalizedWeight]:
    """Yield every spectrally normalised weight of a network, in the order of its modules."""
    for name, module in network.named_modules():
        if isinstance(module, parametrize.ParametrizationList) and isinstance(module[0], SpectralNorm):
            yield NormalizedWeight(name.removesuffix(".parametrizations.weight"), module.original, module[0])


def advance_spectral_norm(network: nn.Module) -> None:
    """Make one power iteration in every spectrally normalised layer of a network."""
    for normalized in normalized_weights(network):
        normalized.norm.advance(normalized.weight)
