"""Scale and shift by numbers of the class, after any normalization. N: batch; C, H, W: image; K: classes."""

import torch
from torch import Tensor, nn

from ganzoo.batch import Latents
from ganzoo.normalizations.base import Normalization


class ConditionalAffine(Normalization):
    """Normalise, then scale and shift each channel by numbers learned for each class.

    The scale is 1 + an embedding of the class and the shift another, both starting at 0, so that it starts as plain
    normalization (Dumoulin et al., arXiv:1610.07629, equation 5). A subclass gives the normalization.

    Args:
        normalize: (N, C, H, W) -> (N, C, H, W), without scale and shift of its own.
        num_features: C.
        num_classes: K.
    """

    needs_condition = True
    needs_labels = True

    def __init__(self, normalize: nn.Module, *, num_features: int, num_classes: int) -> None:
        super().__init__()
        if not num_classes:
            raise ValueError(
                "it needs class labels, which experiment.conditioning brings to the normalizations of the generator's "
                "blocks; set experiment.conditioning = @conditioning.projection"
            )
        self.normalize = normalize
        # From a table, since the usual constructor would draw random numbers and shift what is initialised after it.
        table = torch.zeros(num_classes, 2 * num_features)
        self.scale_and_shift = nn.Embedding.from_pretrained(table, freeze=False)  # type: ignore[no-untyped-call]

    @classmethod
    def conditional_form(cls) -> type[Normalization]:
        """Return itself."""
        return cls

    def forward(self, x_NCHW: Tensor, condition: Latents | None) -> Tensor:
        """Normalise `x` and scale and shift it for the condition's labels."""
        assert condition is not None, "a conditional normalization belongs in a generator"
        assert condition.labels_N is not None, "a conditional generator was given no labels"
        scale_NC, shift_NC = self.scale_and_shift(condition.labels_N).chunk(2, dim=1)
        scale_NC11, shift_NC11 = 1 + scale_NC[:, :, None, None], shift_NC[:, :, None, None]
        return torch.addcmul(shift_NC11, self.normalize(x_NCHW), scale_NC11)
