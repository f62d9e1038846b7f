"""Fashion-MNIST. N: images."""

from pathlib import Path

from torch.nn import functional as F

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.data.idx import read_idx
from ganzoo.errors import UserError, check_at_least
from ganzoo.paths import data_folders, quoted
from ganzoo.registry import register
from ganzoo.resize import resize_uint8

NUM_IMAGES = {"train": 60_000, "test": 10_000}
NUM_CLASSES = 10
STORED_SIZE = 28
PADDED_SIZE = 32
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
PREFIXES = {"train": "train", "test": "t10k"}


@register("data")
class fashion_mnist(Dataset):
    """60,000 + 10,000 grey images of clothing in 10 classes, 28 x 28 pixels.

    Source: Xiao, Rasul and Vollgraf, arXiv:1708.07747. Files of the original, of torchvision and of Debian's package
    `dataset-fashion-mnist` are read, gzipped or not.

    Args:
        size: height and width in pixels; 28 as stored, 32 by a black margin of 2 pixels, any other by antialiased
            bilinear interpolation.
        data_dir: where the user keeps data sets; None if not given.
    """

    def __init__(self, *, size: int = STORED_SIZE, data_dir: Path | None = None) -> None:
        check_at_least(1, size=size)
        super().__init__(data_dir=data_dir)
        self.size = size

    def spec(self) -> DataSpec:
        """Return shape, classes and sizes."""
        return DataSpec((1, self.size, self.size), NUM_CLASSES, NUM_IMAGES)

    def load(self, split: str) -> ImageData:
        """Return a split."""
        self.check_split(split)
        images_path, labels_path = self._paths(split)
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

    def find(self) -> str | None:
        """Return where the files are."""
        for folder in self._folders():
            if all(path is not None for split in NUM_IMAGES for path in _files(folder, split)):
                return str(folder)
        return None

    def _folders(self) -> list[Path]:
        layouts = [f / layout for f in data_folders(self.data_dir) for layout in ("fashion-mnist", "FashionMNIST/raw")]
        return [*layouts, DEBIAN_FOLDER]

    def _paths(self, split: str) -> tuple[Path, Path]:
        for folder in self._folders():
            images_path, labels_path = _files(folder, split)
            if images_path is not None and labels_path is not None:
                return images_path, labels_path
        raise UserError(
            f"Fashion-MNIST ({split}) was not found in {quoted(self._folders())}: run `apt-get install "
            "dataset-fashion-mnist`, or put the four files {train,t10k}-{images-idx3,labels-idx1}-ubyte.gz of "
            f"https://github.com/zalandoresearch/fashion-mnist into '{self._folders()[0]}'"
        )


def _files(folder: Path, split: str) -> tuple[Path | None, Path | None]:
    """Return the paths of images and labels in a folder, None where there is no file."""
    found: list[Path | None] = []
    for kind in ("images-idx3", "labels-idx1"):
        path = folder / f"{PREFIXES[split]}-{kind}-ubyte"
        candidates = [path, path.with_name(path.name + ".gz")]
        found.append(next((candidate for candidate in candidates if candidate.is_file()), None))
    return found[0], found[1]
