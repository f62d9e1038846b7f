"""Batch normalization, plain and conditional on the class. N: batch; C, H, W: image."""

from torch import nn

from ganzoo.normalizations.base import Normalization, PlainNormalization
from ganzoo.normalizations.conditional_affine import ConditionalAffine
from ganzoo.normalizations.linear_modulated_batch import linear_modulated_batch
from ganzoo.registry import register


@register("normalizations")
class batch(PlainNormalization):
    """Normalise each channel over the batch, then scale and shift it by learned numbers.

    Source: Ioffe & Szegedy, arXiv:1502.03167, algorithm 1.

    >>> out_NCHW = batch(num_features=3)(torch.rand(8, 3, 4, 4) + 5, None)
    >>> out_NCHW.mean((0, 2, 3)).abs().max().item() < 1e-5
    True

    Args:
        eps: added to the variance.
        momentum: share of the newest batch in the running statistics, which evaluation uses.
    """

    uses_batch_statistics = True

    def __init__(self, *, eps: float = 1e-5, momentum: float = 0.1, num_features: int) -> None:
        super().__init__(nn.BatchNorm2d(num_features, eps=eps, momentum=momentum))

    @classmethod
    def conditional_form(cls) -> type[Normalization]:
        """Return the form whose scale and shift depend on the class."""
        return conditional_batch

    @classmethod
    def latent_form(cls) -> type[Normalization]:
        """Return the form whose scale and shift are linear in the latents."""
        return linear_modulated_batch


@register("normalizations")
class conditional_batch(ConditionalAffine):
    """Normalise each channel over the batch, then scale and shift it by numbers learned for each class.

    The scale is 1 + an embedding of the class and the shift another, both starting at 0, so that it starts as plain
    normalization.

    Source: Dumoulin et al., arXiv:1610.07629, equation 5; in GANs, Miyato & Koyama, arXiv:1802.05637.
    Departure: compare_gan scales by the embedding alone, and mimicry draws the scales from N(1, 0.02).

    >>> layer = conditional_batch(num_features=3, num_classes=2)
    >>> condition = Latents(torch.zeros(4, 6), labels_N=torch.tensor([0, 1, 1, 0]))
    >>> tuple(layer(torch.rand(4, 3, 5, 5), condition).shape)
    (4, 3, 5, 5)

    Args:
        eps: added to the variance.
        momentum: share of the newest batch in the running statistics, which evaluation uses.
    """

    uses_batch_statistics = True

    def __init__(self, *, eps: float = 1e-5, momentum: float = 0.1, num_features: int, num_classes: int) -> None:
        normalize = nn.BatchNorm2d(num_features, eps=eps, momentum=momentum, affine=False)
        super().__init__(normalize, num_features=num_features, num_classes=num_classes)

    @classmethod
    def latent_form(cls) -> type[Normalization]:
        """Return the form whose scale and shift are linear in the latents."""
        return linear_modulated_batch

    @classmethod
    def unconditional_form(cls) -> type[Normalization]:
        """Return plain batch normalization."""
        return batch
