"""Batch normalization, plain and conditional on the class. N: batch; C, H, W: image; K: classes."""

import torch
from torch import Tensor, nn

from ganzoo.batch import Latents
from ganzoo.normalizations.base import Normalization
from ganzoo.normalizations.linear_modulated_batch import linear_modulated_batch
from ganzoo.registry import register


@register("normalizations")
class batch(Normalization):
    """Normalise each channel over the batch, then scale and shift it by learned numbers.

    Source: Ioffe & Szegedy, arXiv:1502.03167, algorithm 1.

    Args:
        eps: added to the variance.
        momentum: share of the newest batch in the running statistics, which evaluation uses.
    """

    uses_batch_statistics = True

    def __init__(self, *, eps: float = 1e-5, momentum: float = 0.1, num_features: int) -> None:
        super().__init__()
        self.normalize = nn.BatchNorm2d(num_features, eps=eps, momentum=momentum)

    @classmethod
    def conditional_form(cls) -> type[Normalization]:
        """Return the form whose scale and shift depend on the class."""
        return conditional_batch

    @classmethod
    def latent_form(cls) -> type[Normalization]:
        """Return the form whose scale and shift are linear in the latents."""
        return linear_modulated_batch

    def forward(self, x_NCHW: Tensor, condition: Latents | None) -> Tensor:
        """Normalise `x`; the condition plays no part."""
        out: Tensor = self.normalize(x_NCHW)
        return out


@register("normalizations")
class conditional_batch(Normalization):
    """Normalise each channel over the batch, then scale and shift it by numbers learned for each class.

    The scale is 1 + an embedding of the class and the shift another, both starting at 0, so that it starts as plain
    normalization.

    Source: Dumoulin et al., arXiv:1610.07629, equation 5; in GANs, Miyato & Koyama, arXiv:1802.05637. Departure:
    compare_gan scales by the embedding alone, and mimicry draws the scales from N(1, 0.02).

    Args:
        eps: added to the variance.
        momentum: share of the newest batch in the running statistics, which evaluation uses.
    """

    uses_batch_statistics = True
    needs_condition = True

    def __init__(self, *, eps: float = 1e-5, momentum: float = 0.1, num_features: int, num_classes: int) -> None:
        super().__init__()
        if not num_classes:
            raise ValueError("it needs class labels; set experiment.conditioning = @conditioning.projection")
        self.normalize = nn.BatchNorm2d(num_features, eps=eps, momentum=momentum, affine=False)
        # From a table, since the usual constructor would draw random numbers and shift what is initialised after it.
        table = torch.zeros(num_classes, 2 * num_features)
        self.scale_and_shift = nn.Embedding.from_pretrained(table, freeze=False)  # type: ignore[no-untyped-call]

    @classmethod
    def conditional_form(cls) -> type[Normalization]:
        """Return itself."""
        return cls

    @classmethod
    def latent_form(cls) -> type[Normalization]:
        """Return the form whose scale and shift are linear in the latents."""
        return linear_modulated_batch

    @classmethod
    def unconditional_form(cls) -> type[Normalization]:
        """Return plain batch normalization."""
        return batch

    def forward(self, x_NCHW: Tensor, condition: Latents | None) -> Tensor:
        """Normalise `x` and scale and shift it for the condition's labels."""
        assert condition is not None, "conditional_batch belongs in a generator"
        assert condition.labels_N is not None, "a conditional generator was given no labels"
        scale_NC, shift_NC = self.scale_and_shift(condition.labels_N).chunk(2, dim=1)
        scale_NC11, shift_NC11 = 1 + scale_NC[:, :, None, None], shift_NC[:, :, None, None]
        return torch.addcmul(shift_NC11, self.normalize(x_NCHW), scale_NC11)
