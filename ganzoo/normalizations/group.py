"""Group normalization. N: batch; C, H, W: image."""

from torch import nn

from ganzoo.errors import ParameterError
from ganzoo.normalizations.base import PlainNormalization
from ganzoo.registry import register


@register("normalizations")
class group(PlainNormalization):
    """Normalise groups of channels of each image over their pixels, then scale and shift each channel.

    It looks at no other image of the batch. One group is `normalizations.layer`, and a group for each channel
    `normalizations.instance`. It has no form that takes class labels.

    Source: Wu & He, "Group Normalization", arXiv:1803.08494, section 3, with its 32 groups.

    >>> out_NCHW = group(num_groups=2, num_features=4)(torch.rand(1, 4, 3, 3) + 5, None)
    >>> out_NCHW[:, :2].mean().abs().item() < 1e-5
    True

    Args:
        num_groups: of equally many channels each; it must divide the channels of every layer that is normalised.
        eps: added to the variance.
    """

    def __init__(self, *, num_groups: int = 32, eps: float = 1e-5, num_features: int) -> None:
        if num_groups < 1 or num_features % num_groups:
            raise ParameterError(
                "num_groups",
                f"must divide the {num_features} channels of a layer, and {num_groups} does not; set it, or another "
                "width of the network",
            )
        super().__init__(nn.GroupNorm(num_groups, num_features, eps=eps))
