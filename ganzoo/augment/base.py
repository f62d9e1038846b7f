"""The contract of an augmentation. N: batch; C, H, W: image."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ganzoo.registry import Component


class Augment(Component, nn.Module):
    """A transformation of the batch before the discriminator and before any pretext task sees it.

    State that must survive a restart is kept in buffers.
    """

    kind = "augment"

    applies_to_fake: ClassVar[bool] = False
    """Whether fakes are transformed too, in both steps; then `forward` must be differentiable."""

    def forward(self, images_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        """Return transformed images of the same shape and range, drawing from a CPU generator."""
        raise NotImplementedError

    def after_d_step(self, real_logits_N: Tensor) -> None:
        """React to the logits of real images (adaptive augmentation does)."""
