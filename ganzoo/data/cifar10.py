"""CIFAR-10. N: images; C, H, W: image."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.data.cifar_files import FormatError, read_batches
from ganzoo.errors import UserError
from ganzoo.places import data_folders, quoted
from ganzoo.registry import register

ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
LAYOUTS = ("cifar-10-batches-py", "cifar-10-batches-bin", ARCHIVE)
NUM_IMAGES = {"train": 50_000, "test": 10_000}
NUM_CLASSES = 10
SIZE = 32


@register("data")
class cifar10(Dataset):
    """50,000 + 10,000 colour images in 10 classes, 32 x 32 pixels.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. The official archive of the
    Python version (md5 c58f30108f718f92721af3b95e74349a) is read as it is; so are the folders `cifar-10-batches-py` and
    `cifar-10-batches-bin` that the archives of the Python and of the binary version unpack to. Unpacked folders load
    faster; all give the same data.

    Args:
        data_dir: where the user keeps data sets; None if not given.
    """

    def __init__(self, *, data_dir: Path | None = None) -> None:
        super().__init__(data_dir=data_dir)

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, SIZE, SIZE), NUM_CLASSES, NUM_IMAGES)

    def load(self, split: str) -> ImageData:
        """Return a split."""
        self.check_split(split)
        place = self._place()
        if place is None:
            raise UserError(
                f"CIFAR-10 was not found: no {', '.join(LAYOUTS[:-1])} or {ARCHIVE} in "
                f"{quoted(data_folders(self.data_dir))}; download https://www.cs.toronto.edu/~kriz/{ARCHIVE} "
                f"(163 MB, md5 {ARCHIVE_MD5}) into '{data_folders(self.data_dir)[0]}'"
            )
        if place.is_file():
            _check_md5(place)
        try:
            batches = read_batches(place, split)
        except FormatError as error:
            raise UserError(f"'{place}' is damaged ({error}); download {ARCHIVE} again") from error
        pixels, labels_N = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
        if len(labels_N) != NUM_IMAGES[split] or not 0 <= labels_N.min() <= labels_N.max() < NUM_CLASSES:
            raise UserError(
                f"'{place}' holds {len(labels_N)} {split} images with labels {labels_N.min()} to {labels_N.max()} "
                f"where CIFAR-10 has {NUM_IMAGES[split]} with labels 0 to 9; download {ARCHIVE} again"
            )
        images_NCHW = torch.from_numpy(pixels.reshape(-1, 3, SIZE, SIZE))
        return ImageData(images_NCHW.contiguous(), torch.from_numpy(labels_N))

    def find(self) -> str | None:
        """Return where the files are."""
        place = self._place()
        return None if place is None else str(place)

    def _place(self) -> Path | None:
        places = (folder / layout for folder in data_folders(self.data_dir) for layout in LAYOUTS)
        return next((place for place in places if place.exists()), None)


def _check_md5(path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != ARCHIVE_MD5:
        raise UserError(f"'{path}' has md5 {found}, not {ARCHIVE_MD5}: it is damaged or incomplete; download it again")
