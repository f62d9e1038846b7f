"""The idx reader, on files written here byte by byte."""

import gzip
import struct
from pathlib import Path

import pytest

from ganzoo.data.idx import read_idx
from ganzoo.errors import UserError

IMAGES = bytes((0, 0, 8, 3)) + struct.pack(">3I", 2, 1, 3) + bytes((1, 2, 3, 4, 5, 255))


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_values_are_read_in_their_order(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(IMAGES, mtime=0) if name.endswith(".gz") else IMAGES)
    assert read_idx(path, num_dimensions=3).tolist() == [[[1, 2, 3]], [[4, 5, 255]]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (IMAGES[:-1], "announces 2 x 1 x 3 values and holds 5 bytes instead of 6"),
        (IMAGES + b"x", "holds 7 bytes instead of 6"),
        (IMAGES[:9], "cut short within its header"),
        (b"", "begins with , not 00000803"),
        (bytes((0, 0, 8, 1)) + IMAGES[4:], "begins with 00000801, not 00000803"),
        (bytes((0, 0, 13, 3)) + IMAGES[4:], "begins with 00000d03, not 00000803"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_idx(path, num_dimensions=3)
    assert str(path) in str(caught.value)
    assert "download it again" in str(caught.value)


@pytest.mark.parametrize(
    "content", [gzip.compress(IMAGES, mtime=0)[:-4], gzip.compress(IMAGES, mtime=0)[:12], b"no gzip", IMAGES]
)
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        read_idx(path, num_dimensions=3)


def test_a_gzip_file_with_altered_content_is_refused(tmp_path: Path) -> None:
    altered = bytearray(gzip.compress(bytes(1000), mtime=0))
    altered[-6] ^= 1
    path = tmp_path / "images.gz"
    path.write_bytes(altered)
    with pytest.raises(UserError, match="cannot be read"):
        read_idx(path, num_dimensions=3)
