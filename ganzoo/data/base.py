"""The contract of a data set. N: images; C, H, W: image. Images are uint8 in 0..255 here and nowhere else."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import Tensor

from ganzoo.component import Component, name_of
from ganzoo.errors import UserError, nearest


@dataclass(frozen=True)
class DataSpec:
    """What is known of a data set without its files.

    Args:
        image_shape: (C, H, W) as trained on.
        num_classes: classes of its labels; 0 if it has none.
        num_images: images of each split, by name; None where only the files tell.
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
        images_NCHW: the images; only to be read from.
        labels_N: their labels.
        known_sha256: the hash, where it was computed before.
        is_memory_mapped: whether the images are a file of which only what is indexed is read: take rows, not all.
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


class Dataset(Component):
    """Images with their splits, of which `train` always exists.

    Args:
        data_dir: where the user keeps data sets (`--data-dir`), a runtime argument; None if not given.
        say: receives a sentence where loading takes long, a runtime argument; None for nobody.
    """

    kind = "data"
    runtime_args = frozenset({"data_dir", "say"})

    def __init__(self, *, data_dir: Path | None = None, say: Callable[[str], None] | None = None) -> None:
        self.data_dir = data_dir
        self.say: Callable[[str], None] = _say_nothing if say is None else say

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes; needs no files."""
        raise NotImplementedError

    def check_split(self, split: str) -> None:
        """Refuse a split that `spec` does not name; for the first line of `load`.

        Raises:
            UserError: there is no such split.
        """
        known = self.spec().num_images
        if split not in known:
            raise UserError(
                f"{name_of(type(self))} has no split '{split}'; it has: {', '.join(known)}{nearest(split, known)}"
            )

    def load(self, split: str) -> ImageData:
        """Return a split, in the same order every time.

        Raises:
            UserError: no such split, or the files are missing or damaged: where they were sought, what to download,
                where to put it.
        """
        raise NotImplementedError

    def find(self) -> str | None:
        """Return where the files are, or None if they are not on this machine (for `ganzoo doctor`)."""
        raise NotImplementedError


def _say_nothing(text: str) -> None:
    """Stand for a listener where there is none."""
