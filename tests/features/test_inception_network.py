"""The Inception extractor's way from pixels to features, on a stand-in of its file's form: no download."""

import hashlib
from pathlib import Path

import cleanfid.downloads_helper
import pytest
import torch
from cleanfid.resize import make_resizer
from torch import Tensor, nn

from ganzoo.errors import UserError
from ganzoo.features import inception as module
from ganzoo.features.inception import FILE_NAME, inception


class Layers(nn.Module):
    """2048 features: of every image 2048 of its pixels, so that what the network is shown can be read off."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :2048].contiguous()


class StandIn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = Layers()

    def forward(self, x: Tensor, return_features: bool = False) -> Tensor:
        """Resize by picking pixels, as no resize outside of it would."""
        assert return_features
        return self.layers(nn.functional.interpolate(x, size=(299, 299), mode="nearest"))


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("stand-in") / FILE_NAME
    torch.jit.script(StandIn()).save(str(path))
    return path.read_bytes()


@pytest.fixture(autouse=True)
def _accepted(stand_in: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "WEIGHTS_SHA256", hashlib.sha256(stand_in).hexdigest())


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes | OSError) -> list[str]:
    """Let clean-fid's download give some content; return the folders it was asked to write to."""
    asked: list[str] = []

    def download(fpath: str) -> str:
        asked.append(fpath)
        if isinstance(content, OSError):
            raise content
        path = Path(fpath) / FILE_NAME
        path.write_bytes(content)
        return str(path)

    monkeypatch.setattr(cleanfid.downloads_helper, "check_download_inception", download)
    return asked


def test_the_network_sees_what_clean_fid_would_show_it(stand_in: bytes, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(stand_in)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    features = inception(weights=str(path))(images)
    assert features.shape == (2, 2048)
    assert features.dtype == torch.float32
    resized = make_resizer("PIL", False, "bicubic", (299, 299))(images[1].permute(1, 2, 0).numpy())
    expected = (torch.from_numpy(resized).permute(2, 0, 1).flatten()[:2048] - 128) / 128
    torch.testing.assert_close(features[1], expected, atol=1e-5, rtol=0)


def test_in_tensorflows_mode_the_network_is_shown_the_pixels_themselves(stand_in: bytes, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(stand_in)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    extractor = inception(weights=str(path), resize="legacy_tensorflow")
    # 2048 pixels are the first rows of 299: of each output pixel, the one of 32 that it falls into.
    nearest = torch.arange(299) * 32 // 299
    expected = images[:, 0, nearest][:, :, nearest].flatten(1)[:, :2048].float()
    assert torch.equal(extractor(images), expected)
    clean = inception(weights=str(path))
    assert not torch.allclose(clean(images), expected)
    assert extractor.protocol()["resize"] != clean.protocol()["resize"]
    assert extractor.metric_name("fd") == "fid"


def test_an_unknown_resize_is_refused() -> None:
    with pytest.raises(ValueError, match=r"resize must be one of clean, .* not 'legacy_tensorflo'; did you mean"):
        inception(resize="legacy_tensorflo")  # type: ignore[arg-type]


def test_the_file_in_the_cache_folder_is_found(stand_in: bytes, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / FILE_NAME).write_bytes(stand_in)
    inception().check_available()
    assert inception().protocol()["weights_sha256"] == hashlib.sha256(stand_in).hexdigest()


def test_nothing_is_downloaded_unless_asked_for(stand_in: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(monkeypatch, stand_in)
    with pytest.raises(UserError, match=r"or set features\.inception\.download = True"):
        inception().check_available()
    assert asked == []


def test_a_download_is_kept_and_made_once(stand_in: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = serve(monkeypatch, stand_in)
    inception(download=True).check_available()
    inception(download=True).check_available()
    inception().check_available()
    assert len(asked) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a page that says no", "gave a file other than"), (OSError("no route"), r"cannot download .*\(no route\)")],
)
def test_a_failed_download_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | OSError, message: str
) -> None:
    serve(monkeypatch, content)
    with pytest.raises(UserError, match=message):
        inception(download=True).check_available()
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("arguments", [{"weights": "other.pt"}, {"weights": FILE_NAME, "download": True}])
def test_arguments_that_contradict_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="weights"):
        inception(**arguments)  # type: ignore[arg-type]


def test_loading_and_extracting_leave_the_global_generator_alone(stand_in: bytes, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(stand_in)
    before = torch.get_rng_state()
    inception(weights=str(path))(torch.zeros(1, 1, 8, 8, dtype=torch.uint8))
    assert torch.equal(torch.get_rng_state(), before)
