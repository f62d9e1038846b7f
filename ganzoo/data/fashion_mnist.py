"""Fashion-MNIST. N: images."""

from pathlib import Path

from torch.nn import functional as F

from ganzoo.data.base import DataSpec, ImageData, ResizedDataset
from ganzoo.data.idx import read_idx
from ganzoo.errors import UserError
from ganzoo.registry import register
from ganzoo.resize import resize_uint8

NUM_IMAGES = {"train": 60_000, "test": 10_000}
NUM_CLASSES = 10
STORED_SIZE = 28
PADDED_SIZE = 32
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
PREFIXES = {"train": "train", "test": "t10k"}


@register("data")
class fashion_mnist(ResizedDataset):
    """60,000 + 10,000 grey images of clothing in 10 classes, 28 x 28 pixels.

    Source: Xiao, Rasul and Vollgraf, arXiv:1708.07747. The files of the original, of torchvision and of Debian's
    package `dataset-fashion-mnist` are read, gzipped or not.

    >>> fashion_mnist(size=32).spec().image_shape
    (1, 32, 32)

    Args:
        size: height and width in pixels; 28 as stored, 32 by a black margin of 2 pixels, any other by antialiased
            bilinear interpolation.
    """

    _title = "Fashion-MNIST"
    _layouts = ("fashion-mnist", "FashionMNIST/raw")
    _needed_splits = ("train", "test")
    _remedy = (
        "run `apt-get install dataset-fashion-mnist`, or put the four files "
        "{{train,t10k}}-{{images-idx3,labels-idx1}}-ubyte.gz (30 MB) of "
        "https://github.com/zalandoresearch/fashion-mnist into '{folder}'"
    )

    size: int = STORED_SIZE

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((1, self.size, self.size), NUM_CLASSES, NUM_IMAGES)

    def read(self, place: Path, split: str) -> ImageData:
        """Return a split."""
        images_path, labels_path = _files(place, split)
        pixels_NHW = read_idx(images_path, num_dimensions=3)
        labels_N = read_idx(labels_path, num_dimensions=1).long()
        expected = (NUM_IMAGES[split], STORED_SIZE, STORED_SIZE)
        if pixels_NHW.shape != expected or len(labels_N) != expected[0]:
            raise UserError(
                f"'{images_path}' and '{labels_path}' hold images of shape {tuple(pixels_NHW.shape)} and "
                f"{len(labels_N)} labels where Fashion-MNIST has {expected} and {expected[0]}; download them again"
            )
        if labels_N.max() >= NUM_CLASSES:
            raise UserError(f"'{labels_path}' holds a label {int(labels_N.max())} beyond 9; download it again")
        images_NCHW = pixels_NHW.unsqueeze(1)
        if self.size == PADDED_SIZE:
            margin = (PADDED_SIZE - STORED_SIZE) // 2
            return ImageData(F.pad(images_NCHW, (margin,) * 4).contiguous(), labels_N)
        return ImageData(resize_uint8(images_NCHW, self.size), labels_N)

    def places(self) -> list[Path]:
        """Return the folders in which the files may be, Debian's last."""
        return [*super().places(), DEBIAN_FOLDER]

    def has_files(self, place: Path, split: str) -> bool:
        """Return whether a folder has both files of a split."""
        return len(_files(place, split)) == 2


def _files(folder: Path, split: str) -> list[Path]:
    """Return the paths of images and labels in a folder, as far as they are there."""
    paths = [folder / f"{PREFIXES[split]}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
    choices = [(path, path.with_name(f"{path.name}.gz")) for path in paths]
    return [next(path for path in pair if path.is_file()) for pair in choices if any(map(Path.is_file, pair))]
