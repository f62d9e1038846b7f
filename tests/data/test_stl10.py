"""STL-10, on small files of the true format: planes stored column by column."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ganzoo.data import stl10 as module
from ganzoo.data.stl10 import stl10
from ganzoo.errors import UserError
from ganzoo.resize import resize_uint8

NUM = {"train": 3, "test": 2, "unlabeled": 4}
LABELS = {"train": [1, 10, 5], "test": [2, 3]}


@pytest.fixture
def stored(
    own_place: Path, make_pixels: Callable[..., npt.NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> dict[str, torch.Tensor]:
    """Write the files; return the images (N, 3, 96, 96) by split."""
    monkeypatch.setattr(module, "NUM_IMAGES", NUM)
    monkeypatch.setattr(module, "PIECE_SIZE", 3)
    folder = own_place / "data/stl10_binary"
    folder.mkdir(parents=True)
    images = {}
    for split, num in NUM.items():
        pixels_NHWC = np.stack([make_pixels(10 * num + i, height=96, width=96) for i in range(num)])
        # Byte by byte as the format says: image, plane, column, row.
        content = bytearray()
        for image_HWC in pixels_NHWC:
            for plane in range(3):
                for column in range(96):
                    content += image_HWC[:, column, plane].tobytes()
        (folder / f"{split}_X.bin").write_bytes(bytes(content))
        images[split] = torch.from_numpy(pixels_NHWC.transpose(0, 3, 1, 2).copy())
    for split, labels in LABELS.items():
        (folder / f"{split}_y.bin").write_bytes(bytes(labels))
    return images


def test_at_their_own_size_images_are_upright_to_the_pixel(stored: dict[str, torch.Tensor]) -> None:
    for split, images in stored.items():
        assert torch.equal(stl10(size=96).load(split).images_NCHW, images)


def test_by_default_images_have_48_pixels(stored: dict[str, torch.Tensor]) -> None:
    assert stl10().spec().image_shape == (3, 48, 48)
    assert torch.equal(stl10().load("unlabeled").images_NCHW, resize_uint8(stored["unlabeled"], 48))


def test_labels_count_from_0_and_the_unlabelled_split_has_none(stored: dict[str, torch.Tensor]) -> None:
    dataset = stl10()
    assert dataset.load("train").labels_N.tolist() == [0, 9, 4]
    assert dataset.load("unlabeled").labels_N is None
    assert {split: dataset.spec().num_classes_of(split) for split in NUM} == {"train": 10, "test": 10, "unlabeled": 0}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train_X.bin", b"123", r"has 3 bytes, not 82,944; unpack stl10_binary.tar.gz again"),
        ("train_X.bin", None, "train_X.bin' is missing; unpack"),
        ("train_y.bin", b"\x01\x02", "has 2 bytes, not 3"),
        ("train_y.bin", b"\x00\x01\x02", "holds labels 0 to 2, not 1 to 10"),
    ],
)
def test_damaged_files_are_refused(
    own_place: Path, stored: dict[str, torch.Tensor], name: str, content: bytes | None, message: str
) -> None:
    path = own_place / "data/stl10_binary" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        stl10().load("train")


def test_a_missing_folder_says_what_to_unpack(own_place: Path) -> None:
    assert stl10().find() is None
    with pytest.raises(UserError, match=r"stl10_binary.tar.gz \(2.6 GB, md5 91f7769d.*unpack it in 'data'"):
        stl10().load("train")


def test_a_senseless_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be at least 1, not "):
        stl10(size=0)
