"""The layers of a network under one policy: initialisation and what normalises weights, decided in one place."""

import math
from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from ganzoo.errors import ParameterError
from ganzoo.layers.spectral_norm import add_spectral_norm
from ganzoo.layers.weight_standardization import add_weight_standardization

Initializer = Callable[[nn.Module, float], None]
Initialization = Literal["xavier", "normal", "orthogonal"]
"""Names of `INITIALIZERS`."""


def xavier_uniform(layer: nn.Module, gain: float) -> None:
    """Initialise weight by Glorot & Bengio (2010) with a gain, and bias by 0 (SNGAN's choice, arXiv:1802.05957)."""
    nn.init.xavier_uniform_(_weight_with_zero_bias(layer), gain=gain)


def normal(layer: nn.Module, gain: float) -> None:
    """Draw weight from N(0, 0.02^2) whatever the gain, and set bias to 0 (DCGAN's choice, arXiv:1511.06434)."""
    nn.init.normal_(_weight_with_zero_bias(layer), std=0.02)


def orthogonal(layer: nn.Module, gain: float) -> None:
    """Make the rows of weight, or its columns if they are fewer, orthonormal whatever the gain, and bias 0.

    A convolution's weight counts as a matrix (out, in * kernel * kernel). Source: Saxe et al., arXiv:1312.6120; in
    GANs, BigGAN, arXiv:1809.11096.
    """
    nn.init.orthogonal_(_weight_with_zero_bias(layer))


INITIALIZERS: dict[Initialization, Initializer] = {
    "xavier": xavier_uniform,
    "normal": normal,
    "orthogonal": orthogonal,
}


def _weight_with_zero_bias(layer: nn.Module) -> Tensor:
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding)
    if not isinstance(layer, nn.Embedding) and layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer.weight


class LayerFactory:
    """Makes the linear, convolution and embedding layers of one network.

    A pretext task's heads come from the discriminator's factory, so they are spectrally normalised iff it is.

    Args:
        spectral_norm: whether weights are divided by their largest singular value (arXiv:1802.05957).
        initializer: sets weight and bias, given the layer and a gain.
        weight_standardization: whether the filters of convolutions have mean 0 and variance 1 (arXiv:1903.10520).

    Raises:
        ParameterError: weights are to be both spectrally normalised and standardised.
    """

    def __init__(
        self,
        *,
        spectral_norm: bool,
        initializer: Initializer = xavier_uniform,
        weight_standardization: bool = False,
    ) -> None:
        if spectral_norm and weight_standardization:
            raise ParameterError(
                "spectral_norm",
                "and {weight_standardization} both decide the size of a weight; set one of them to False",
            )
        self.spectral_norm, self.weight_standardization = spectral_norm, weight_standardization
        self.initializer = initializer

    def conv2d(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        bias: bool = True,
        gain: float = math.sqrt(2),
    ) -> nn.Conv2d:
        """Return a convolution that keeps the size at stride 1 (padding (kernel_size - 1) // 2)."""
        layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=(kernel_size - 1) // 2, bias=bias)
        self._finish(layer, gain)
        return layer

    def conv_transpose2d(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int, gain: float = math.sqrt(2)
    ) -> nn.ConvTranspose2d:
        """Return a transposed convolution that multiplies height and width by the stride.

        Its weight (in, out, kernel, kernel) is spectrally normalised as a matrix (in, out * kernel * kernel).
        """
        padding = (kernel_size - 1) // 2
        output_padding = stride + 2 * padding - kernel_size
        layer = nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride, padding, output_padding)
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
