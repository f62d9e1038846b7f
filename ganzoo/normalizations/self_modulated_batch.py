"""Self-modulated batch normalization. N: batch; C, H, W: image; L: latent dimension; M: hidden; K: classes."""

import torch
from torch import Tensor, nn

from ganzoo.batch import Latents
from ganzoo.errors import check_at_least
from ganzoo.normalizations.base import Normalization
from ganzoo.registry import register


@register("normalizations")
class self_modulated_batch(Normalization):
    """Normalise each channel over the batch, then scale and shift it by functions of the generator's own input.

    h = ReLU(Linear(z, M)); scale = Linear(h), starting at 1 + a small function of z; shift = Linear(h), around 0.
    With labels y, z is replaced by z' = z + e(y) + z * e'(y), where e and e' are embeddings that start at 0.

    Source: Chen et al., "On Self Modulation for GANs", arXiv:1810.01365; the joint form for z and y is given from
    memory.
    Departures: the embeddings start at 0, so that it starts as the unconditional form; the linear layers start as
    torch's do, weights and the hidden bias uniform within 1 / sqrt(inputs), where compare_gan draws weights from N(0,
    0.02^2) and sets that bias to 0; they have no spectral norm, whatever the network's `spectral_norm` says, where
    compare_gan's follow it.

    >>> layer = self_modulated_batch(num_features=3, latent_dim=6)
    >>> tuple(layer(torch.rand(4, 3, 5, 5), Latents(torch.zeros(4, 6))).shape)
    (4, 3, 5, 5)

    Args:
        num_hidden: M, units of the hidden layer.
        eps: added to the variance.
        momentum: share of the newest batch in the running statistics, which evaluation uses.
    """

    uses_batch_statistics = True
    needs_condition = True

    def __init__(
        self,
        *,
        num_hidden: int = 32,
        eps: float = 1e-5,
        momentum: float = 0.1,
        num_features: int,
        latent_dim: int,
        num_classes: int = 0,
    ) -> None:
        super().__init__()
        check_at_least(1, num_hidden=num_hidden)
        self.normalize = nn.BatchNorm2d(num_features, eps=eps, momentum=momentum, affine=False)
        self.hidden = nn.Linear(latent_dim, num_hidden)
        self.scale = nn.Linear(num_hidden, num_features)
        self.shift = nn.Linear(num_hidden, num_features)
        nn.init.ones_(self.scale.bias)
        nn.init.zeros_(self.shift.bias)
        self.label_terms = None
        if num_classes:
            # From a table: the usual constructor would draw random numbers and shift what is initialised after it.
            table = torch.zeros(num_classes, 2 * latent_dim)
            self.label_terms = nn.Embedding.from_pretrained(table, freeze=False)  # type: ignore[no-untyped-call]

    @classmethod
    def conditional_form(cls) -> type[Normalization]:
        """Return itself: it takes latents and labels together."""
        return cls

    @classmethod
    def latent_form(cls) -> type[Normalization]:
        """Return itself."""
        return cls

    def forward(self, x_NCHW: Tensor, condition: Latents | None) -> Tensor:
        """Normalise `x` and scale and shift it for the condition's latents and labels."""
        assert condition is not None, "self_modulated_batch belongs in a generator"
        z_NL = condition.latents_NL
        if self.label_terms is not None:
            assert condition.labels_N is not None, "a conditional generator was given no labels"
            added_NL, factor_NL = self.label_terms(condition.labels_N).chunk(2, dim=1)
            z_NL = z_NL + added_NL + z_NL * factor_NL
        hidden_NM = nn.functional.relu(self.hidden(z_NL))
        scale_NC, shift_NC = self.scale(hidden_NM), self.shift(hidden_NM)
        return torch.addcmul(shift_NC[:, :, None, None], self.normalize(x_NCHW), scale_NC[:, :, None, None])
