"""Weight standardization: a convolution's filters have mean 0 and variance 1. O: filters; I: weights of a filter.

Source: Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and Weight Standardization",
arXiv:1903.10520: W -> (W - mean) / sqrt(variance + eps), mean and variance of each filter over its channels and pixels.
The variance is the biased one. A standardised convolution enlarges what passes through it by about sqrt(I), so that a
normalization has to follow.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class WeightStandardization(nn.Module):
    """The parametrization that standardises each filter of a weight.

    Args:
        eps: added to the variance.
    """

    def __init__(self, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight (O, ...) with filters of mean 0 and variance 1; gradients flow through both."""
        variance_O1, mean_O1 = torch.var_mean(weight.flatten(1), dim=1, correction=0, keepdim=True)
        standardised_OI = (weight.flatten(1) - mean_O1) * torch.rsqrt(variance_O1 + self.eps)
        return standardised_OI.view_as(weight)


def add_weight_standardization(layer: nn.Conv2d) -> None:
    """Standardise the filters of a convolution from now on."""
    parametrize.register_parametrization(layer, "weight", WeightStandardization())
