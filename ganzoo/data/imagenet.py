"""ImageNet. N: images."""

from collections.abc import Callable
from pathlib import Path

import torch

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.data.image_files import class_folders, find_images, load_files
from ganzoo.errors import UserError, check_at_least
from ganzoo.paths import data_folders, quoted
from ganzoo.registry import register

NUM_IMAGES = {"train": 1_281_167, "val": 50_000}
NUM_CLASSES = 1000
FOLDERS = ("imagenet", "ILSVRC2012")
DEVKIT = Path("ILSVRC2012_devkit_t12/data")
GROUND_TRUTH, META = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"


@register("data")
class imagenet(Dataset):
    """1,281,167 + 50,000 photographs in 1,000 classes (ILSVRC 2012), cut to the central square and resized.

    The validation images are the split `val`, which papers on GANs use as a test. Classes are in the order of their
    WordNet ids, as in most programs, not in that of the challenge.

    Source: Russakovsky et al., arXiv:1409.0575. Folders `train` and `val` with a folder of each class, named by its
    WordNet id; or the validation images in `val` themselves, with the development kit beside `val`, whose ground truth
    and `meta.mat` say their classes.

    Departure: compare_gan trained on random squares of 50 to 100 % of an image's area, drawn anew each time; here
    training images are the central square, as theirs were in evaluation.

    Images are decoded once, into a cache on disk (63 GB at 128 pixels) that is mapped into memory.

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
        """Return shape, classes and sizes."""
        return DataSpec((3, self.size, self.size), NUM_CLASSES, NUM_IMAGES)

    def load(self, split: str) -> ImageData:
        """Return a split."""
        self.check_split(split)
        root = self._root(split)
        if root is None:
            place = data_folders(self.data_dir)[0] / FOLDERS[0]
            archive = f"ILSVRC2012_img_{split}.tar ({'138' if split == 'train' else '6.3'} GB)"
            kit = "" if split == "train" else ", and ILSVRC2012_devkit_t12.tar.gz beside that folder"
            raise UserError(
                f"ImageNet ({split}) was not found: no folder {split} in {quoted(self._folders())}; from "
                f"https://image-net.org (ILSVRC 2012, after registration) unpack {archive} in '{place / split}', a "
                f"folder for each class{kit}"
            )
        folders = class_folders(root / split)
        labelled = self._flat(root) if split == "val" and not folders else self._in_folders(root / split, folders)
        if split == "val":
            # In the order of their numbers, so that both forms give the same data.
            labelled.sort(key=lambda item: item[0].name)
        if len(labelled) != NUM_IMAGES[split]:
            raise UserError(
                f"'{root / split}' holds {len(labelled):,} images where ImageNet has {NUM_IMAGES[split]:,}; unpack it "
                "again"
            )
        return load_files(
            [path for path, _ in labelled],
            root=root,
            size=self.size,
            labels_N=torch.tensor([label for _, label in labelled]),
            name=f"ImageNet ({split})",
            say=self.say,
        )

    def find(self) -> str | None:
        """Return where the training images are."""
        root = self._root("train")
        return None if root is None else str(root)

    def _folders(self) -> list[Path]:
        return [folder / name for folder in data_folders(self.data_dir) for name in FOLDERS]

    def _root(self, split: str) -> Path | None:
        return next((folder for folder in self._folders() if (folder / split).is_dir()), None)

    def _in_folders(self, place: Path, folders: list[Path]) -> list[tuple[Path, int]]:
        """Return the images of class folders, class by class."""
        if len(folders) != NUM_CLASSES:
            raise UserError(
                f"'{place}' has {len(folders)} class folders, not {NUM_CLASSES}; unpack each class into a "
                "folder named by its WordNet id"
            )
        return [(path, label) for label, folder in enumerate(folders) for path in find_images(folder)]

    def _flat(self, root: Path) -> list[tuple[Path, int]]:
        """Return the validation images that lie in one folder, with the classes that the development kit says."""
        paths = find_images(root / "val")
        truth_path, meta_path = root / DEVKIT / GROUND_TRUTH, root / DEVKIT / META
        if not (truth_path.is_file() and meta_path.is_file()):
            raise UserError(
                f"'{root / 'val'}' has no class folders, and '{truth_path}' or {META} beside it is missing; unpack "
                f"ILSVRC2012_devkit_t12.tar.gz in '{root}'"
            )
        try:
            class_of = _classes(meta_path)
            labels = [class_of[int(line)] for line in truth_path.read_text("utf-8").split()]
        except Exception as error:
            # scipy may raise nearly anything where a file is damaged.
            raise UserError(
                f"'{truth_path.parent}' is damaged ({error}); unpack ILSVRC2012_devkit_t12.tar.gz again"
            ) from error
        if len(labels) != len(paths):
            raise UserError(
                f"'{truth_path}' has {len(labels):,} lines for the {len(paths):,} images in '{root / 'val'}'; unpack "
                "both again"
            )
        return list(zip(paths, labels, strict=True))


def _classes(path: Path) -> dict[int, int]:
    """Return the class of each id of the challenge: the position of its WordNet id among all.

    `meta.mat` has a row for every synset: id, WordNet id, words, gloss, number of children, ... Classes are those
    without children.
    """
    from scipy.io import loadmat

    rows = loadmat(path, squeeze_me=True)["synsets"]
    wordnet_ids = {int(row[0]): str(row[1]) for row in rows if int(row[4]) == 0}
    if len(wordnet_ids) != NUM_CLASSES:
        raise ValueError(f"{path.name} has {len(wordnet_ids)} classes, not {NUM_CLASSES}")
    position = {name: number for number, name in enumerate(sorted(wordnet_ids.values()))}
    return {number: position[name] for number, name in wordnet_ids.items()}
