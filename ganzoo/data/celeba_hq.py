"""CelebA-HQ."""

import re
from pathlib import Path

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.data.image_files import check_num_images, find_images, load_files
from ganzoo.errors import UserError
from ganzoo.registry import register

NUM_IMAGES = {"train": 27_000, "test": 3_000}


@register("data")
class celeba_hq(ResizedDataset):
    """30,000 faces of high quality, resized; the last 3,000 are the test split. No labels.

    Source: Karras et al., Progressive Growing of GANs, arXiv:1710.10196; as a folder of 30,000 images whose names have
    their number (`00000.jpg`, `imgHQ00000.png`), which CelebAMask-HQ (arXiv:1907.11922) offers at 512 x 512 pixels.
    There is no official split. compare_gan held out the last tenth of its shards, whose order is not known; here it is
    the last tenth by number.

    Departure: CelebAMask-HQ's images are JPEG of 512 pixels, the original ones lossless of 1024; numbers of the two are
    not comparable.

    Images are decoded once, into a cache on disk (1.5 GB at 128 pixels) that is mapped into memory.

    >>> celeba_hq().spec().image_shape, celeba_hq(size=256).spec().image_shape
    ((3, 128, 128), (3, 256, 256))
    """

    _title = "CelebA-HQ"
    _layouts = ("celeba_hq", "CelebAMask-HQ/CelebA-HQ-img")
    _remedy = (
        "from https://github.com/switchablenorms/CelebAMask-HQ unpack CelebAMask-HQ.zip (2.8 GB) in '{home}', or put "
        "30,000 numbered images into '{folder}'"
    )

    size: int = 128

    def spec(self) -> DataSpec:
        """Return shape and sizes."""
        return DataSpec((3, self.size, self.size), 0, NUM_IMAGES)

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split."""
        paths = find_images(place)
        check_num_images(place, len(paths), sum(NUM_IMAGES.values()), name=self._title)
        numbers = {path: re.findall(r"\d+", path.stem) for path in paths}
        unnumbered = [path for path, found in numbers.items() if not found]
        if unnumbered:
            raise UserError(f"the image '{unnumbered[0]}' has no number in its name; name it as its number")
        paths.sort(key=lambda path: int(numbers[path][-1]))
        num_train = NUM_IMAGES["train"]
        chosen = paths[:num_train] if split == "train" else paths[num_train:]
        return load_files(chosen, root=place, size=self.size, name=f"CelebA-HQ ({split})", say=self.say)
