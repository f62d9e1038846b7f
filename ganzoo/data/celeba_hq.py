"""CelebA-HQ."""

import re
from collections.abc import Callable
from pathlib import Path

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.data.image_files import find_images, load_files
from ganzoo.errors import UserError, check_at_least
from ganzoo.paths import data_folders, quoted
from ganzoo.registry import register

NUM_IMAGES = {"train": 27_000, "test": 3_000}
LAYOUTS = ("celeba_hq", "CelebAMask-HQ/CelebA-HQ-img")


@register("data")
class celeba_hq(Dataset):
    """30,000 faces of high quality, resized; the last 3,000 are the test split. No labels.

    Source: Karras et al., Progressive Growing of GANs, arXiv:1710.10196; as a folder of 30,000 images whose names have
    their number (`00000.jpg`, `imgHQ00000.png`), which CelebAMask-HQ (arXiv:1907.11922) offers at 512 x 512 pixels.
    There is no official split; compare_gan held out the last tenth of its shards, of an order that is not known, and
    here it is the last tenth by number.

    Departure: CelebAMask-HQ's images are JPEG of 512 pixels, the original ones lossless of 1024; numbers of the two do
    not compare.

    Images are decoded once, into a cache on disk (1.5 GB at 128 pixels) that is mapped into memory.

    Args:
        size: height and width in pixels, by antialiased bilinear interpolation.
        data_dir: where the user keeps data sets; None if not given.
        say: receives a sentence when the images are read for the first time; None for nobody.
    """

    def __init__(
        self, *, size: int = 128, data_dir: Path | None = None, say: Callable[[str], None] | None = None
    ) -> None:
        check_at_least(1, size=size)
        super().__init__(data_dir=data_dir, say=say)
        self.size = size

    def spec(self) -> DataSpec:
        """Return shape and sizes."""
        return DataSpec((3, self.size, self.size), 0, NUM_IMAGES)

    def load(self, split: str) -> ImageData:
        """Return a split."""
        self.check_split(split)
        folder = self._folder()
        if folder is None:
            places = data_folders(self.data_dir)
            raise UserError(
                f"CelebA-HQ was not found: no folder {' or '.join(LAYOUTS)} in {quoted(places)}; from "
                "https://github.com/switchablenorms/CelebAMask-HQ unpack CelebAMask-HQ.zip (2.8 GB) in "
                f"'{places[0]}', or put 30,000 numbered images into '{places[0] / LAYOUTS[0]}'"
            )
        paths = find_images(folder)
        total = sum(NUM_IMAGES.values())
        if len(paths) != total:
            raise UserError(f"'{folder}' holds {len(paths):,} images where CelebA-HQ has {total:,}; unpack it again")
        numbers = {path: re.findall(r"\d+", path.stem) for path in paths}
        unnumbered = [path for path, found in numbers.items() if not found]
        if unnumbered:
            raise UserError(f"the image '{unnumbered[0]}' has no number in its name; name it as its number")
        paths.sort(key=lambda path: int(numbers[path][-1]))
        num_train = NUM_IMAGES["train"]
        chosen = paths[:num_train] if split == "train" else paths[num_train:]
        return load_files(chosen, root=folder, size=self.size, name=f"CelebA-HQ ({split})", say=self.say)

    def find(self) -> str | None:
        """Return where the files are."""
        folder = self._folder()
        return None if folder is None else str(folder)

    def _folder(self) -> Path | None:
        places = (folder / layout for folder in data_folders(self.data_dir) for layout in LAYOUTS)
        return next((place for place in places if place.is_dir()), None)
