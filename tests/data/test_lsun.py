"""LSUN, on small databases and folders of the true format."""

import hashlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

import lmdb
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ganzoo.data.lsun import lsun
from ganzoo.errors import UserError

NUM = 7


def write_database(place: Path, contents: dict[str, bytes]) -> None:
    place.mkdir(parents=True)
    with lmdb.open(str(place), map_size=2**20) as environment, environment.begin(write=True) as transaction:
        for key, content in contents.items():
            transaction.put(key.encode(), content)


def write_folder(place: Path, contents: dict[str, bytes]) -> None:
    place.mkdir(parents=True)
    for key, content in contents.items():
        # As the project's own tool exports them.
        path = place.joinpath(*key[:3], f"{key}.webp")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


WRITERS = {"_lmdb": write_database, "": write_folder}


@pytest.fixture
def stored(own_place: Path, make_pixels: Callable[..., npt.NDArray[np.uint8]]) -> dict[str, npt.NDArray[np.uint8]]:
    """Pixels (8, 12, 3) by key, in an order that is not that of the keys."""
    keys = [hashlib.sha1(str(number).encode()).hexdigest() for number in range(NUM)]
    assert keys != sorted(keys)
    return {key: make_pixels(number, height=8, width=12) for number, key in enumerate(keys)}


def encoded(stored: dict[str, npt.NDArray[np.uint8]]) -> dict[str, bytes]:
    contents = {}
    for key, pixels in stored.items():
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "WEBP", lossless=True)
        contents[key] = file.getvalue()
    return contents


@pytest.mark.parametrize("form", WRITERS)
def test_squares_come_in_the_order_of_the_keys_and_the_last_are_for_testing(
    own_place: Path, stored: dict[str, npt.NDArray[np.uint8]], form: str
) -> None:
    WRITERS[form](own_place / f"data/lsun/bedroom_train{form}", encoded(stored))
    dataset = lsun(size=8, num_test=2)
    squares = np.stack([stored[key][:, 2:10].transpose(2, 0, 1) for key in sorted(stored)])
    np.testing.assert_array_equal(dataset.load("train").images_NCHW.numpy(), squares[:5])
    np.testing.assert_array_equal(dataset.load("test").images_NCHW.numpy(), squares[5:])
    assert dataset.load("train").labels_N is None
    limited = lsun(size=8, num_images=4, num_test=1)
    np.testing.assert_array_equal(limited.load("train").images_NCHW.numpy(), squares[:3])
    np.testing.assert_array_equal(limited.load("test").images_NCHW.numpy(), squares[3:4])
    assert limited.spec().num_images == {"train": 3, "val": None, "test": 1}


@pytest.mark.parametrize("form", WRITERS)
def test_a_crop_of_its_own_size_is_not_resized(
    own_place: Path, stored: dict[str, npt.NDArray[np.uint8]], form: str
) -> None:
    WRITERS[form](own_place / f"data/cat_val{form}", encoded(stored))
    images = lsun(category="cat", size=4, crop_size=4).load("val").images_NCHW.numpy()
    np.testing.assert_array_equal(images[0], stored[min(stored)][2:6, 4:8].transpose(2, 0, 1))
    assert len(images) == NUM


@pytest.mark.parametrize("form", WRITERS)
def test_too_few_images_are_refused(own_place: Path, stored: dict[str, npt.NDArray[np.uint8]], form: str) -> None:
    WRITERS[form](own_place / f"data/bedroom_train{form}", encoded(stored))
    with pytest.raises(UserError, match=r"holds 7 images, fewer than the 8 of the test split and one more"):
        lsun(size=8, num_test=7).load("train")
    with pytest.raises(UserError, match=r"holds 7 images, fewer than the 9 of data.lsun.num_images"):
        lsun(size=8, num_test=1, num_images=9).load("train")


def test_a_damaged_image_is_named_by_its_key(own_place: Path, stored: dict[str, npt.NDArray[np.uint8]]) -> None:
    contents = encoded(stored)
    key = min(contents)
    contents[key] = contents[key][:20]
    write_database(own_place / "data/lsun/bedroom_train_lmdb", contents)
    with pytest.raises(UserError, match=f"the image '{key}' in '.*bedroom_train_lmdb' cannot be read"):
        lsun(size=8, num_test=0).load("train")


def test_what_is_no_database_is_refused(own_place: Path) -> None:
    place = own_place / "data/lsun/bedroom_train_lmdb"
    place.mkdir(parents=True)
    (place / "data.mdb").write_bytes(b"no database" * 1000)
    with pytest.raises(UserError, match="is not an intact database"):
        lsun().load("train")


def test_without_the_package_a_database_says_what_to_install(
    own_place: Path, stored: dict[str, npt.NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_database(own_place / "data/lsun/bedroom_train_lmdb", encoded(stored))
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(UserError, match=r"run `pip install lmdb`"):
        lsun().load("train")


def test_missing_files_say_what_to_get(own_place: Path) -> None:
    assert lsun().find() is None
    with pytest.raises(UserError, match=r"https://github.com/fyu/lsun get bedroom_train_lmdb.zip .* in 'data/lsun'"):
        lsun().load("test")


@pytest.mark.parametrize(
    "arguments",
    [{"category": ""}, {"size": 0}, {"crop_size": 0}, {"num_test": -1}, {"num_images": 30_000}],
)
def test_senseless_arguments_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        lsun(**arguments)


def test_without_a_test_part_there_is_no_such_split() -> None:
    assert lsun(num_test=0).spec().num_images == {"train": None, "val": None}
