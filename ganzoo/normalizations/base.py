"""The contract of a normalization layer. N: batch; C, H, W: image; L: latent dimension; K: classes."""

from typing import ClassVar

from torch import Tensor, nn

from ganzoo.batch import Latents
from ganzoo.component import Component


class Normalization(Component, nn.Module):
    """A layer (N, C, H, W) -> (N, C, H, W) that networks build once per place from a `Part`.

    The runtime arguments are `num_features` (C), `latent_dim` (L), `num_classes` (K; 0 where the layer sees no labels),
    and `layers`, the network's factory: the layer's weights follow its initialisation and spectral norm unless the
    docstring says otherwise. A layer names those it needs in its constructor.
    """

    kind = "normalizations"
    runtime_args = frozenset({"num_features", "latent_dim", "num_classes", "layers"})

    uses_batch_statistics: ClassVar[bool] = False
    """Whether an image's output depends on the others of its batch."""

    needs_condition: ClassVar[bool] = False
    """Whether it takes the generator's input. Such a layer cannot stand in a discriminator."""

    needs_labels: ClassVar[bool] = False
    """Whether it needs class labels."""

    @classmethod
    def conditional_form(cls) -> "type[Normalization] | None":
        """Return the layer that takes class labels as well, or None if there is no such form."""
        return None

    @classmethod
    def latent_form(cls) -> "type[Normalization] | None":
        """Return the layer whose scale and shift are functions of the latents it is given, or None if there is none."""
        return None

    @classmethod
    def unconditional_form(cls) -> "type[Normalization]":
        """Return the layer for the places of a network that see no labels."""
        return cls

    def forward(self, x_NCHW: Tensor, condition: Latents | None) -> Tensor:
        """Normalise `x`; `condition` is the generator's input, None in a discriminator."""
        raise NotImplementedError


class PlainNormalization(Normalization):
    """A layer that looks at nothing but its input.

    Args:
        normalize: (N, C, H, W) -> (N, C, H, W).
    """

    def __init__(self, normalize: nn.Module) -> None:
        super().__init__()
        self.normalize = normalize

    def forward(self, x_NCHW: Tensor, condition: Latents | None) -> Tensor:
        """Normalise `x`; the condition plays no part."""
        out: Tensor = self.normalize(x_NCHW)
        return out
