"""scikit-learn's handwritten digits. N: images."""

import numpy as np
import torch

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.errors import ParameterError
from ganzoo.registry import register
from ganzoo.resize import resize_uint8

NUM_IMAGES = 1797
NUM_CLASSES = 10


@register("data")
class digits(ResizedDataset):
    """1,797 grey handwritten digits of 8 x 8 pixels that scikit-learn ships, enlarged; nothing to download.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (its test part). The values
    0..16 are scaled to 0..255.

    >>> digits(num_test=297).spec().num_images
    {'train': 1500, 'test': 297}

    Args:
        size: height and width in pixels; 8 as stored, others by antialiased bilinear interpolation.
        num_test: how many of the last images form the split `test`; with 0 there is none and all are `train`.
    """

    size: int = 16
    num_test: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.num_test < NUM_IMAGES:
            raise ParameterError(
                "num_test", f"must lie in 0..{NUM_IMAGES - 1}, not {self.num_test}: train needs an image"
            )

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        splits = {"train": NUM_IMAGES - self.num_test}
        if self.num_test:
            splits["test"] = self.num_test
        return DataSpec((1, self.size, self.size), NUM_CLASSES, splits)

    def load(self, split: str) -> ImageData:
        """Return a split."""
        self.check_split(split)
        from sklearn.datasets import load_digits

        pixels_NHW, labels_N = load_digits(return_X_y=True)
        scaled = np.rint(pixels_NHW * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
        cut = len(scaled) - self.num_test
        rows = slice(cut) if split == "train" else slice(cut, None)
        labels = torch.from_numpy(labels_N[rows].astype(np.int64))
        return ImageData(resize_uint8(torch.from_numpy(scaled[rows]), self.size), labels)

    def find(self) -> str | None:
        """Return where the files are."""
        return "comes with scikit-learn"
