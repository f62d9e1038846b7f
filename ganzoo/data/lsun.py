"""LSUN. N: images."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.data.image_cache import ImageSource, cached_images
from ganzoo.data.image_files import decode_all, find_images, load_files, read_square
from ganzoo.data.source_files import SourceFiles
from ganzoo.errors import ParameterError, UserError, check_at_least
from ganzoo.registry import register

if TYPE_CHECKING:
    import lmdb


@register("data")
class lsun(ResizedDataset):
    """The images of one LSUN category, cut to a central square and resized. No labels.

    The last `num_test` images of the official training part are the split `test`, the others `train`. `val` is the
    official validation part of 300 images, too few for a Frechet distance (compare_gan held out a hundredth for the
    same reason). Images are in the order of their keys, which are hashes, so that the order is as good as random.

    Source: Yu et al., LSUN, arXiv:1506.03365: the official databases `CATEGORY_train_lmdb` and `CATEGORY_val_lmdb`
    (which need the package lmdb), or the same images as files in folders `CATEGORY_train` and `CATEGORY_val`, named by
    their keys. Both give the same data.

    Images are decoded once, into a cache on disk that is mapped into memory. It takes 49 kB an image at 128 pixels, so
    149 GB for the 3,033,042 bedrooms; `num_images` limits it.

    >>> lsun(num_images=40_000).spec().num_images
    {'train': 10000, 'val': None, 'test': 30000}

    Args:
        category: `bedroom`, `church_outdoor`, `cat`, ...
        crop_size: height and width of the central square that is cut out first, in pixels; None for the largest.
        num_images: how many images of the training part are used, `train` and `test` together, the first by key; None
            for all.
        num_test: how many of these, the last, form the split `test`; with 0 there is none.
    """

    _title = "LSUN"
    _layouts = ("lsun", "LSUN", ".")

    category: str = "bedroom"
    size: int = 128
    crop_size: int | None = None
    num_images: int | None = None
    num_test: int = 30_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.category or "/" in self.category:
            raise ParameterError("category", f"must be a name such as 'bedroom', not '{self.category}'")
        check_at_least(1, crop_size=self.crop_size)
        check_at_least(0, num_test=self.num_test)
        if self.num_images is not None and self.num_images <= self.num_test:
            raise ParameterError(
                "num_images",
                f"must exceed {{num_test}} = {self.num_test}, not be {self.num_images}: train needs an image",
            )

    def spec(self) -> DataSpec:
        """Return shape and sizes; without `num_images`, only the files tell how many images `train` has."""
        splits = {"train": None if self.num_images is None else self.num_images - self.num_test, "val": None}
        return DataSpec((3, self.size, self.size), 0, splits | ({"test": self.num_test} if self.num_test else {}))

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split."""
        part, name = self._part(split), f"LSUN {self.category} ({split})"
        if (place / f"{part}_lmdb").is_dir():
            return self._from_database(place / f"{part}_lmdb", split, name)
        folder = place / part
        paths = find_images(folder)
        chosen = paths[self._rows(split, len(paths), folder)]
        return load_files(chosen, root=folder, size=self.size, crop_size=self.crop_size, name=name, say=self.say)

    def remedy(self, split: str) -> str:
        """Return what to download, and where to unpack it."""
        archive = f"{self._part(split)}_lmdb.zip (43 GB for the bedrooms)"
        folder = self.home / self._layouts[0]
        return f"with download.py of https://github.com/fyu/lsun get {archive} and unpack it in '{folder}'"

    def has_files(self, place: Path, split: str) -> bool:
        """Return whether a folder has the database or the folder of a split."""
        part = self._part(split)
        return (place / f"{part}_lmdb").is_dir() or (place / part).is_dir()

    def _part(self, split: str) -> str:
        """Return the official part that a split is taken from, without the ending of a database."""
        return f"{self.category}_{'val' if split == 'val' else 'train'}"

    def _rows(self, split: str, there: int, place: Path) -> slice:
        """Return the images of an official part that form a split."""
        if split == "val":
            if not there:
                raise UserError(f"'{place}' holds no images; unpack it again")
            return slice(0, there)
        wanted = self.num_images or self.num_test + 1
        if there < wanted:
            asked = "data.lsun.num_images" if self.num_images else "the test split and one more"
            raise UserError(
                f"'{place}' holds {there:,} images, fewer than the {wanted:,} of {asked}; lower it, or "
                "data.lsun.num_test, or unpack it again"
            )
        total = self.num_images or there
        cut = total - self.num_test
        return slice(0, cut) if split == "train" else slice(cut, total)

    def _from_database(self, place: Path, split: str, name: str) -> ImageData:
        with _open(place) as environment:
            rows = self._rows(split, int(environment.stat()["entries"]), place)

            def items() -> Iterator[tuple[bytes, bytes]]:
                with environment.begin() as transaction, transaction.cursor() as cursor:
                    for row, key in enumerate(cursor.iternext(keys=True, values=False)):
                        if row >= rows.stop:
                            return
                        if row >= rows.start:
                            yield key, cursor.value()

            def decode(item: tuple[bytes, bytes]) -> Tensor:
                key, content = item
                image = f"{key.decode(errors='replace')}' in '{place}"
                return read_square(content, name=image, size=self.size, crop_size=self.crop_size)

            key = {"crop_size": self.crop_size, "start": rows.start, "stop": rows.stop}
            files = SourceFiles([place / "data.mdb"], place)
            shape = (rows.stop - rows.start, 3, self.size, self.size)
            source = ImageSource(name, key, shape, None, lambda: decode_all(items(), decode), files)
            return cached_images(source, say=self.say)


def _open(place: Path) -> "lmdb.Environment":
    try:
        import lmdb
    except ImportError as error:
        raise UserError(f"'{place}' is a database that needs the package lmdb; run `pip install lmdb`") from error
    try:
        return lmdb.open(str(place), readonly=True, lock=False, readahead=False, create=False)
    except lmdb.Error as error:
        raise UserError(f"'{place}' is not an intact database ({error}); unpack it again") from error
