"""CelebA-HQ, on small folders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ganzoo.data import celeba_hq as module
from ganzoo.data.celeba_hq import celeba_hq
from ganzoo.errors import UserError


@pytest.fixture(autouse=True)
def _small(own_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_IMAGES", {"train": 10, "test": 2})


@pytest.mark.parametrize("layout", ["celeba_hq/img{:05d}.png", "CelebAMask-HQ/CelebA-HQ-img/{}.png"])
def test_images_are_ordered_by_their_number_and_the_last_are_for_testing(
    own_place: Path, make_pixels: Callable[..., npt.NDArray[np.uint8]], layout: str
) -> None:
    stored = [make_pixels(number, height=4, width=4) for number in range(12)]
    for number, pixels in enumerate(stored):
        path = own_place / "data" / layout.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    images = np.stack(stored).transpose(0, 3, 1, 2)
    dataset = celeba_hq(size=4)
    np.testing.assert_array_equal(dataset.load("train").images_NCHW.numpy(), images[:10])
    np.testing.assert_array_equal(dataset.load("test").images_NCHW.numpy(), images[10:])
    assert dataset.load("test").labels_N is None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["1.png"], "holds 1 images where CelebA-HQ has 12"),
        ([*(f"{number}.png" for number in range(11)), "x.png"], "x.png' has no number in its name"),
    ],
)
def test_another_folder_is_refused(own_place: Path, names: list[str], message: str) -> None:
    (own_place / "data/celeba_hq").mkdir(parents=True)
    for name in names:
        Image.new("RGB", (2, 2)).save(own_place / "data/celeba_hq" / name)
    with pytest.raises(UserError, match=message):
        celeba_hq(size=2).load("train")


def test_missing_files_say_what_to_put_where() -> None:
    assert celeba_hq().find() is None
    with pytest.raises(UserError, match=r"unpack CelebAMask-HQ.zip \(2.8 GB\) in 'data'"):
        celeba_hq().load("train")


def test_a_senseless_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        celeba_hq(size=0)
