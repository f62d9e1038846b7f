"""The Inception extractor: never another network under its name, never a silent download."""

from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.errors import UserError
from ganzoo.features.base import FeatureExtractor


def inception(**arguments: object) -> FeatureExtractor:
    extractor = registry.part("features.inception", **arguments)(device=torch.device("cpu"))
    assert isinstance(extractor, FeatureExtractor)
    return extractor


def test_a_missing_network_says_where_to_put_it_and_what_works_without() -> None:
    with pytest.raises(UserError) as error:
        inception().check_available()
    for part in ("https://", "inception-2015-12-05.pt", "features.efficientnet_lite0 works without a download"):
        assert part in str(error.value)


def test_another_network_under_its_file_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inception-2015-12-05.pt"
    path.write_bytes(b"another network")
    with pytest.raises(UserError, match="is not the network that FID is defined by"):
        inception(weights=str(path)).check_available()


def test_only_its_numbers_are_called_fid_and_kid() -> None:
    assert inception().metric_name("fd") == "fid"
    assert inception().metric_name("kd") == "kid"
    assert inception().metric_name("intra_fd") == "intra_fid"
    assert registry.part("features.efficientnet_lite0")(device=torch.device("cpu")).metric_name("fd") != "fid"  # type: ignore[attr-defined]
