"""What a key of files follows from."""

import hashlib
import os
from pathlib import Path

import pytest

from ganzoo.data.source_files import SourceFiles
from ganzoo.errors import UserError


def test_a_key_follows_from_names_sizes_and_times_but_not_from_the_place(tmp_path: Path) -> None:
    timed, untimed = [], []
    for place, name, content, time in (
        ("a", "1", b"xy", 5),
        ("b", "1", b"xy", 5),
        ("b", "2", b"xy", 5),
        ("b", "1", b"xyz", 5),
        ("b", "1", b"xy", 6),
    ):
        path = tmp_path / place / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(time, time))
        files = SourceFiles([path], path.parent)
        timed.append((files.key, files.times))
        untimed.append(files.key)
    assert timed[0] == timed[1]
    assert len(set(timed)) == 4
    assert untimed[0] == untimed[1] == untimed[4]
    assert len(set(untimed)) == 3


def test_the_content_is_hashed_in_order_whether_it_was_read_before_or_not(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        path.write_bytes(path.name.encode())
    expected = hashlib.sha256(hashlib.sha256(b"a").digest() + hashlib.sha256(b"b").digest()).hexdigest()
    files = SourceFiles(paths, tmp_path)
    assert files.read(paths[1]) == b"b"
    assert files.content_sha256() == expected
    assert SourceFiles(paths, tmp_path).content_sha256() == expected
    assert SourceFiles(paths[::-1], tmp_path).content_sha256() != expected


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    files = SourceFiles([gone], tmp_path)
    for ask in (lambda: files.key, lambda: files.times, lambda: files.read(gone), files.content_sha256):
        with pytest.raises(UserError, match=r"gone' is missing"):
            ask()
