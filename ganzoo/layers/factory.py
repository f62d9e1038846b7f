"""The layers of a network under one policy: initialisation and what normalises weights, decided in one place."""

import math
from collections.abc import Callable

from torch import nn

from ganzoo.layers.spectral_norm import add_spectral_norm
from ganzoo.layers.weight_standardization import add_weight_standardization

Initializer = Callable[[nn.Module, float], None]


def xavier_uniform(layer: nn.Module, gain: float) -> None:
    """Initialise weight by Glorot & Bengio (2010) with a gain, and bias by 0 (SNGAN's choice, arXiv:1802.05957)."""
    assert isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding)
    nn.init.xavier_uniform_(layer.weight, gain=gain)
    if not isinstance(layer, nn.Embedding) and layer.bias is not None:
        nn.init.zeros_(layer.bias)


class LayerFactory:
    """Makes the linear, convolution and embedding layers of one network.

    A pretext task's heads come from the discriminator's factory, so they are spectrally normalised iff it is.

    Args:
        spectral_norm: whether weights are divided by their largest singular value (arXiv:1802.05957).
        initializer: sets weight and bias, given the layer and a gain.
        weight_standardization: whether the filters of convolutions have mean 0 and variance 1 (arXiv:1903.10520).

    Raises:
        ValueError: weights are to be both spectrally normalised and standardised.
    """

    def __init__(
        self,
        *,
        spectral_norm: bool,
        initializer: Initializer = xavier_uniform,
        weight_standardization: bool = False,
    ) -> None:
        if spectral_norm and weight_standardization:
            raise ValueError(
                "spectral_norm and weight_standardization both decide the size of a weight; set one of them to False"
            )
        self.spectral_norm, self.weight_standardization = spectral_norm, weight_standardization
        self.initializer = initializer

    def conv2d(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, gain: float = math.sqrt(2)
    ) -> nn.Conv2d:
        """Return a convolution that keeps the size at stride 1 (padding (kernel_size - 1) // 2)."""
        layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=(kernel_size - 1) // 2)
        self._finish(layer, gain)
        return layer

    def linear(self, in_features: int, out_features: int, *, bias: bool = True, gain: float = 1.0) -> nn.Linear:
        """Return a fully connected layer."""
        layer = nn.Linear(in_features, out_features, bias)
        self._finish(layer, gain)
        return layer

    def embedding(self, num_embeddings: int, embedding_dim: int, *, gain: float = 1.0) -> nn.Embedding:
        """Return a table of embeddings."""
        layer = nn.Embedding(num_embeddings, embedding_dim)
        self._finish(layer, gain)
        return layer

    def _finish(self, layer: nn.Module, gain: float) -> None:
        self.initializer(layer, gain)
        if self.spectral_norm:
            add_spectral_norm(layer)
        if self.weight_standardization and isinstance(layer, nn.Conv2d):
            add_weight_standardization(layer)
