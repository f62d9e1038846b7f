"""Tiny ImageNet. N: images."""

from pathlib import Path

import torch

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.data.image_files import check_num_images, class_folders, images_by_class, load_files
from ganzoo.errors import UserError
from ganzoo.registry import register

NUM_IMAGES = {"train": 100_000, "val": 10_000}
NUM_CLASSES = 200
STORED_SIZE = 64
FOLDER = "tiny-imagenet-200"


@register("data")
class tiny_imagenet(ResizedDataset):
    """100,000 + 10,000 colour images in 200 classes of ImageNet, 64 x 64 pixels; the split `val` stands for a test.

    Source: the course CS231n of Stanford University; the folder `tiny-imagenet-200` as it is unpacked. Classes are in
    the order of their WordNet ids. Its test part has no labels and is not used.

    Images are decoded once, into a cache on disk (1.3 GB at 64 pixels) that is mapped into memory.

    >>> tiny_imagenet().spec().num_images
    {'train': 100000, 'val': 10000}

    Args:
        size: height and width in pixels; 64 as stored, others by antialiased bilinear interpolation.
    """

    _title = "Tiny ImageNet"
    _layouts = (FOLDER,)
    _remedy = f"download http://cs231n.stanford.edu/{FOLDER}.zip (248 MB) and unpack it in '{{home}}'"

    size: int = STORED_SIZE

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, self.size, self.size), NUM_CLASSES, NUM_IMAGES)

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split."""
        labelled = images_by_class(place / "train", NUM_CLASSES) if split == "train" else _validation_images(place)
        check_num_images(place / split, len(labelled), NUM_IMAGES[split], name=self._title)
        paths, labels = zip(*labelled, strict=True)
        name = f"{self._title} ({split})"
        return load_files(paths, root=place, size=self.size, labels_N=torch.tensor(labels), name=name, say=self.say)

    def has_files(self, place: Path, split: str) -> bool:
        """Return whether a folder has the training images, whose folders name the classes."""
        return (place / "train").is_dir()


def _validation_images(root: Path) -> list[tuple[Path, int]]:
    """Return the validation images with their classes, in the order of the file that gives the classes."""
    path = root / "val" / "val_annotations.txt"
    class_of = {folder.name: number for number, folder in enumerate(class_folders(root / "train"))}
    try:
        rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line]
        return [(root / "val" / "images" / row[0], class_of[row[1]]) for row in rows]
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise UserError(f"'{path}' is missing or damaged ({error}); unpack {FOLDER}.zip again") from error
