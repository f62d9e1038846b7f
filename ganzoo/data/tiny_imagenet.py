"""Tiny ImageNet. N: images."""

from collections.abc import Callable
from pathlib import Path

import torch

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.data.image_files import class_folders, find_images, load_files
from ganzoo.errors import UserError, check_at_least
from ganzoo.paths import data_folders, quoted
from ganzoo.registry import register

NUM_IMAGES = {"train": 100_000, "val": 10_000}
NUM_CLASSES = 200
STORED_SIZE = 64
FOLDER = "tiny-imagenet-200"


@register("data")
class tiny_imagenet(Dataset):
    """100,000 + 10,000 colour images in 200 classes of ImageNet, 64 x 64 pixels; the split `val` stands for a test.

    Source: the course CS231n of Stanford University; the folder `tiny-imagenet-200` as it is unpacked. Classes are in
    the order of their WordNet ids. Its test part has no labels and is not used.

    Images are decoded once, into a cache on disk (1.3 GB at 64 pixels) that is mapped into memory.

    Args:
        size: height and width in pixels; 64 as stored, others by antialiased bilinear interpolation.
        data_dir: where the user keeps data sets; None if not given.
        say: receives a sentence when the images are read for the first time; None for nobody.
    """

    def __init__(
        self, *, size: int = STORED_SIZE, data_dir: Path | None = None, say: Callable[[str], None] | None = None
    ) -> None:
        check_at_least(1, size=size)
        super().__init__(data_dir=data_dir, say=say)
        self.size = size

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, self.size, self.size), NUM_CLASSES, NUM_IMAGES)

    def load(self, split: str) -> ImageData:
        """Return a split."""
        self.check_split(split)
        root = self._folder()
        if root is None:
            folders = data_folders(self.data_dir)
            raise UserError(
                f"Tiny ImageNet was not found: no {FOLDER} in {quoted(folders)}; download "
                f"http://cs231n.stanford.edu/{FOLDER}.zip (248 MB) and unpack it in '{folders[0]}'"
            )
        class_of = {folder.name: number for number, folder in enumerate(class_folders(root / "train"))}
        if len(class_of) != NUM_CLASSES:
            raise UserError(f"'{root / 'train'}' has {len(class_of)} classes, not {NUM_CLASSES}; unpack it again")
        labelled = self._train(root, class_of) if split == "train" else self._val(root, class_of)
        if len(labelled) != NUM_IMAGES[split]:
            raise UserError(
                f"'{root / split}' holds {len(labelled):,} images where Tiny ImageNet has {NUM_IMAGES[split]:,}; "
                "unpack it again"
            )
        return load_files(
            [path for path, _ in labelled],
            root=root,
            size=self.size,
            labels_N=torch.tensor([label for _, label in labelled]),
            name=f"Tiny ImageNet ({split})",
            say=self.say,
        )

    def find(self) -> str | None:
        """Return where the files are."""
        folder = self._folder()
        return None if folder is None else str(folder)

    def _folder(self) -> Path | None:
        places = (folder / FOLDER for folder in data_folders(self.data_dir))
        return next((place for place in places if (place / "train").is_dir()), None)

    def _train(self, root: Path, class_of: dict[str, int]) -> list[tuple[Path, int]]:
        return [(path, label) for name, label in class_of.items() for path in find_images(root / "train" / name)]

    def _val(self, root: Path, class_of: dict[str, int]) -> list[tuple[Path, int]]:
        """Return the validation images, in the order of the file that says their classes."""
        path = root / "val" / "val_annotations.txt"
        try:
            rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line]
            return [(root / "val" / "images" / row[0], class_of[row[1]]) for row in rows]
        except (OSError, ValueError, IndexError, KeyError) as error:
            raise UserError(f"'{path}' is missing or damaged ({error}); unpack {FOLDER}.zip again") from error
