"""CelebA. N: images."""

from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.data.image_files import check_num_images, load_files
from ganzoo.errors import ParameterError, UserError, nearest
from ganzoo.registry import register

PARTITIONS = {"train": "0", "valid": "1", "test": "2"}
NUM_IMAGES = {"train": 162_770, "valid": 19_867, "test": 19_962}
STORED_WIDTH, STORED_HEIGHT = 178, 218
IMAGES, PARTITION, ATTRIBUTES = "img_align_celeba", "list_eval_partition.txt", "list_attr_celeba.txt"
ATTRIBUTE_NAMES = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair "
    "Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male "
    "Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks "
    "Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace "
    "Wearing_Necktie Young"
)


@register("data")
class celeba(ResizedDataset):
    """202,599 aligned faces in the official splits train, valid and test, cut to a central square and resized.

    Source: Liu et al., Deep Learning Face Attributes in the Wild, arXiv:1411.7766; `img_align_celeba` (178 x 218
    pixels) with `list_eval_partition.txt` and, for labels, `list_attr_celeba.txt`. Papers cut different squares: the
    default is the largest one; compare_gan uses 160.

    Images are decoded once, into a cache on disk (2.4 GB for all at 64 pixels) that is mapped into memory.

    >>> celeba(attribute="Smiling").spec().num_classes, celeba().spec().num_classes
    (2, 0)

    Args:
        crop_size: height and width of the central square that is cut out first, in pixels, at most 178.
        attribute: which of the 40 attributes is the label (0: absent, 1: present), such as 'Smiling'; None for no
            labels.
    """

    _title = "CelebA"
    _layouts = ("celeba", "CelebA")
    _remedy = (
        "from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (Align&Cropped Images) unpack img_align_celeba.zip "
        f"(1.4 GB) in '{{folder}}' and put {PARTITION} and {ATTRIBUTES} there"
    )

    size: int = 64
    crop_size: int = STORED_WIDTH
    attribute: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.crop_size <= STORED_WIDTH:
            raise ParameterError("crop_size", f"must lie in 1..{STORED_WIDTH} pixels, not {self.crop_size}")
        known = ATTRIBUTE_NAMES.split()
        if self.attribute is not None and self.attribute not in known:
            raise ParameterError(
                "attribute", f"is none of CelebA's 40: '{self.attribute}'{nearest(self.attribute, known)}"
            )

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((3, self.size, self.size), 0 if self.attribute is None else 2, NUM_IMAGES)

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split."""
        names = self._names(place, split)
        labels_N = None if self.attribute is None else self._labels(place, names)
        return load_files(
            [place / IMAGES / name for name in names],
            root=place / IMAGES,
            size=self.size,
            crop_size=self.crop_size,
            labels_N=labels_N,
            name=f"CelebA ({split})",
            say=self.say,
        )

    def has_files(self, place: Path, split: str) -> bool:
        """Return whether a folder has the images and the file that says their splits."""
        return (place / IMAGES).is_dir() and (place / PARTITION).is_file()

    def _names(self, folder: Path, split: str) -> list[str]:
        """Return the file names of a split in the official order."""
        path = folder / PARTITION
        try:
            rows = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip()]
        except (OSError, ValueError) as error:
            raise UserError(f"'{path}' cannot be read ({error}); download it again") from error
        if any(len(row) != 2 or row[1] not in PARTITIONS.values() for row in rows):
            raise UserError(f"'{path}' has lines that are not a name and 0, 1 or 2; download it again")
        names = [name for name, partition in rows if partition == PARTITIONS[split]]
        check_num_images(path, len(names), NUM_IMAGES[split], name=f"CelebA's split {split}")
        return names

    def _labels(self, folder: Path, names: list[str]) -> Tensor:
        """Return the attribute of images, 0 or 1."""
        path = folder / ATTRIBUTES
        if not path.is_file():
            raise UserError(f"'{path}' with CelebA's attributes is missing; put it there, beside {PARTITION}")
        # The first line is the number of images, the second the names of the attributes; 1 is present, -1 absent.
        assert self.attribute is not None
        try:
            _, header, *lines = path.read_text("utf-8").splitlines()
            column = 1 + header.split().index(self.attribute)
            value_of = {row[0]: row[column] for row in map(str.split, lines) if row}
            return torch.tensor([{"-1": 0, "1": 1}[value_of[name]] for name in names])
        except (OSError, ValueError, IndexError, KeyError) as error:
            raise UserError(f"'{path}' is damaged ({error}); download it again") from error
