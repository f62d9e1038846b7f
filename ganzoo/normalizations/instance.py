"""Instance normalization, plain and conditional on the class. N: batch; C, H, W: image."""

from torch import nn

from ganzoo.normalizations.base import Normalization, PlainNormalization
from ganzoo.normalizations.conditional_affine import ConditionalAffine
from ganzoo.registry import register


@register("normalizations")
class instance(PlainNormalization):
    """Normalise each channel of each image over its pixels, then scale and shift it by learned numbers.

    It looks at no other image of the batch, in training as in evaluation.

    Source: Ulyanov et al., "Instance Normalization", arXiv:1607.08022; with learned scale and shift, as in its
    successors. A map of one pixel becomes 0 before the shift.

    >>> out_NCHW = instance(num_features=3)(torch.rand(2, 3, 4, 4) + 5, None)
    >>> out_NCHW.mean((2, 3)).abs().max().item() < 1e-5
    True

    Args:
        eps: added to the variance.
    """

    def __init__(self, *, eps: float = 1e-5, num_features: int) -> None:
        # A group for each channel.
        super().__init__(nn.GroupNorm(num_features, num_features, eps=eps))

    @classmethod
    def conditional_form(cls) -> type[Normalization]:
        """Return the form whose scale and shift depend on the class."""
        return conditional_instance


@register("normalizations")
class conditional_instance(ConditionalAffine):
    """Normalise each channel of each image over its pixels, then scale and shift it by numbers learned for each class.

    Source: Dumoulin et al., "A Learned Representation for Artistic Style", arXiv:1610.07629, equation 5, where a style
    is what a class is here.
    Departure: the scale is 1 + an embedding, and both embeddings start at 0, so that it starts as plain normalization.

    >>> layer = conditional_instance(num_features=3, num_classes=2)
    >>> condition = Latents(torch.zeros(4, 6), labels_N=torch.tensor([0, 1, 1, 0]))
    >>> tuple(layer(torch.rand(4, 3, 5, 5), condition).shape)
    (4, 3, 5, 5)

    Args:
        eps: added to the variance.
    """

    def __init__(self, *, eps: float = 1e-5, num_features: int, num_classes: int) -> None:
        normalize = nn.GroupNorm(num_features, num_features, eps=eps, affine=False)
        super().__init__(normalize, num_features=num_features, num_classes=num_classes)

    @classmethod
    def unconditional_form(cls) -> type[Normalization]:
        """Return plain instance normalization."""
        return instance
