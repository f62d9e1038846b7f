"""Features on disk."""

from pathlib import Path

import pytest
import torch

from ganzoo.evaluation.feature_cache import feature_path, read_features, write_features

FEATURES = torch.arange(12, dtype=torch.float32).reshape(4, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "features" / "x.safetensors"


@pytest.fixture
def said() -> list[str]:
    return []


def test_what_is_written_is_read_back_bit_for_bit_and_no_temporary_file_stays(path: Path, said: list[str]) -> None:
    write_features(path, FEATURES.T, say=said.append)
    found = read_features(path, say=said.append)
    assert found is not None
    assert torch.equal(found, FEATURES.T)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert said == []


def test_what_was_never_written_is_silently_none(path: Path, said: list[str]) -> None:
    assert read_features(path, say=said.append) is None
    assert said == []


@pytest.mark.parametrize("damage", ["truncated", "a bit", "empty"])
def test_damage_of_any_kind_is_said_and_counts_as_none(path: Path, said: list[str], damage: str) -> None:
    write_features(path, FEATURES, say=said.append)
    content = bytearray(path.read_bytes())
    if damage == "a bit":
        content[-3] ^= 4
    path.write_bytes({"truncated": content[:-5], "a bit": content, "empty": b""}[damage])
    assert read_features(path, say=said.append) is None
    assert len(said) == 1
    assert "computed anew" in said[0]


def test_a_cache_that_cannot_be_written_costs_no_result(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "features").write_text("a file where the folder should be")
    write_features(tmp_path / "features" / "x.safetensors", FEATURES, say=said.append)
    assert "cannot be cached" in said[0]


def test_other_data_extractors_and_numbers_have_other_files() -> None:
    keys = [("a", {"extractor": "x"}, None), ("b", {"extractor": "x"}, None), ("a", {"extractor": "y"}, None)]
    paths = {feature_path(data, dict(protocol), num) for data, protocol, num in keys}
    paths.add(feature_path("a", {"extractor": "x"}, 10))
    assert len(paths) == 4
    assert feature_path("a", {"p": 1, "q": 2}, 3) == feature_path("a", {"q": 2, "p": 1}, 3)
