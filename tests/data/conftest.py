"""What the tests of data sets share: a place of their own, and images that look different however they are turned."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with nothing in it, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def make_pixels() -> Callable[..., Pixels]:
    """Return a function that makes images (H, W, 3) of which no pixel is like another, each image another."""

    def make(number: int, *, height: int, width: int) -> Pixels:
        return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)

    return make
