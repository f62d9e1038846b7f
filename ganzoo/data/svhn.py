"""Street View House Numbers. N: images; C, H, W: image."""

from pathlib import Path

import numpy as np
import torch

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.errors import UserError
from ganzoo.registry import register

NUM_IMAGES = {"train": 73_257, "test": 26_032, "extra": 531_131}
MEGABYTES = {"train": 182, "test": 64, "extra": 1329}
NUM_CLASSES = 10
SIZE = 32


@register("data")
class svhn(Dataset):
    """73,257 + 26,032 colour images of house-number digits, 32 x 32 pixels, and 531,131 easier ones (`extra`).

    Source: Netzer et al., Reading Digits in Natural Images with Unsupervised Feature Learning, NIPS workshop 2011; its
    format 2, the files `train_32x32.mat`, `test_32x32.mat` and `extra_32x32.mat`. The files call the digit 0 class 10;
    here it is class 0, so that a label is its digit.

    >>> svhn().spec().num_images["extra"]
    531131
    """

    _title = "SVHN"
    _layouts = ("svhn", "SVHN", ".")
    _needed_splits = ("train", "test")

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, SIZE, SIZE), NUM_CLASSES, NUM_IMAGES)

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split."""
        from scipy.io import loadmat

        path = place / _file_name(split)
        try:
            content = loadmat(path, variable_names=["X", "y"])
            pixels_HWCN, labels_N1 = content["X"], content["y"]
        except Exception as error:
            # scipy and zlib can raise nearly any error for a file that is cut short.
            raise UserError(f"'{path}' is damaged ({type(error).__name__}: {error}); download it again") from error
        expected = (SIZE, SIZE, 3, NUM_IMAGES[split])
        if pixels_HWCN.shape != expected or pixels_HWCN.dtype != np.uint8 or labels_N1.shape != (expected[-1], 1):
            raise UserError(
                f"'{path}' holds X of shape {pixels_HWCN.shape} {pixels_HWCN.dtype} and y of shape {labels_N1.shape} "
                f"where SVHN has {expected} uint8 and {(expected[-1], 1)}; download it again"
            )
        labels_N = labels_N1[:, 0].astype(np.int64)
        if not 1 <= labels_N.min() <= labels_N.max() <= NUM_CLASSES:
            raise UserError(
                f"'{path}' holds labels {labels_N.min()} to {labels_N.max()}, not 1 to 10; download it again"
            )
        images_NCHW = np.ascontiguousarray(pixels_HWCN.transpose(3, 2, 0, 1))
        return ImageData(torch.from_numpy(images_NCHW), torch.from_numpy(labels_N % NUM_CLASSES))

    def remedy(self, split: str) -> str:
        """Return which file to download, and where to put it."""
        url = f"http://ufldl.stanford.edu/housenumbers/{_file_name(split)}"
        return f"download {url} ({MEGABYTES[split]:,} MB) into '{self.home / self._layouts[0]}'"

    def has_files(self, place: Path, split: str) -> bool:
        """Return whether a folder has the file of a split."""
        return (place / _file_name(split)).is_file()


def _file_name(split: str) -> str:
    return f"{split}_32x32.mat"
