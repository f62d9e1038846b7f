"""Any folder of images. N: images."""

from pathlib import Path

import torch

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.data.image_files import SUFFIXES, class_folders, find_images, load_files
from ganzoo.errors import ParameterError, UserError, check_at_least
from ganzoo.registry import register

SPLITS = ("train", "test")


@register("data")
class image_folder(ResizedDataset):
    """The images of a folder, cut to their central square and resized, in colour.

    If the folder has a sub-folder `train`, it and `test` are the splits; otherwise everything is `train`. Images are
    ordered by their path, and links are followed. With classes, each sub-folder of a split is a class, in the order of
    names, and contains the images below it at any depth.

    Departures from the files: a camera's orientation mark is obeyed, the first frame of an animation is taken,
    transparency is dropped, grey becomes three equal channels, the upper 8 of 16 bits are kept.

    The images are decoded once, into a cache on disk that is mapped into memory.

    Source: the layout that torchvision's ImageFolder also reads.

    >>> spec = image_folder(path="photos", size=64, num_classes=2).spec()
    >>> spec.image_shape, spec.num_classes
    ((3, 64, 64), 2)

    Args:
        path: the folder; absolute, or relative to `data_dir`, or to the working directory if there is no `data_dir`.
        num_classes: how many sub-folders a split has, each a class; 0 to ignore them and have no labels.
    """

    path: str
    num_classes: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(0, num_classes=self.num_classes)
        if not self.path:
            raise ParameterError("path", "is empty; give the folder of the images")
        self.root = (self.data_dir or Path()) / Path(self.path).expanduser()

    def spec(self) -> DataSpec:
        """Return shape and classes; only the files tell how many images there are, and whether there is a `test`."""
        return DataSpec((3, self.size, self.size), self.num_classes, dict.fromkeys(SPLITS))

    def load(self, split: str) -> ImageData:
        """Return a split."""
        self.check_split(split)
        folder = self._folder(split)
        labels_N = None
        if self.num_classes:
            by_class = self._images_by_class(folder)
            paths = [path for members in by_class for path in members]
            labels_N = torch.repeat_interleave(torch.tensor([len(members) for members in by_class]))
        else:
            paths = find_images(folder)
        if not paths:
            raise UserError(f"no images in '{folder}'; it needs files that end in {', '.join(sorted(SUFFIXES))}")
        return load_files(
            paths, root=folder, size=self.size, name=f"'{self.root}' ({split})", say=self.say, labels_N=labels_N
        )

    def find(self) -> str | None:
        """Return where the files are."""
        return str(self.root) if self.root.is_dir() else None

    def _folder(self, split: str) -> Path:
        if not self.root.is_dir():
            raise UserError(f"no image folder '{self.root}'; put the images there, or set data.image_folder.path")
        if (self.root / "train").is_dir():
            if not (self.root / split).is_dir():
                raise UserError(f"'{self.root}' has a folder 'train' but no '{split}'; put the {split} images there")
            return self.root / split
        if split != "train":
            raise UserError(
                f"'{self.root}' has no split '{split}': without a sub-folder 'train' all its images are 'train'; "
                "move them into 'train' and 'test', or use the split 'train'"
            )
        return self.root

    def _images_by_class(self, folder: Path) -> list[list[Path]]:
        classes = class_folders(folder)
        if len(classes) != self.num_classes:
            names = ", ".join(path.name for path in classes[:10]) or "none"
            raise UserError(
                f"'{folder}' has {len(classes)} sub-folders ({names}), not {self.num_classes}; set "
                f"data.image_folder.num_classes = {len(classes)}, each sub-folder being a class"
            )
        by_class = [find_images(path) for path in classes]
        empty = [path for path, members in zip(classes, by_class, strict=True) if not members]
        if empty:
            raise UserError(f"the class folder '{empty[0]}' holds no images; fill or remove it")
        return by_class
