"""The projection discriminator. N: batch; F: feature width; K: classes."""

from torch import Tensor, nn

from ganzoo.conditioning.base import Conditioning
from ganzoo.layers.factory import LayerFactory
from ganzoo.registry import register


class ProjectionHead(nn.Module):
    """The inner product of the features with an embedding of the class.

    Args:
        num_classes: K.
        feature_dim: F.
        layers: the discriminator's factory, which spectrally normalises the embedding iff the rest is.
    """

    def __init__(self, num_classes: int, feature_dim: int, layers: LayerFactory) -> None:
        super().__init__()
        self.embedding = layers.embedding(num_classes, feature_dim)

    def forward(self, features_NF: Tensor, labels_N: Tensor) -> Tensor:
        """Return what the labels add to the logits, (N,)."""
        embedded_NF: Tensor = self.embedding(labels_N)
        return (embedded_NF * features_NF).sum(1)


@register("conditioning")
class projection(Conditioning):
    """Add <embedding of y, features> to D's logit, and give G's normalization its conditional form.

    Source: Miyato & Koyama, "cGANs with Projection Discriminator", arXiv:1802.05637, equation 3.

    >>> head = projection(num_classes=3).discriminator_head(4, LayerFactory(spectral_norm=False))
    >>> head(torch.zeros(2, 4), torch.tensor([0, 2])).tolist()
    [0.0, 0.0]
    """

    def discriminator_head(self, feature_dim: int, layers: LayerFactory) -> nn.Module:
        """Return the projection of features on the embedding of the label."""
        return ProjectionHead(self.num_classes, feature_dim, layers)
