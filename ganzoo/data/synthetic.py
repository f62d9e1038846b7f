"""Smooth random images of any shape, made when asked for. N: images; K: classes; C, H, W: image."""

import torch

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.errors import check_at_least
from ganzoo.randomness import make_generator
from ganzoo.registry import register
from ganzoo.resize import resize

COARSE_SIZE = 4  # pixels of the noise that is blown up into an image


@register("data")
class synthetic(Dataset):
    """Smooth random images, each class around a pattern of its own; for trying things out without any files.

    The splits `train` and `test` have the same patterns and different noise. Labels go round: image i is of class
    i modulo `num_classes`.

    Source: none; made up here. The same arguments always give the same images.

    Args:
        size: height and width in pixels.
        channels: 1 for grey, 3 for colour, or any other number.
        num_classes: classes; 0 for images without labels.
        num_images: images of each split.
        seed: of the images; whatever the seed of the run, the data are the same.
    """

    def __init__(
        self, *, size: int = 32, channels: int = 3, num_classes: int = 10, num_images: int = 256, seed: int = 0
    ) -> None:
        check_at_least(1, size=size, channels=channels, num_images=num_images)
        check_at_least(0, num_classes=num_classes, seed=seed)
        super().__init__()
        self.size = size
        self.channels = channels
        self.num_classes = num_classes
        self.num_images = num_images
        self.seed = seed

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
        # Most of +-3 standard deviations of the sum of both fits into 0..255.
        coarse_NCHW = (128 + 32 * (patterns_KCHW[labels_N] + noise_NCHW)).clamp(0, 255).double()
        images_NCHW = resize(coarse_NCHW, self.size, filter_="bicubic").round().to(torch.uint8)
        return ImageData(images_NCHW.contiguous(), labels_N if self.num_classes else None)

    def find(self) -> str | None:
        """Return where the files are."""
        return "made when asked for"
