"""STL-10. N: images; n: images of a piece; C, H, W: image."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.data.image_cache import ImageSource, cached_images
from ganzoo.data.source_files import SourceFiles
from ganzoo.errors import UserError
from ganzoo.registry import register
from ganzoo.resize import resize_uint8

NUM_IMAGES = {"train": 5_000, "test": 8_000, "unlabeled": 100_000}
NUM_CLASSES = 10
STORED_SIZE = 96
PIECE_SIZE = 256  # images resized at once, to bound the memory


@register("data")
class stl10(ResizedDataset):
    """5,000 + 8,000 labelled and 100,000 unlabelled colour images, 96 x 96 pixels, by default resized to 48.

    Unconditional GANs are trained on the 100,000: `experiment.train_split = 'unlabeled'` (as SNGAN, arXiv:1802.05957,
    and papers that compare with it, at 48 pixels).

    Source: Coates, Lee and Ng, An Analysis of Single Layer Networks in Unsupervised Feature Learning, AISTATS 2011. The
    binary files of the official archive, whose images are stored column by column, and whose labels 1..10 become 0..9.
    Resized images are kept in a cache on disk that is mapped into memory.

    >>> stl10().spec().num_classes_of("train"), stl10().spec().num_classes_of("unlabeled")
    (10, 0)

    Args:
        size: height and width in pixels; 96 as stored, others by antialiased bilinear interpolation.
    """

    _title = "STL-10"
    _layouts = ("stl10_binary",)
    _remedy = (
        "download http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz (2.6 GB, md5 "
        "91f7769df0f17e558f3565bffb0c7dfb) and unpack it in '{home}'"
    )

    size: int = 48

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, self.size, self.size), NUM_CLASSES, NUM_IMAGES, frozenset({"unlabeled"}))

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split; `unlabeled` has no labels."""
        num, path = NUM_IMAGES[split], place / f"{split}_X.bin"
        _check_size(path, num * 3 * STORED_SIZE**2)
        labels_N = self._labels(place, split) if self.spec().num_classes_of(split) else None

        def pieces() -> Iterator[Tensor]:
            # Each plane of an image is stored column by column.
            stored_NCWH = np.memmap(path, np.uint8, "r", shape=(num, 3, STORED_SIZE, STORED_SIZE))
            for start in range(0, num, PIECE_SIZE):
                piece_nCHW = np.array(stored_NCWH[start : start + PIECE_SIZE].transpose(0, 1, 3, 2))
                yield resize_uint8(torch.from_numpy(piece_nCHW), self.size)

        shape = (num, 3, self.size, self.size)
        source = ImageSource(f"STL-10 ({split})", {}, shape, labels_N, pieces, SourceFiles([path], place))
        return cached_images(source, say=self.say)

    def _labels(self, folder: Path, split: str) -> Tensor:
        path = folder / f"{split}_y.bin"
        _check_size(path, NUM_IMAGES[split])
        stored_N = np.fromfile(path, np.uint8)
        if not 1 <= stored_N.min() <= stored_N.max() <= NUM_CLASSES:
            raise UserError(
                f"'{path}' holds labels {stored_N.min()} to {stored_N.max()}, not 1 to 10; unpack stl10_binary.tar.gz "
                "again"
            )
        return torch.from_numpy(stored_N.astype(np.int64) - 1)


def _check_size(path: Path, expected: int) -> None:
    """Refuse a file that is missing or cut short."""
    found = path.stat().st_size if path.is_file() else None
    if found != expected:
        has = "is missing" if found is None else f"has {found:,} bytes, not {expected:,}"
        raise UserError(f"'{path}' {has}; unpack stl10_binary.tar.gz again")
