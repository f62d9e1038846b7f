"""Image files of other depths than 8 bits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.image_files import read_square
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
