"""Smooth random images of any shape, made when asked for. N: images; K: classes; C, H, W: image."""

import torch

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.errors import check_at_least
from ganzoo.randomness import make_generator
from ganzoo.registry import register
from ganzoo.resize import resize

COARSE_SIZE = 4  # pixels of the noise that is enlarged to an image


@register("data")
class synthetic(ResizedDataset):
    """Smooth random images, each class around a pattern of its own; for trying things out without any files.

    The splits `train` and `test` have the same patterns and different noise. Image i is of class i modulo
    `num_classes`.

    Source: none; made up here. The same arguments always give the same images.

    >>> synthetic(size=16, channels=1, num_images=8).load("test").images_NCHW.shape
    torch.Size([8, 1, 16, 16])

    Args:
        size: height and width in pixels.
        channels: 1 for grey, 3 for colour, or any other number.
        num_classes: classes; 0 for images without labels.
        num_images: images of each split.
        seed: of the images. It is not the seed of the run, so that all runs have the same data.
    """

    size: int = 32
    channels: int = 3
    num_classes: int = 10
    num_images: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(1, channels=self.channels, num_images=self.num_images)
        check_at_least(0, num_classes=self.num_classes, seed=self.seed)

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        shape = (self.channels, self.size, self.size)
        return DataSpec(shape, self.num_classes, {"train": self.num_images, "test": self.num_images})

    def load(self, split: str) -> ImageData:
        """Return a split."""
        self.check_split(split)
        coarse_shape = (self.channels, COARSE_SIZE, COARSE_SIZE)
        labels_N = torch.arange(self.num_images) % max(self.num_classes, 1)
        patterns_KCHW = torch.randn(
            max(self.num_classes, 1), *coarse_shape, generator=make_generator(self.seed, "synthetic/patterns")
        )
        noise_NCHW = torch.randn(
            self.num_images, *coarse_shape, generator=make_generator(self.seed, f"synthetic/{split}")
        )
        # Nearly 3 standard deviations of the sum fit into 0..255 on either side.
        coarse_NCHW = (128 + 32 * (patterns_KCHW[labels_N] + noise_NCHW)).clamp(0, 255).double()
        images_NCHW = resize(coarse_NCHW, self.size, filter_="bicubic").round().to(torch.uint8)
        return ImageData(images_NCHW.contiguous(), labels_N if self.num_classes else None)

    def find(self) -> str | None:
        """Return where the files are."""
        return "made when asked for"
