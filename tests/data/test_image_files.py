"""Image files: which are found, and those of other depths than 8 bits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.image_files import class_folders, find_images, load_files, read_square
from ganzoo.errors import UserError

GREY = np.array([[0, 255], [77, 128]], dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_grey_images_of_16_bits_look_as_those_of_8(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grey.{suffix}"
    # 257 times as much: 255 becomes 65535.
    Image.fromarray(GREY.astype(np.uint16) * 257).save(path)
    for file in (path, path.read_bytes()):
        square_CHW = read_square(file, name=path.name, size=2)
        assert [channel_HW.tolist() for channel_HW in square_CHW] == [GREY.tolist()] * 3


def test_big_endian_images_of_16_bits_too(tmp_path: Path) -> None:
    path = tmp_path / "grey.tif"
    Image.frombytes("I;16B", (2, 2), (GREY.astype(">u2") * 257).astype(">u2").tobytes()).save(path)
    assert read_square(path, name=path.name, size=2)[0].tolist() == GREY.tolist()


@pytest.mark.parametrize(("dtype", "what"), [(np.int32, "32-bit"), (np.float32, "floating-point")])
def test_pixels_of_no_known_range_are_refused(tmp_path: Path, dtype: type, what: str) -> None:
    path = tmp_path / "depth.tif"
    Image.fromarray(GREY.astype(dtype)).save(path)
    with pytest.raises(UserError, match=f"'depth.tif' has {what} pixels, .*; convert it to 8 or 16 bits"):
        read_square(path, name=path.name, size=2)


def test_images_are_ordered_by_the_parts_of_their_paths(tmp_path: Path) -> None:
    # As strings "a-b.png" and "a.png" come before "a/z.png"; by their parts the folder "a" is first.
    names = ["a/z.png", "a-b.png", "a.png", "a.png.d/0.JPEG", "b/c/1.gif", "b/c.gif", "b/d/0.gif"]
    for name in [*names, "b/notes.txt", "b/.hidden.png", ".hidden/x.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    assert find_images(tmp_path) == [tmp_path / name for name in sorted(names, key=lambda name: name.split("/"))]
    assert [path.name for path in find_images(tmp_path)][:4] == ["z.png", "a-b.png", "a.png", "0.JPEG"]


def test_a_folder_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the folder of images '.*gone' cannot be read \(No such file or directory\)"):
        find_images(tmp_path / "gone")


def test_links_to_files_and_folders_are_followed_and_a_circle_is_refused(tmp_path: Path) -> None:
    photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    photos.mkdir()
    elsewhere.mkdir()
    (elsewhere / "1.png").touch()
    (photos / "a").symlink_to(elsewhere)
    (photos / "b").symlink_to(elsewhere)
    (photos / "c.png").symlink_to(elsewhere / "1.png")
    (photos / "d.png").symlink_to(photos / "d.png")  # leads nowhere: a file that cannot be read
    assert find_images(photos) == [photos / name for name in ("a/1.png", "b/1.png", "c.png", "d.png")]
    assert class_folders(photos) == [photos / "a", photos / "b"]
    (elsewhere / "back").symlink_to(photos)
    with pytest.raises(UserError, match=r"photos/a/back' leads back to '.*photos', in which it lies; remove the link"):
        find_images(photos)


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.png").symlink_to(tmp_path / "d.png")
    with pytest.raises(UserError, match=r"'.*d.png' is missing or cannot be read"):
        load_files(find_images(tmp_path), root=tmp_path, size=4, name="the photos", say=print)
