"""CIFAR-100, on small files of the true formats. The formats themselves are tested with CIFAR-10."""

import hashlib
import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ganzoo.data.cifar100 import cifar100
from ganzoo.errors import UserError

NUM = {"train": 4, "test": 2}
FINE = {"train": [99, 0, 7, 42], "test": [1, 98]}
COARSE = {"train": [19, 0, 1, 2], "test": [3, 4]}
Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def stored(own_place: Path, make_pixels: Callable[..., Pixels], monkeypatch: pytest.MonkeyPatch) -> dict[str, Pixels]:
    """The pixels (N, 3, 32, 32) of both splits."""
    monkeypatch.setattr(cifar100, "num_images", NUM)
    return {
        split: np.stack([make_pixels(10 * num + i, height=32, width=32).transpose(2, 0, 1) for i in range(num)])
        for split, num in NUM.items()
    }


def write(place: Path, stored: dict[str, Pixels]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    pickles = {
        split: pickle.dumps(
            {
                b"data": pixels.reshape(len(pixels), -1),
                b"fine_labels": FINE[split],
                b"coarse_labels": COARSE[split],
                b"filenames": [b"x.png"] * len(pixels),
                b"batch_label": b"a batch",
            },
            protocol=2,
        )
        for split, pixels in stored.items()
    }
    if place.name.endswith(".tar.gz"):
        with tarfile.open(place, "w:gz") as archive:
            for split, content in pickles.items():
                member = tarfile.TarInfo(f"cifar-100-python/{split}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return
    place.mkdir()
    for split, pixels in stored.items():
        if place.name == "cifar-100-binary":
            records = zip(COARSE[split], FINE[split], pixels, strict=True)
            content = b"".join(bytes([coarse, fine]) + image.tobytes() for coarse, fine, image in records)
            (place / f"{split}.bin").write_bytes(content)
        else:
            (place / split).write_bytes(pickles[split])


@pytest.mark.parametrize("layout", ["cifar-100-python.tar.gz", "cifar-100-python", "cifar-100-binary"])
def test_every_format_gives_the_same_pixels_and_the_fine_labels(
    own_place: Path, stored: dict[str, Pixels], layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = own_place / "data" / layout
    write(place, stored)
    if place.is_file():
        monkeypatch.setattr(cifar100, "_archive_md5", hashlib.md5(place.read_bytes()).hexdigest())
    for split, pixels in stored.items():
        data = cifar100().load(split)
        np.testing.assert_array_equal(data.images_NCHW.numpy(), pixels)
        assert data.labels_N.tolist() == FINE[split]


def test_a_cut_binary_file_is_refused(own_place: Path, stored: dict[str, Pixels]) -> None:
    write(own_place / "data/cifar-100-binary", stored)
    path = own_place / "data/cifar-100-binary/test.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"test: .* not a whole number of records of 3074\); download cifar-100-python"):
        cifar100().load("test")


def test_missing_files_say_what_to_download(own_place: Path) -> None:
    assert cifar100().find() is None
    with pytest.raises(UserError, match=r"https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz \(161 MB, md5 eb90"):
        cifar100().load("train")
