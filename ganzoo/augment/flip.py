"""Horizontal flips. N: batch; C, H, W: image."""

import torch
from torch import Tensor

from ganzoo.augment.base import Augment
from ganzoo.errors import ParameterError
from ganzoo.registry import register


@register("augment")
class flip(Augment):
    """Mirror each real image left to right with some probability.

    Source: the usual augmentation of data sets without a preferred side; SNGAN (arXiv:1802.05957) and its successors
    train on flipped images. Only real images are flipped: it enlarges the data set, and G learns both sides. Wrong for
    digits, letters and whatever else a mirror changes.

    >>> flip(probability=1.0)(torch.tensor([[[[1.0, 2.0]]]]), rng=torch.Generator()).tolist()
    [[[[2.0, 1.0]]]]

    Args:
        probability: of a flip, for each image on its own, in [0, 1].
    """

    def __init__(self, *, probability: float = 0.5) -> None:
        super().__init__()
        if not 0 <= probability <= 1:
            raise ParameterError("probability", f"must lie in [0, 1], not {probability}")
        self.probability = probability

    def forward(self, images_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        """Return the images (N, C, H, W), some of them mirrored."""
        flipped_N = torch.rand(len(images_NCHW), generator=rng) < self.probability
        mask_N111 = flipped_N.to(images_NCHW.device)[:, None, None, None]
        return torch.where(mask_N111, images_NCHW.flip(3), images_NCHW)
