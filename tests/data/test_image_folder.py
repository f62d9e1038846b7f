"""Folders of images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data.image_folder import image_folder
from ganzoo.errors import UserError


def save(path: Path, *, width: int = 4, height: int = 4, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), value, dtype=np.uint8)).save(path)


def test_the_central_square_is_cut_from_either_orientation(tmp_path: Path) -> None:
    # Columns (rows) are numbered by their brightness; of 7 the middle 4 begin at (7 - 4) // 2 = 1.
    wide = np.repeat(np.arange(7, dtype=np.uint8)[None, :, None] * 10, 4, axis=0).repeat(3, axis=2)
    Image.fromarray(wide).save(tmp_path / "a.png")
    Image.fromarray(wide.transpose(1, 0, 2).copy()).save(tmp_path / "b.png")
    images = image_folder(path=str(tmp_path), size=4).load("train").images_NCHW
    assert images[0, 0, 0].tolist() == [10, 20, 30, 40]
    assert images[1, 0, :, 0].tolist() == [10, 20, 30, 40]


def test_images_are_resized_after_the_crop(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16, 3), dtype=np.uint8)
    pixels[:, 4:12] = (10, 100, 200)  # the central square
    Image.fromarray(pixels).save(tmp_path / "a.png")
    images = image_folder(path=str(tmp_path), size=4).load("train").images_NCHW
    assert images.shape == (1, 3, 4, 4)
    assert images[0].flatten(1).unique(dim=1).flatten().tolist() == [10, 100, 200]


def test_grey_palette_and_transparent_images_become_colour(tmp_path: Path) -> None:
    grey = Image.fromarray(np.full((4, 4), 77, dtype=np.uint8))
    grey.save(tmp_path / "a.png")
    grey.convert("P").save(tmp_path / "b.gif")
    Image.fromarray(np.full((4, 4, 4), 77, dtype=np.uint8)).save(tmp_path / "c.png")
    images = image_folder(path=str(tmp_path), size=4).load("train").images_NCHW
    assert images.shape == (3, 3, 4, 4)
    assert images.eq(77).all()


def test_a_cameras_orientation_is_obeyed(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    pixels[0] = 255  # the top row
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to look at it: the top row is the right column
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    images = image_folder(path=str(tmp_path), size=4).load("train").images_NCHW
    assert images[0, 0].tolist() == [[0, 0, 0, 255]] * 4


def test_images_come_in_the_order_of_their_paths_at_any_depth(tmp_path: Path) -> None:
    for value, name in enumerate(["a/b/z.png", "a/c.JPG", "b.png", "c/a.webp"]):
        save(tmp_path / name, value=50 * value)
    save(tmp_path / ".hidden/x.png", value=255)
    (tmp_path / "notes.txt").write_text("no image")
    images = image_folder(path=str(tmp_path), size=4).load("train").images_NCHW
    np.testing.assert_allclose(images[:, 0, 0, 0].numpy(), [0, 50, 100, 150], atol=3)


def test_sub_folders_are_classes_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, num in (("zebra", 1), ("ape", 2), ("cat", 3)):
        for number in range(num):
            save(tmp_path / name / "deep" / f"{number}.png", value=10 * num)
    data = image_folder(path=str(tmp_path), size=4, num_classes=3).load("train")
    assert data.labels_N.tolist() == [0, 0, 1, 1, 1, 2]
    assert data.images_NCHW[:, 0, 0, 0].tolist() == [20, 20, 30, 30, 30, 10]
    assert image_folder(path=str(tmp_path), size=4).load("train").labels_N is None


def test_train_and_test_are_splits_where_there_are_such_folders(tmp_path: Path) -> None:
    save(tmp_path / "train/x/1.png", value=1)
    save(tmp_path / "test/x/2.png", value=2)
    dataset = image_folder(path=str(tmp_path), size=4, num_classes=1)
    assert dataset.load("train").images_NCHW[:, 0, 0, 0].tolist() == [1]
    assert dataset.load("test").images_NCHW[:, 0, 0, 0].tolist() == [2]
    assert dataset.load("test").labels_N.tolist() == [0]


@pytest.mark.parametrize("there", [True, False])
def test_a_missing_test_split_is_refused(tmp_path: Path, there: bool) -> None:
    save(tmp_path / "train/1.png" if there else tmp_path / "1.png")
    with pytest.raises(UserError, match="no 'test'" if there else "without a sub-folder 'train'"):
        image_folder(path=str(tmp_path), size=4).load("test")


def test_the_path_is_relative_to_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "mine/photos/1.png")
    assert len(image_folder(path="photos", size=4, data_dir=tmp_path / "mine").load("train")) == 1
    assert len(image_folder(path=str(tmp_path / "mine/photos"), size=4, data_dir=Path("/nowhere")).load("train")) == 1
    monkeypatch.chdir(tmp_path / "mine")
    assert image_folder(path="photos", size=4).find() == "photos"


def test_a_corrupt_image_is_named(tmp_path: Path) -> None:
    save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:40])
    with pytest.raises(UserError, match=r"bad\.png' cannot be read"):
        image_folder(path=str(tmp_path), size=4).load("train")


@pytest.mark.parametrize(
    ("names", "num_classes", "message"),
    [
        (["a/1.png", "b/1.png"], 3, r"has 2 sub-folders \(a, b\), not 3; set data.image_folder.num_classes = 2"),
        (["1.png"], 2, r"has 0 sub-folders \(none\), not 2"),
        (["a/1.png", "b/1.txt"], 2, "the class folder '.*/b' holds no images"),
        (["a/1.txt"], 0, "no images in"),
    ],
)
def test_a_folder_of_another_form_is_refused(tmp_path: Path, names: list[str], num_classes: int, message: str) -> None:
    for name in names:
        if name.endswith(".png"):
            save(tmp_path / name)
        else:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("no image")
    with pytest.raises(UserError, match=message):
        image_folder(path=str(tmp_path), size=4, num_classes=num_classes).load("train")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    dataset = image_folder(path=str(tmp_path / "gone"), size=4)
    assert dataset.find() is None
    with pytest.raises(UserError, match=r"no image folder .*gone"):
        dataset.load("train")


def test_the_spec_needs_no_files() -> None:
    spec = image_folder(path="/nowhere", size=64, num_classes=7).spec()
    assert (spec.image_shape, spec.num_classes) == ((3, 64, 64), 7)
    assert spec.num_images == {"train": None, "test": None}


def test_the_images_are_the_same_every_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(20):
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    first, second = (image_folder(path=str(tmp_path), size=6).load("train") for _ in range(2))
    assert torch.equal(first.images_NCHW, second.images_NCHW)


def test_images_are_decoded_once_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        save(tmp_path / f"{number}.png", value=number)
    said: list[str] = []
    dataset = image_folder(path=str(tmp_path), size=4, say=said.append)
    first = dataset.load("train")
    assert len(said) == 1
    with monkeypatch.context() as patched:
        patched.setattr(Image, "open", lambda *_: pytest.fail("an image is decoded again"))
        second = dataset.load("train")
    assert second.is_memory_mapped
    assert torch.equal(first.images_NCHW, second.images_NCHW)
    save(tmp_path / "1.png", value=77)
    assert dataset.load("train").images_NCHW[:, 0, 0, 0].tolist() == [0, 77, 2]
    assert dataset.load("train").sha256 != first.sha256
