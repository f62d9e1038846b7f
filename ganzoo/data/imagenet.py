"""ImageNet. N: images."""

from pathlib import Path

import torch

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.data.image_files import check_num_images, class_folders, find_images, images_by_class, load_files
from ganzoo.errors import UserError
from ganzoo.registry import register

NUM_IMAGES = {"train": 1_281_167, "val": 50_000}
NUM_CLASSES = 1000
DEVKIT = Path("ILSVRC2012_devkit_t12/data")
GROUND_TRUTH, META = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"


@register("data")
class imagenet(ResizedDataset):
    """1,281,167 + 50,000 photographs in 1,000 classes (ILSVRC 2012), cut to the central square and resized.

    The validation images are the split `val`, which papers on GANs use as a test. Classes are in the order of their
    WordNet ids, as in most programs, not in the order of the challenge.

    Source: Russakovsky et al., arXiv:1409.0575. Folders `train` and `val` with a folder for each class, named by its
    WordNet id; or the validation images in `val` itself, with the development kit beside `val`, whose ground truth and
    `meta.mat` give their classes.

    Departure: compare_gan trained on random squares of 50 to 100 % of an image's area, drawn anew each time; here
    training images are the central square, as theirs were in evaluation.

    Images are decoded once, into a cache on disk (63 GB at 128 pixels) that is mapped into memory.

    >>> imagenet().spec().image_shape, imagenet().spec().num_classes
    ((3, 128, 128), 1000)
    """

    _title = "ImageNet"
    _layouts = ("imagenet", "ILSVRC2012")

    size: int = 128

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, self.size, self.size), NUM_CLASSES, NUM_IMAGES)

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split."""
        folder = place / split
        is_flat = split == "val" and not class_folders(folder)
        labelled = self._flat(place) if is_flat else images_by_class(folder, NUM_CLASSES)
        if split == "val":
            # In the order of their numbers, so that both layouts give the same data.
            labelled.sort(key=lambda item: item[0].name)
        check_num_images(folder, len(labelled), NUM_IMAGES[split], name=self._title)
        paths, labels = zip(*labelled, strict=True)
        name = f"{self._title} ({split})"
        return load_files(paths, root=place, size=self.size, labels_N=torch.tensor(labels), name=name, say=self.say)

    def remedy(self, split: str) -> str:
        """Return what to unpack, and where; the classes of the validation images are in the development kit."""
        home = self.home / self._layouts[0]
        archive = f"ILSVRC2012_img_{split}.tar ({'138' if split == 'train' else '6.3'} GB)"
        kit = "" if split == "train" else f", and ILSVRC2012_devkit_t12.tar.gz in '{home}'"
        source = "https://image-net.org (ILSVRC 2012, after registration)"
        return f"from {source} unpack {archive} in '{home / split}', a folder for each class{kit}"

    def has_files(self, place: Path, split: str) -> bool:
        """Return whether a folder has a folder of the split."""
        return (place / split).is_dir()

    def _flat(self, root: Path) -> list[tuple[Path, int]]:
        """Return the validation images of a single folder, with the classes that the development kit gives."""
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
            # scipy can raise nearly any error for a damaged file.
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

    `meta.mat` has a row for every synset: id, WordNet id, words, gloss, number of children, ... The classes are the
    synsets without children.
    """
    from scipy.io import loadmat

    rows = loadmat(path, squeeze_me=True)["synsets"]
    wordnet_ids = {int(row[0]): str(row[1]) for row in rows if int(row[4]) == 0}
    if len(wordnet_ids) != NUM_CLASSES:
        raise ValueError(f"{path.name} has {len(wordnet_ids)} classes, not {NUM_CLASSES}")
    position = {name: number for number, name in enumerate(sorted(wordnet_ids.values()))}
    return {number: position[name] for number, name in wordnet_ids.items()}
