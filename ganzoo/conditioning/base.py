"""The contract of conditioning on class labels. N: batch; F: feature width; K: classes."""

from torch import nn

from ganzoo.layers.factory import LayerFactory
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import Component, Part


class Conditioning(Component):
    """How class labels enter the generator and the discriminator: the one binding that makes a GAN conditional.

    Args:
        num_classes: K, a runtime fact from the data set.
    """

    kind = "conditioning"
    runtime_facts = frozenset({"num_classes"})

    def __init__(self, *, num_classes: int) -> None:
        self.num_classes = num_classes

    def generator_normalization(self, normalization: Part[Normalization]) -> Part[Normalization]:
        """Return the form of the generator's normalization that takes labels.

        Raises:
            ValueError: there is none.
        """
        raise NotImplementedError

    def generator_embedding(self, embedding_dim: int, layers: LayerFactory) -> nn.Module:
        """Return a module labels (N,) -> (N, E) for a generator whose layers share ONE embedding of the label.

        It takes the place of `generator_normalization` there. A table, never spectrally normalised (BigGAN).

        Args:
            embedding_dim: E.
            layers: the generator's factory, for its initialisation.
        """
        tables = LayerFactory(spectral_norm=False, initializer=layers.initializer)
        return tables.embedding(self.num_classes, embedding_dim)

    def discriminator_head(self, feature_dim: int, layers: LayerFactory) -> nn.Module:
        """Return a module (features (N, F), labels (N,)) -> (N,) that is added to the adversarial logit."""
        raise NotImplementedError
