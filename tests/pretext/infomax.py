"""InfoMax-GAN as a plugin file. N: batch; R: joint space; P: positions; c, h, w: tap; F: features."""

import torch
from torch import Tensor, nn

from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import Observed, PretextTask, Seen, TaskResult, Term
from ganzoo.registry import register


@register("pretext")
class infomax(PretextTask):
    """Let D's global features of an image tell its own local features from those of the rest of the batch.

    Source: Lee et al., "InfoMax-GAN", arXiv:2007.04589, equations 7 to 9. Departure: the projections have no shortcut.

    Args:
        alpha: weight of the generator's loss.
        beta: weight of the discriminator's loss.
        joint_dim: R, width of the space in which both kinds of features are compared.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.2,
        beta: float = 0.2,
        joint_dim: int = 32,
        feature_dim: int,
        tap_shapes: dict[str, tuple[int, int, int]],
        layers: LayerFactory,
    ) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta
        # The local features are those of the last block but one, whose positions still see parts of the image.
        self.tap = list(tap_shapes)[-2]
        self.taps = [self.tap]
        channels = tap_shapes[self.tap][0]
        self.local_head = nn.Sequential(
            layers.conv2d(channels, joint_dim, 1), nn.ReLU(), layers.conv2d(joint_dim, joint_dim, 1)
        )
        self.global_head = nn.Sequential(
            layers.linear(feature_dim, joint_dim), nn.ReLU(), layers.linear(joint_dim, joint_dim)
        )

    def d_terms(self, observed: Observed, *, step: int) -> TaskResult:
        """Return the contrast on real images, weighted by beta."""
        assert observed.real is not None
        return TaskResult([Term("loss", self.contrast(observed.real), self.beta)])

    def g_terms(self, observed: Observed, *, step: int) -> TaskResult:
        """Return the contrast on generated images, weighted by alpha."""
        return TaskResult([Term("loss", self.contrast(observed.fake), self.alpha)])

    def contrast(self, seen: Seen) -> Tensor:
        """Return the InfoNCE loss of a group of images."""
        local_NRP = self.local_head(seen.output.taps[self.tap]).flatten(2)
        return info_nce(local_NRP, self.global_head(seen.output.features_NF))


def info_nce(local_NRP: Tensor, global_NR: Tensor) -> Tensor:
    """Return how badly each global vector tells each local vector of its image from all of the other images."""
    scores_NNP = torch.einsum("nr,mrp->nmp", global_NR, local_NRP)
    own_NP = scores_NNP.diagonal().T
    is_own_NN1 = torch.eye(len(global_NR), dtype=torch.bool)[:, :, None]
    others_N = scores_NNP.masked_fill(is_own_NN1, -torch.inf).flatten(1).logsumexp(1)
    return (torch.logaddexp(own_NP, others_N[:, None]) - own_NP).mean()
