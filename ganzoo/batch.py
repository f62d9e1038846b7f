"""What travels through a step. N: batch; C, H, W: image; L: latent dimension.

Images are float32 NCHW in [-1, 1] everywhere but in `data/` and before `features/`, where they are uint8; only what an
augmentation returns to a training step may leave that range, if it says so.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Latents:
    """The input of a generator: latents (N, L) and, for a conditional one, class labels (N,)."""

    latents_NL: Tensor
    labels_N: Tensor | None = None

    def moved(self, deviation: float, *, rng: torch.Generator) -> "Latents":
        """Return the same with normal noise added to the latents.

        Args:
            deviation: standard deviation of the noise in every coordinate.
            rng: a CPU generator.
        """
        noise_NL = deviation * torch.randn(self.latents_NL.shape, generator=rng)
        return replace(self, latents_NL=self.latents_NL + noise_NL.to(self.latents_NL))


UNKNOWN_LABEL = -1
"""The label of a real image whose class a conditioning hides from training."""


@dataclass(frozen=True)
class ImageBatch:
    """Images (N, C, H, W) with their class labels (N,) if there are any, and, of fakes, their latents (N, L).

    Of real images, and of views made from them, some labels may be `UNKNOWN_LABEL`. A conditional discriminator takes
    those as it takes others; a task or a penalty that reads labels itself leaves such images out.
    """

    images_NCHW: Tensor
    labels_N: Tensor | None = None
    latents_NL: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images_NCHW)

    def __getitem__(self, rows: slice) -> "ImageBatch":
        labels = None if self.labels_N is None else self.labels_N[rows]
        latents = None if self.latents_NL is None else self.latents_NL[rows]
        return ImageBatch(self.images_NCHW[rows], labels, latents)

    def with_images(self, images_NCHW: Tensor) -> "ImageBatch":
        """Return the same batch with other images in the same order."""
        return replace(self, images_NCHW=images_NCHW)


def to_images(uint8_NCHW: Tensor, *, device: torch.device) -> Tensor:
    """Return stored uint8 images as float32 in [-1, 1] (x / 127.5 - 1), channels_last, on a device."""
    images_NCHW = uint8_NCHW.to(device).to(torch.float32, memory_format=torch.channels_last)
    return images_NCHW.div_(127.5).sub_(1.0)


def to_uint8(images_NCHW: Tensor) -> Tensor:
    """Return images in [-1, 1] as uint8 in 0..255, rounded to the nearest, what lies outside cut off."""
    return images_NCHW.float().add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)
