"""Raw pixels as features, the plainest of baselines. N: images; C, H, W: image; F: 3 x size x size."""

import torch
from torch import Tensor

from ganzoo.component import DeclaredArguments
from ganzoo.errors import check_at_least
from ganzoo.features.base import CPU, FeatureExtractor, Settings
from ganzoo.features.batches import RESIZE, extract
from ganzoo.registry import register

BATCH_SIZE = 1024


@register("features")
class pixels(DeclaredArguments, FeatureExtractor):
    """Pixels (N, 3 size^2) in 0..1 of images resized to `size` px, channel by channel, and not standardised.

    Its numbers are called `fd_pixels_32px` and so on. Distances of pixels are distances of layout and brightness, not
    of content: a shift by one pixel is far. Grey images become three equal channels: their Frechet distance, a square,
    is 3 times that of one channel; their kernel distance, whose kernel divides by the number of features, is the same.
    Images that have this size already keep their values. It needs neither weights nor a download.

    Source: the images themselves; resized as clean-fid does, arXiv:2104.11222.

    >>> white_NCHW = torch.full((5, 1, 8, 8), 255, dtype=torch.uint8)
    >>> pixels(size=8)(white_NCHW).equal(torch.ones(5, 3 * 8 * 8))
    True

    Args:
        size: height and width that images are resized to, in pixels.
        device: where to resize.
    """

    size: int = 32
    device: torch.device = CPU

    def __post_init__(self) -> None:
        check_at_least(1, size=self.size)
        self.label = f"pixels_{self.size}px"
        self.feature_dim = 3 * self.size**2

    def check_available(self) -> None:
        """Do nothing: it needs no weights."""

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        """Return float32 features (N, 3 size^2) in 0..1 on the CPU for uint8 images (N, 1 or 3, H, W)."""
        return extract(_flat, images_NCHW, size=self.size, batch_size=BATCH_SIZE, device=self.device)

    def protocol(self) -> Settings:
        """Return extractor and resize."""
        return {"extractor": "features.pixels", "resize": f"{RESIZE}, to {self.size} px"}


def _flat(x_NCHW: Tensor) -> Tensor:
    return x_NCHW.flatten(1) / 255
