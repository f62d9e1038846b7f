"""Where things are kept and sought."""

from pathlib import Path

import pytest

from ganzoo.paths import cache_folder, data_folders, quoted


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/shared")
    assert cache_folder() == Path("/own")
    monkeypatch.delenv("GANZOO_CACHE")
    assert cache_folder() == Path("/shared/ganzoo")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_folder() == Path("/home/someone/.cache/ganzoo")


def test_the_users_own_folder_is_sought_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", "/own")
    assert data_folders(None) == [Path("data"), Path("/own/data")]
    assert data_folders(Path("/mine")) == [Path("/mine"), Path("data"), Path("/own/data")]


def test_paths_read_as_a_sentence() -> None:
    assert quoted([Path("a")]) == "'a'"
    assert quoted([Path("a"), Path("b"), Path("c")]) == "'a', 'b' or 'c'"
