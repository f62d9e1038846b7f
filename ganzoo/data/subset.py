"""Part of another data set. N: images; n: images of a piece; C, H, W: image."""

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from ganzoo.component import Part, name_of
from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.data.image_cache import ImageSource, cached_images
from ganzoo.errors import ParameterError, UserError, check_at_least
from ganzoo.randomness import choose_rows, choose_share
from ganzoo.registry import register

PIECE_SIZE = 1024  # images copied at once, to bound the memory


@register("data")
class subset(Dataset):
    """Some classes of another data set, or some of its images: a share of each class, or few.

    The choice depends only on `seed`, the split and the class. So a larger share contains a smaller one, and the images
    of a class do not depend on the other classes. Images keep their order. All of this is in a run's operative
    configuration, and the hash of the data is that of the chosen images.

    Source: the protocols of few-shot generation and of semi-supervised GANs.

    With `label_fraction` only the labelled share of a semi-supervised setting is kept: the baseline that does not use
    the unlabelled images. For the baseline that does not use the labels, train unconditionally on the whole data set.
    To train on all images and the labels of the same share, as S3GAN does (arXiv:1903.02271), see
    `conditioning.cotrained_projection`.

    >>> subset(dataset=part("data.cifar10"), classes=(3, 5), num_images_per_class=100).spec().num_images
    {'train': 200, 'test': None}

    Args:
        dataset: the data set to take a part of.
        classes: the classes to keep, in every split; they become 0, 1, ... in the order given. None for all.
        label_fraction: the share of each class that is kept, above 0 and at most 1, rounded, one image at least.
        num_images: how many images are kept in all, whatever their class.
        num_images_per_class: how many images of each class are kept.
        splits: the splits that one of these three options makes smaller; the others only lose classes.
        seed: of the choice. It is not the seed of the run, so that all runs have the same data.
    """

    dataset: Part[Dataset]
    classes: tuple[int, ...] | None = None
    label_fraction: float | None = None
    num_images: int | None = None
    num_images_per_class: int | None = None
    splits: tuple[str, ...] = ("train",)
    seed: int = 0

    def __post_init__(self) -> None:
        self.whole = self.dataset(data_dir=self.data_dir, say=self.say)
        self.whole_spec = self.whole.spec()
        self._check()

    def _check(self) -> None:
        """Refuse options that contradict each other or the data set."""
        spec, name = self.whole_spec, name_of(type(self.whole))
        counts = {"num_images": self.num_images, "num_images_per_class": self.num_images_per_class}
        options = {"label_fraction": self.label_fraction, **counts}
        chosen = [option for option, value in options.items() if value is not None]
        if len(chosen) > 1:
            others = " and ".join(f"{{{option}}}" for option in chosen[1:])
            raise ParameterError(chosen[0], f"and {others} exclude each other; keep one and set the others to None")
        if self.label_fraction is not None and not 0 < self.label_fraction <= 1:
            raise ParameterError("label_fraction", f"must lie above 0 and at most at 1, not be {self.label_fraction}")
        check_at_least(1, **counts)
        check_at_least(0, seed=self.seed)
        unknown = [split for split in self.splits if split not in spec.num_images]
        if unknown:
            raise ParameterError("splits", f"names '{unknown[0]}' and {name} has: {', '.join(spec.num_images)}")
        if self.classes is not None:
            if not spec.num_classes:
                raise ParameterError("classes", f"needs labels and {name} has none; set {{classes}} = None")
            if not self.classes or len(set(self.classes)) < len(self.classes):
                raise ParameterError("classes", f"must name at least one class, each once, not {list(self.classes)}")
            if not 0 <= min(self.classes) <= max(self.classes) < spec.num_classes:
                known = f"0..{spec.num_classes - 1}, the classes of {name}"
                raise ParameterError("classes", f"must lie in {known}, not be {list(self.classes)}")
        unlabelled = [split for split in self.splits if not spec.num_classes_of(split)]
        by_class = [option for option in chosen if option != "num_images"]
        if by_class and unlabelled:
            missing = f"the split '{unlabelled[0]}' of {name} has none"
            raise ParameterError(by_class[0], f"needs labels and {missing}; use {{num_images}}")

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes. If classes are chosen, splits without labels do not exist."""
        whole = self.whole_spec
        if self.classes is None:
            counts = {split: self._count(split) for split in whole.num_images}
            return DataSpec(whole.image_shape, whole.num_classes, counts, whole.unlabelled_splits)
        labelled = [split for split in whole.num_images if split not in whole.unlabelled_splits]
        return DataSpec(whole.image_shape, len(self.classes), {split: self._count(split) for split in labelled})

    def _count(self, split: str) -> int | None:
        """Return how many images of a split are kept, or None if only the files tell."""
        if split in self.splits and self.num_images is not None:
            return self.num_images
        if split in self.splits and self.num_images_per_class is not None:
            num_classes = self.whole_spec.num_classes if self.classes is None else len(self.classes)
            return self.num_images_per_class * num_classes
        if self.classes is not None or (split in self.splits and self.label_fraction is not None):
            return None
        return self.whole_spec.num_images[split]

    def load(self, split: str) -> ImageData:
        """Return the part of a split; if the data set is memory-mapped, the part has a cache of its own.

        Raises:
            UserError: as the data set's own `load`; or there are fewer images than asked for.
        """
        self.check_split(split)
        data = self.whole.load(split)
        rows_N = torch.arange(len(data))
        if self.classes is not None:
            assert data.labels_N is not None
            rows_N = torch.isin(data.labels_N, torch.tensor(self.classes)).nonzero().squeeze(1)
        if split in self.splits:
            rows_N = self._thin_out(rows_N, data.labels_N, split)
        if len(rows_N) == len(data) and self.classes is None:
            return data
        labels_N = None if data.labels_N is None else self._relabel(data.labels_N[rows_N])
        if not data.is_memory_mapped:
            return ImageData(data.images_NCHW[rows_N], labels_N)

        def read() -> Iterator[Tensor]:
            for rows_n in torch.split(rows_N, PIECE_SIZE):
                yield data.images_NCHW[rows_n]

        key = {"of": data.sha256, "rows": hashlib.sha256(rows_N.numpy().tobytes()).hexdigest()}
        channels, height, width = self.whole_spec.image_shape
        shape = (len(rows_N), channels, height, width)
        name = f"a subset of {name_of(type(self.whole))} ({split})"
        return cached_images(ImageSource(name, key, shape, labels_N, read), say=self.say)

    def find(self) -> str | None:
        """Return where the files are."""
        return self.whole.find()

    def _relabel(self, labels_N: Tensor) -> Tensor:
        """Return positions in `classes`."""
        if self.classes is None:
            return labels_N
        new_K = torch.full((self.whole_spec.num_classes,), -1)
        new_K[list(self.classes)] = torch.arange(len(self.classes))
        return new_K[labels_N]

    def _thin_out(self, rows_N: Tensor, labels_N: Tensor | None, split: str) -> Tensor:
        """Return those of the given rows that are kept, in their order."""
        if self.num_images is not None:
            return self._choose(rows_N, self.num_images, split, what="images")
        if self.label_fraction is None and self.num_images_per_class is None:
            return rows_N
        assert labels_N is not None
        classes = self.classes or range(self.whole_spec.num_classes)
        if self.label_fraction is not None:
            return choose_share(rows_N, labels_N, self.label_fraction, classes=classes, seed=self.seed, split=split)
        assert self.num_images_per_class is not None
        kept = [
            self._choose(
                rows_N[labels_N[rows_N] == label],
                self.num_images_per_class,
                f"{split}/{label}",
                what=f"images of class {label}",
            )
            for label in classes
        ]
        return torch.cat(kept).sort().values

    def _choose(self, rows_N: Tensor, num: int, stream: str, *, what: str) -> Tensor:
        if num > len(rows_N):
            option = "num_images" if self.num_images is not None else "num_images_per_class"
            raise UserError(
                f"data.subset.{option} asks for {num} {what} and {name_of(type(self.whole))} has {len(rows_N)} in "
                f"'{stream.split('/')[0]}'; lower it"
            )
        return choose_rows(rows_N, num, seed=self.seed, stream=stream)
