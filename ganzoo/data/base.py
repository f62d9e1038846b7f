"""The contract of a data set. N: images; C, H, W: image. Images are uint8 in 0..255 here and nowhere else."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from ganzoo.component import Component, DeclaredArguments, name_of
from ganzoo.errors import UserError, check_at_least, nearest
from ganzoo.paths import data_folders, quoted


@dataclass(frozen=True)
class DataSpec:
    """What is known about a data set without its files.

    Args:
        image_shape: (C, H, W) as trained on.
        num_classes: classes of its labels; 0 if it has none.
        num_images: images of each split, by name; None if only the files tell.
        unlabelled_splits: splits without labels in a data set that has them.
    """

    image_shape: tuple[int, int, int]
    num_classes: int
    num_images: Mapping[str, int | None]
    unlabelled_splits: frozenset[str] = frozenset()

    def num_classes_of(self, split: str) -> int:
        """Return how many classes the labels of a split have; 0 if it has none."""
        return 0 if split in self.unlabelled_splits else self.num_classes


@dataclass(frozen=True)
class ImageData:
    """A loaded split: uint8 images (N, C, H, W) in 0..255 and, if there are any, int64 labels (N,).

    Args:
        images_NCHW: the images; never write to them.
        labels_N: their labels.
        known_sha256: the hash, if it was computed before.
        is_memory_mapped: whether the images are a file that is read only where it is indexed: take rows, not all.
    """

    images_NCHW: Tensor
    labels_N: Tensor | None = None
    known_sha256: str | None = None
    is_memory_mapped: bool = False

    def __len__(self) -> int:
        return len(self.images_NCHW)

    @cached_property
    def sha256(self) -> str:
        """The hash of shape, pixels and labels: two splits of the same hash are the same data."""
        if self.known_sha256 is not None:
            return self.known_sha256
        digest = hashlib.sha256(repr(tuple(self.images_NCHW.shape)).encode())
        digest.update(self.images_NCHW.contiguous().numpy().data)
        if self.labels_N is not None:
            digest.update(self.labels_N.contiguous().numpy().data)
        return digest.hexdigest()


def _say_nothing(text: str) -> None:
    """Ignore a sentence."""


class Dataset(DeclaredArguments, Component):
    """Images with their splits; the split `train` always exists.

    Args:
        data_dir: where the user keeps data sets (`--data-dir`), a runtime argument; None if not given.
        say: receives a sentence when loading takes long, a runtime argument.
    """

    kind = "data"
    runtime_args = frozenset({"data_dir", "say"})

    _title: ClassVar[str] = ""
    """The name of the data set in messages."""
    _layouts: ClassVar[tuple[str, ...]] = ()
    """Paths below the user's data folders at which the files may be, in the order of search."""
    _needed_splits: ClassVar[tuple[str, ...]] = ("train",)
    """The splits without which the data set counts as missing."""
    _remedy: ClassVar[str] = ""
    """What the user can do if the files are missing: what to download, and where to put it. `{home}` and `{folder}`
    stand for the folder of `home` and its first layout."""

    data_dir: Path | None = None
    say: Callable[[str], None] = _say_nothing

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes; needs no files."""
        raise NotImplementedError

    def check_split(self, split: str) -> None:
        """Refuse a split that `spec` does not name; the first line of a `load` of one's own.

        Raises:
            UserError: there is no such split.
        """
        known = self.spec().num_images
        if split not in known:
            raise UserError(
                f"{name_of(type(self))} has no split '{split}'; it has: {', '.join(known)}{nearest(split, known)}"
            )

    def load(self, split: str) -> ImageData:
        """Return a split, in the same order every time. A data set without files of the user replaces this.

        Raises:
            UserError: no such split, or the files are missing or damaged. The message says where they were sought, what
                to download, and where to put it.
        """
        self.check_split(split)
        place = self.place(split)
        if place is None:
            raise UserError(f"{self._title} ({split}) was not found in {quoted(self.places())}; {self.remedy(split)}")
        return self.read(place, split)

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split whose files are at a place; as `load`, which calls it."""
        raise NotImplementedError

    def find(self) -> str | None:
        """Return where the files are, or None if they are not on this machine (for `ganzoo doctor`)."""
        places = [self.place(split) for split in self._needed_splits]
        return None if None in places else str(places[0])

    @property
    def home(self) -> Path:
        """The folder in which the user is told to put files."""
        return data_folders(self.data_dir)[0]

    def places(self) -> list[Path]:
        """Return the paths at which the files may be, in the order of search."""
        return [folder / layout for folder in data_folders(self.data_dir) for layout in self._layouts]

    def has_files(self, place: Path, split: str) -> bool:
        """Return whether the files of a split are at a place."""
        return place.is_dir()

    def place(self, split: str) -> Path | None:
        """Return the first place with the files of a split, or None."""
        return next((place for place in self.places() if self.has_files(place, split)), None)

    def remedy(self, split: str) -> str:
        """Return what the user can do if the files of a split are missing."""
        return self._remedy.format(home=self.home, folder=self.home / self._layouts[0])


class ResizedDataset(Dataset):
    """A data set whose images are resized to a square.

    Args:
        size: height and width in pixels, by antialiased bilinear interpolation.
    """

    size: int

    def __post_init__(self) -> None:
        check_at_least(1, size=self.size)
