"""Local against global features, the task of InfoMax-GAN.

N: batch; R: joint space; P: positions; c, h, w: tap; F: features.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.errors import ParameterError, check_at_least
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import LossTerm, TaskOutputs, TaskResult, ViewOutput
from ganzoo.pretext.weighted_task import WeightedTask
from ganzoo.registry import register


@register("pretext")
class infomax(WeightedTask):
    """Match D's global features of an image with its local features, among those of other images (InfoMax-GAN).

    Source: Lee et al., "InfoMax-GAN: Improved Adversarial Image Generation via Information Maximization and Contrastive
    Learning", arXiv:2007.04589, with the projections, weights and width of its code in mimicry. Both kinds of features
    are projected to one space; the InfoNCE loss is the mean over images i and positions p of -log softmax of the inner
    product of i's global vector and i's local vector at p, against its products with the local vectors at all positions
    of all other images. D learns it on real images, G on generated ones; no view is added. Local features are the
    output of the last block but one, as there at 32 px.
    Departure: an image's other positions are left out of the softmax; in that code they stay in with a score of -10.

    >>> local_NPR, global_NR = torch.zeros(2, 5, 4), torch.zeros(2, 4)
    >>> round(info_nce(local_NPR, global_NR).item(), 3)  # one position against five of the other image: log 6
    1.792

    Args:
        joint_dim: R, width of the space in which both kinds of features are compared.
    """

    alpha: float = 0.2
    beta: float = 0.2
    joint_dim: int = 1024
    feature_dim: int
    tap_shapes: Mapping[str, tuple[int, int, int]]
    batch_size: int
    layers: LayerFactory

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(1, joint_dim=self.joint_dim)
        if self.batch_size < 2:
            raise ParameterError(
                "batch_size", f"must be at least 2, not {self.batch_size}: the images of a batch are compared"
            )
        if len(self.tap_shapes) < 2:
            raise ValueError("it reads the last block but one of a discriminator, and this one has a single tap")
        # The positions of the last block but one still see parts of the image.
        self.tap = list(self.tap_shapes)[-2]
        self.taps = (self.tap,)
        self.local_head = Projection(self.tap_shapes[self.tap][0], self.joint_dim, self.layers)
        self.global_head = Projection(self.feature_dim, self.joint_dim, self.layers)

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the contrast on real images, weighted by beta."""
        assert outputs.real is not None
        return TaskResult([LossTerm("loss", self.contrast(outputs.real), self.d_weight(step))])

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the contrast on generated images, weighted by alpha."""
        return TaskResult([LossTerm("loss", self.contrast(outputs.fake), self.g_weight(step))])

    def contrast(self, images: ViewOutput) -> Tensor:
        """Return the InfoNCE loss of a group of images."""
        # A linear layer on every position is a 1x1 convolution.
        local_NPc = images.output.taps[self.tap].flatten(2).transpose(1, 2)
        return info_nce(self.local_head(local_NPc), self.global_head(images.output.features_NF))


class Projection(nn.Module):
    """linear, ReLU, linear; plus the input through a linear layer.

    Args:
        num_features: of the input, and between the layers.
        joint_dim: R, of the output.
        layers: makes the linear layers.
    """

    def __init__(self, num_features: int, joint_dim: int, layers: LayerFactory) -> None:
        super().__init__()
        self.hidden = layers.linear(num_features, num_features)
        self.output = layers.linear(num_features, joint_dim)
        self.shortcut = layers.linear(num_features, joint_dim)

    def forward(self, features: Tensor) -> Tensor:
        """Project the last dimension."""
        return torch.add(self.output(functional.relu(self.hidden(features))), self.shortcut(features))


def info_nce(local_NPR: Tensor, global_NR: Tensor) -> Tensor:
    """Return the InfoNCE loss of global vectors (N, R) against local vectors (N, P, R), a scalar."""
    # Sums over hundreds of products need more than the 8 bits that autocast would leave them.
    with torch.autocast(local_NPR.device.type, enabled=False):
        scores_NNP = torch.einsum("nr,mpr->nmp", global_NR.float(), local_NPR.float())
    own_NP = scores_NNP.diagonal().T
    is_own_NN1 = torch.eye(len(global_NR), dtype=torch.bool, device=global_NR.device)[:, :, None]
    others_N = scores_NNP.masked_fill(is_own_NN1, -torch.inf).flatten(1).logsumexp(1)
    return (torch.logaddexp(own_NP, others_N[:, None]) - own_NP).mean()
