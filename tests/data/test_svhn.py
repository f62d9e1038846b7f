"""SVHN, on small files that MATLAB's format of the original is written in by scipy."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.io import savemat

from ganzoo.data import svhn as module
from ganzoo.data.svhn import svhn
from ganzoo.errors import UserError

LABELS = [1, 10, 9]  # 10 is the digit 0
Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def images_NHWC(own_place: Path, make_pixels: Callable[..., Pixels], monkeypatch: pytest.MonkeyPatch) -> Pixels:
    """The images of every split."""
    monkeypatch.setattr(module, "NUM_IMAGES", dict.fromkeys(module.NUM_IMAGES, len(LABELS)))
    return np.stack([make_pixels(i, height=32, width=32) for i in range(len(LABELS))])


def write(path: Path, images_NHWC: Pixels, labels: list[int] = LABELS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"X": images_NHWC.transpose(1, 2, 3, 0), "y": np.array(labels, np.uint8)[:, None]}
    savemat(path, content, do_compression=True)


@pytest.mark.parametrize("folder", ["data/svhn", "data", "cache/data/SVHN"])
@pytest.mark.parametrize("split", ["train", "test", "extra"])
def test_images_are_upright_to_the_pixel_and_a_label_is_its_digit(
    own_place: Path, images_NHWC: Pixels, folder: str, split: str
) -> None:
    write(own_place / folder / f"{split}_32x32.mat", images_NHWC)
    data = svhn().load(split)
    np.testing.assert_array_equal(data.images_NCHW.numpy(), images_NHWC.transpose(0, 3, 1, 2))
    assert data.images_NCHW.is_contiguous()
    assert data.labels_N.tolist() == [1, 0, 9]


def test_both_splits_must_be_there_to_be_found(own_place: Path, images_NHWC: Pixels) -> None:
    write(own_place / "data/svhn/train_32x32.mat", images_NHWC)
    assert svhn().find() is None
    write(own_place / "data/svhn/test_32x32.mat", images_NHWC)
    assert svhn().find() == "data/svhn"


def test_a_cut_file_is_refused(own_place: Path, images_NHWC: Pixels) -> None:
    path = own_place / "data/svhn/train_32x32.mat"
    write(path, images_NHWC)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UserError, match=r"train_32x32.mat' is damaged .*; download it again") as caught:
        svhn().load("train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "num", "message"),
    [([1, 2], 2, r"holds X of shape \(32, 32, 3, 2\)"), ([0, 1, 2], 3, "holds labels 0 to 2, not 1 to 10")],
)
def test_files_of_another_content_are_refused(
    own_place: Path, images_NHWC: Pixels, labels: list[int], num: int, message: str
) -> None:
    write(own_place / "data/svhn/train_32x32.mat", images_NHWC[:num], labels)
    with pytest.raises(UserError, match=message):
        svhn().load("train")


def test_missing_files_say_what_to_download(own_place: Path) -> None:
    with pytest.raises(UserError, match=r"housenumbers/extra_32x32.mat \(1,329 MB\) into 'data/svhn'"):
        svhn().load("extra")
