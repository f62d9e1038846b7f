"""Images that are decoded once and mapped into memory from then on."""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.data import image_cache
from ganzoo.data.base import ImageData
from ganzoo.data.image_cache import ImageSource, cached_images
from ganzoo.data.source_files import SourceFiles
from ganzoo.errors import UserError

IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (5, 3, 4, 4), dtype=np.uint8))
LABELS = torch.tensor([3, 1, 2, 0, 3])


class Reader:
    """Yields the images in pieces and counts how often it was asked to."""

    def __init__(self, *, until: int = 5, error: Exception | None = None) -> None:
        self.num_calls, self.until, self.error = 0, until, error

    def __call__(self) -> Iterator[torch.Tensor]:
        self.num_calls += 1
        yield from torch.split(IMAGES[: self.until], 2)
        if self.error is not None:
            raise self.error


def source(reader: Callable[[], Iterator[torch.Tensor]], *, labels: torch.Tensor | None = LABELS) -> ImageSource:
    return ImageSource("the toys", {"files": "abc"}, (5, 3, 4, 4), labels, reader)


@pytest.fixture(autouse=True)
def said(own_place: Path) -> list[str]:
    return []


def is_intact(data: ImageData, *, labels: torch.Tensor | None = LABELS) -> bool:
    same_labels = data.labels_N is None if labels is None else torch.equal(data.labels_N, labels)
    return torch.equal(data.images_NCHW, IMAGES) and same_labels and data.sha256 == ImageData(IMAGES, labels).sha256


@pytest.mark.parametrize("labels", [LABELS, None])
def test_images_are_read_once_and_are_the_same_ever_after(said: list[str], labels: torch.Tensor | None) -> None:
    reader = Reader()
    for _ in range(3):
        data = cached_images(source(reader, labels=labels), say=said.append)
        assert data.is_memory_mapped
        assert is_intact(data, labels=labels)
    assert reader.num_calls == 1
    assert len(said) == 1
    assert "reading the 5 images of the toys for the first time" in said[0]


def test_the_hash_is_known_without_reading(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    cached_images(source(Reader()), say=said.append)
    data = cached_images(source(Reader()), say=said.append)
    monkeypatch.setattr(torch.Tensor, "numpy", lambda *_: pytest.fail("the images are read"))
    digest = data.sha256
    monkeypatch.undo()
    assert digest == ImageData(IMAGES, LABELS).sha256


def test_the_files_are_numpys(said: list[str]) -> None:
    cached_images(source(Reader()), say=said.append)
    folder = source(Reader()).folder
    np.testing.assert_array_equal(np.load(folder / "images_NCHW.npy"), IMAGES.numpy())
    np.testing.assert_array_equal(np.load(folder / "labels_N.npy"), LABELS.numpy())
    assert sorted(path.suffix for path in folder.parent.iterdir()) == ["", ".lock"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: cut(folder / "images_NCHW.npy"), "images_NCHW.npy has 367 bytes, not 368"),
        (lambda folder: flip(folder / "images_NCHW.npy"), "does not match its hash"),
        (lambda folder: flip(folder / "labels_N.npy"), "does not match its hash"),
        (lambda folder: cut(folder / "labels_N.npy"), "labels_N.npy has 167 bytes, not 168"),
        (lambda folder: (folder / "labels_N.npy").unlink(), "labels_N.npy"),
        (lambda folder: (folder / "cache.json").unlink(), "cache.json"),
        (lambda folder: (folder / "cache.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "cache.json").write_text("[]"), "is damaged"),
    ],
)
def test_a_damaged_cache_is_said_and_made_anew(said: list[str], damage: Callable[[Path], object], message: str) -> None:
    cached_images(source(Reader()), say=said.append)
    damage(source(Reader()).folder)
    said.clear()
    reader = Reader()
    assert is_intact(cached_images(source(reader), say=said.append))
    assert reader.num_calls == 1
    assert any(message in text and "made anew" in text for text in said)


def test_a_cache_that_was_copied_is_compared_once_and_kept(said: list[str]) -> None:
    cached_images(source(Reader()), say=said.append)
    os.utime(source(Reader()).folder / "images_NCHW.npy", ns=(1, 1))
    said.clear()
    reader = Reader()
    for _ in range(2):
        assert is_intact(cached_images(source(reader), say=said.append))
    assert reader.num_calls == 0
    assert said == ["the cache of the toys was touched since it was made and is compared with its hash"]


def test_an_intact_cache_whose_record_cannot_be_written_is_kept(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cached_images(source(Reader()), say=said.append)
    os.utime(source(Reader()).folder / "images_NCHW.npy", ns=(1, 1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(image_cache, "_write_record", full)
    reader = Reader()
    assert is_intact(cached_images(source(reader), say=said.append))
    assert reader.num_calls == 0
    assert not any("damaged" in text for text in said)


def test_a_reading_that_fails_leaves_nothing_behind(said: list[str]) -> None:
    with pytest.raises(UserError, match="a bad image"):
        cached_images(source(Reader(until=4, error=UserError("a bad image"))), say=said.append)
    assert [path.suffix for path in source(Reader()).folder.parent.iterdir()] == [".lock"]
    assert is_intact(cached_images(source(Reader()), say=said.append))


def test_what_a_killed_process_left_is_no_cache(said: list[str]) -> None:
    folder = source(Reader()).folder
    partial = folder.with_name(f"{folder.name}.partial")
    partial.mkdir(parents=True)
    (partial / "images_NCHW.npy").write_bytes(b"half")
    assert is_intact(cached_images(source(Reader()), say=said.append))
    assert not partial.exists()


def test_two_processes_read_once(said: list[str]) -> None:
    folder = source(Reader()).folder
    folder.parent.mkdir(parents=True)
    reader = Reader()
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: cached_images(source(reader), say=said.append))
        thread.start()
        while not said:  # it waits for the lock
            thread.join(0.01)
        image_cache._build(folder, source(Reader()), say=lambda _: None)
    thread.join()
    assert said == ["another process is reading the images of the toys; waiting for it"]
    assert reader.num_calls == 0


def test_a_cache_that_cannot_be_written_says_how_much_room_it_needs(own_place: Path, said: list[str]) -> None:
    (own_place / "cache").write_text("a file where a folder should be")
    with pytest.raises(UserError, match=r"cannot be kept in .*they take 2.4e-07 GB there: .*GANZOO_CACHE"):
        cached_images(source(Reader()), say=said.append)


def test_every_setting_has_a_cache_of_its_own() -> None:
    key, shape = {"files": "abc", "crop_size": None}, (5, 3, 4, 4)
    sources = [
        ImageSource("x", key, shape, LABELS, Reader()),
        ImageSource("x", {**key, "crop_size": 4}, shape, LABELS, Reader()),
        ImageSource("x", {**key, "files": "abd"}, shape, LABELS, Reader()),
        ImageSource("x", key, (5, 3, 5, 5), LABELS, Reader()),
        ImageSource("x", key, shape, LABELS.flip(0), Reader()),
        ImageSource("x", key, shape, None, Reader()),
    ]
    assert len({s.folder for s in sources}) == len(sources)
    assert ImageSource("another name", key, shape, LABELS, Reader()).folder == sources[0].folder


@pytest.fixture
def files(tmp_path: Path) -> SourceFiles:
    paths = [tmp_path / "files" / name for name in ("a.png", "b.png")]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(path.name.encode())
    return SourceFiles(paths, paths[0].parent)


def of_files(files: SourceFiles, reader: Reader) -> ImageSource:
    """The toys as images of files whose content is not hashed yet."""
    return ImageSource("the toys", {}, (5, 3, 4, 4), LABELS, reader, SourceFiles(files.paths, files.root))


def test_equal_files_with_other_times_are_compared_and_not_decoded_again(said: list[str], files: SourceFiles) -> None:
    cached_images(of_files(files, Reader()), say=said.append)
    before = of_files(files, Reader()).folder
    os.utime(files.paths[0], ns=(1, 1))
    said.clear()
    reader = Reader()
    for _ in range(2):
        assert is_intact(cached_images(of_files(files, reader), say=said.append))
    assert reader.num_calls == 0
    assert len(said) == 1
    assert "have other times" in said[0]
    assert of_files(files, Reader()).folder == before


def test_files_changed_in_content_alone_are_decoded_again(said: list[str], files: SourceFiles) -> None:
    cached_images(of_files(files, Reader()), say=said.append)
    files.paths[0].write_bytes(b"A.png")
    os.utime(files.paths[0], ns=(1, 1))
    said.clear()
    reader = Reader()
    for _ in range(2):
        assert is_intact(cached_images(of_files(files, reader), say=said.append))
    assert reader.num_calls == 1
    assert any("have changed" in text for text in said)


def test_who_has_images_mapped_keeps_them_when_the_files_change(said: list[str], files: SourceFiles) -> None:
    before = cached_images(of_files(files, Reader()), say=said.append)
    files.paths[0].write_bytes(b"A.png")
    os.utime(files.paths[0], ns=(1, 1))

    def read() -> Iterator[torch.Tensor]:
        yield 255 - IMAGES

    now = cached_images(ImageSource("the toys", {}, (5, 3, 4, 4), LABELS, read, files), say=said.append)
    assert torch.equal(now.images_NCHW, 255 - IMAGES)
    assert torch.equal(before.images_NCHW, IMAGES)


def test_a_damaged_cache_is_not_taken_for_one_of_touched_files(said: list[str], files: SourceFiles) -> None:
    cached_images(of_files(files, Reader()), say=said.append)
    flip(of_files(files, Reader()).folder / "images_NCHW.npy")
    os.utime(files.paths[0], ns=(1, 1))
    reader = Reader()
    assert is_intact(cached_images(of_files(files, reader), say=said.append))
    assert reader.num_calls == 1


def test_progress_is_said_now_and_then(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 6.0, 12.0, 13.0])
    monkeypatch.setattr(image_cache.time, "monotonic", lambda: next(times))
    cached_images(source(Reader()), say=said.append)
    assert said[1:] == ["the toys: 4 of 5 images read, about 0.1 minutes to go"]


def test_the_record_is_readable(said: list[str]) -> None:
    cached_images(source(Reader()), say=said.append)
    record = json.loads((source(Reader()).folder / "cache.json").read_text())
    assert record["name"] == "the toys"
    assert record["sha256"] == ImageData(IMAGES, LABELS).sha256


def test_an_error_of_the_source_is_not_blamed_on_the_cache(said: list[str], own_place: Path) -> None:
    reader = Reader(error=PermissionError(13, "Permission denied", "train_X.bin"))
    said_of_source = r"^the images of the toys cannot be read: cannot use 'train_X.bin' \(Permission denied\)"
    with pytest.raises(UserError, match=said_of_source):
        cached_images(source(reader), say=said.append)
    assert not list(own_place.rglob("*.npy"))
