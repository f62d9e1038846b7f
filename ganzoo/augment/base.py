"""The contract of an augmentation. N: batch; C, H, W: image."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganzoo.component import Component


class Augment(Component, nn.Module):
    """A transformation of the batch, applied before the discriminator and any pretext task see it.

    It always runs in float32. State that must survive a restart is kept in buffers.
    """

    kind = "augment"

    applies_to_fake: ClassVar[bool] = False
    """Whether fakes are transformed too, in both steps; then `forward` must be differentiable."""

    keeps_range: ClassVar[bool] = True
    """Whether images stay in [-1, 1]. Where they do not, the discriminator, penalties and pretext tasks see the values
    as they are: nothing clamps them, since that would stop gradients. Samples and metrics are never augmented."""

    turns_images: bool = False
    """Whether it turns images. A task that must tell which side is up is then refused."""

    follows_logits: bool = False
    """Whether it adapts to the logits of real images. It is refused without an adversarial loss, which trains them."""

    def forward(self, images_NCHW: Tensor, *, rng: torch.Generator) -> Tensor:
        """Return transformed images of the same shape, drawing from a CPU generator."""
        raise NotImplementedError

    def after_d_step(self, real_logits_N: Tensor) -> None:
        """React to the logits of real images (adaptive augmentation does)."""

    def reports(self) -> Mapping[str, Tensor]:
        """Return scalars worth logging after each discriminator step, by name: copies, since buffers change."""
        return {}
