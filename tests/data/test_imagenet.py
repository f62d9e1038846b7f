"""ImageNet, on a small tree of the true form."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.io import savemat

from ganzoo.data import imagenet as module
from ganzoo.data.imagenet import imagenet
from ganzoo.errors import UserError

# By the challenge's ids 1, 2, 3; the fourth synset has children and is no class.
WORDNET_IDS = ["n02119789", "n02100735", "n01440764", "n00001740"]
NUM_CHILDREN = [0, 0, 0, 2]
GROUND_TRUTH = [3, 1, 1, 2]  # the challenge's ids of the validation images
LABELS = [0, 2, 2, 1]  # the positions of their WordNet ids among the three
NAMES = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 5)]


@pytest.fixture
def root(own_place: Path, make_pixels: Callable[..., npt.NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "NUM_IMAGES", {"train": 4, "val": 4})
    monkeypatch.setattr(module, "NUM_CLASSES", 3)
    root = own_place / "data/imagenet"
    trained = [f"train/{name}/{name}_{number}.JPEG" for name in WORDNET_IDS[:3] for number in (7, 12)][:4]
    trained[3] = "train/n01440764/n01440764_1.JPEG"
    for number, name in enumerate([*trained, *(f"val/{name}" for name in NAMES)]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(make_pixels(number, height=8, width=12)).save(root / name, quality=90)
    devkit = root / "ILSVRC2012_devkit_t12/data"
    devkit.mkdir(parents=True)
    (devkit / "ILSVRC2012_validation_ground_truth.txt").write_text("".join(f"{n}\n" for n in GROUND_TRUTH))
    synsets = np.empty(
        (4, 1), dtype=[(n, object) for n in ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children")]
    )
    for row, (name, num_children) in enumerate(zip(WORDNET_IDS, NUM_CHILDREN, strict=True)):
        synsets[row, 0] = (row + 1, name, "words", "a gloss", num_children, np.arange(num_children))
    savemat(devkit / "meta.mat", {"synsets": synsets})
    return root


def square(path: Path) -> npt.NDArray[np.uint8]:
    return np.array(Image.open(path))[:, 2:10].transpose(2, 0, 1)


def test_training_images_are_the_central_squares_class_by_class(root: Path) -> None:
    data = imagenet(size=8).load("train")
    names = [
        "n01440764/n01440764_1.JPEG",
        "n02100735/n02100735_7.JPEG",
        "n02119789/n02119789_12.JPEG",
        "n02119789/n02119789_7.JPEG",
    ]
    assert data.labels_N.tolist() == [0, 1, 2, 2]
    np.testing.assert_array_equal(data.images_NCHW.numpy(), np.stack([square(root / "train" / name) for name in names]))


def test_validation_images_in_one_folder_get_their_classes_from_the_development_kit(root: Path) -> None:
    data = imagenet(size=8).load("val")
    assert data.labels_N.tolist() == LABELS
    np.testing.assert_array_equal(data.images_NCHW.numpy(), np.stack([square(root / "val" / n) for n in NAMES]))


def test_validation_images_in_class_folders_are_the_same_data(root: Path) -> None:
    before = imagenet(size=8).load("val").sha256
    for name, number in zip(NAMES, GROUND_TRUTH, strict=True):
        folder = root / "val" / WORDNET_IDS[number - 1]
        folder.mkdir(exist_ok=True)
        shutil.move(root / "val" / name, folder)
    shutil.rmtree(root / "ILSVRC2012_devkit_t12")
    data = imagenet(size=8).load("val")
    assert data.labels_N.tolist() == LABELS
    assert data.sha256 == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ILSVRC2012_validation_ground_truth.txt", None, r"has no class folders, .*unpack ILSVRC2012_devkit_t12"),
        ("ILSVRC2012_validation_ground_truth.txt", b"1\n2\n", "has 2 lines for the 4 images"),
        ("ILSVRC2012_validation_ground_truth.txt", b"1\n2\n3\n4\n", r"damaged \(4\)"),
        ("meta.mat", b"no matrix", "is damaged"),
    ],
)
def test_a_damaged_development_kit_is_refused(root: Path, name: str, content: bytes | None, message: str) -> None:
    path = root / "ILSVRC2012_devkit_t12/data" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        imagenet(size=8).load("val")


def test_missing_images_and_classes_are_refused(root: Path) -> None:
    (root / "val" / NAMES[0]).unlink()
    truth = root / "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
    truth.write_text("3\n1\n1\n")
    with pytest.raises(UserError, match="holds 3 images where ImageNet has 4"):
        imagenet(size=8).load("val")
    shutil.rmtree(root / "train/n02119789")
    with pytest.raises(UserError, match="has 2 class folders, not 3"):
        imagenet(size=8).load("train")


def test_training_images_without_class_folders_are_refused_by_their_folder(root: Path) -> None:
    for folder in (root / "train").iterdir():
        shutil.rmtree(folder)
    (root / "train/n02119789_7.JPEG").write_bytes(b"")
    with pytest.raises(UserError, match=r"'data/imagenet/train' has 0 class folders, not 3; unpack each class into"):
        imagenet(size=8).load("train")


def test_missing_files_say_what_to_unpack_where(own_place: Path) -> None:
    assert imagenet().find() is None
    with pytest.raises(UserError, match=r"unpack ILSVRC2012_img_train.tar \(138 GB\) in 'data/imagenet/train'"):
        imagenet().load("train")
    with pytest.raises(UserError, match=r"ILSVRC2012_img_val.tar .* ILSVRC2012_devkit_t12.tar.gz in"):
        imagenet().load("val")
    with pytest.raises(ValueError, match="size"):
        imagenet(size=0)
