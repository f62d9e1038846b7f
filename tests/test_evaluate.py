"""An evaluation: what it shares, what it leaves alone, what it refuses."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.architectures.base import Generator
from ganzoo.data.base import Dataset
from ganzoo.errors import UserError
from ganzoo.evaluate import Evaluation, check_available, choose, evaluate, measurements_to_json
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.metrics.frechet_distance import gaussian_distance, moments
from ganzoo.registry import Part
from ganzoo.sampling import sample_images

CPU = torch.device("cpu")


class CountingExtractor(FeatureExtractor):
    """Mean and spread of the four quarters of an image, and how often it was asked."""

    label = "quarters"
    feature_dim = 8
    num_images_seen = 0

    def __init__(self, *, device: torch.device) -> None:
        self.device = device

    def check_available(self) -> None:
        pass

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        type(self).num_images_seen += len(images_NCHW)
        quarters = images_NCHW.float().unfold(2, 8, 8).unfold(3, 8, 8).flatten(4)
        return torch.cat([quarters.mean(4), quarters.std(4)], 1).flatten(1)

    def protocol(self) -> Settings:
        return {"extractor": "quarters"}


@pytest.fixture
def extractor() -> Part[FeatureExtractor]:
    CountingExtractor.num_images_seen = 0
    return Part("features.quarters", CountingExtractor)


@pytest.fixture
def dataset() -> Dataset:
    dataset = registry.part("data.synthetic", size=16, channels=1, num_images=50)()
    assert isinstance(dataset, Dataset)
    return dataset


@pytest.fixture
def generator() -> Generator:
    normalization = registry.part("normalizations.batch")
    part = registry.part("architectures.resnet_generator", width=4, normalization=normalization)
    generator = part(image_shape=(1, 16, 16), latent_dim=8, conditioning=None)
    assert isinstance(generator, Generator)
    return generator


def evaluation(
    generator: Generator, dataset: Dataset, *, known: Mapping[str, str] | None = None, batch_size: int = 20
) -> Evaluation:
    return Evaluation(
        generator,
        dataset,
        num_classes=0,
        device=CPU,
        seed=3,
        uses_ema=False,
        data_sha256=known or {},
        say=lambda _: None,
        batch_size=batch_size,
    )


def metric(name: str, extractor: Part[FeatureExtractor], **arguments: object) -> Part:  # type: ignore[type-arg]
    return registry.part(f"metrics.{name}", features=extractor, num_fake=40, **arguments)


def test_metrics_share_fakes_and_features(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor]
) -> None:
    metrics = [metric("frechet_distance", extractor), metric("kernel_distance", extractor, subset_size=30)]
    measured = evaluate(metrics, evaluation(generator, dataset))
    assert CountingExtractor.num_images_seen == 50 + 40
    assert [m.name for m in measured] == ["fd_quarters", "kd_quarters"]

    fakes, _ = sample_images(generator, 40, num_classes=0, seed=3, device=CPU, batch_size=20)
    network = CountingExtractor(device=CPU)
    real = dataset.load("train").images_NCHW
    assert measured[0].value == pytest.approx(gaussian_distance(*moments(network(real)), *moments(network(fakes))))


def test_a_number_carries_its_protocol(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor]
) -> None:
    measured = evaluate([metric("frechet_distance", extractor)], evaluation(generator, dataset))
    (as_json,) = measurements_to_json(measured)
    assert isinstance(as_json, dict)
    assert as_json["protocol"] == {
        "extractor": "quarters",
        "reference_split": "train",
        "data_sha256": dataset.load("train").sha256,
        "ema": False,
        "batch_norm": "running",
        "quantization": "uint8",
        "generation_batch_size": 20,
        "seed": 3,
        "num_real": 50,
        "num_fake": 40,
    }


def test_nothing_of_the_generator_nor_any_global_generator_changes(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor]
) -> None:
    generator.train()
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    random = torch.random.get_rng_state()
    evaluate([metric("kernel_distance", extractor, subset_size=30)], evaluation(generator, dataset))
    assert generator.training
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)


def test_reals_are_extracted_once_for_all_runs_and_need_no_files_when_their_hash_is_known(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluate([metric("frechet_distance", extractor)], evaluation(generator, dataset))
    known = {"train": dataset.load("train").sha256}
    CountingExtractor.num_images_seen = 0

    def gone(_split: str) -> None:
        raise AssertionError("the files are gone")

    monkeypatch.setattr(dataset, "load", gone)
    second = evaluate([metric("frechet_distance", extractor)], evaluation(generator, dataset, known=known))
    assert second == first
    assert CountingExtractor.num_images_seen == 40


def test_changed_files_are_refused(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="the split 'train' has changed"):
        evaluate([metric("frechet_distance", extractor)], evaluation(generator, dataset, known={"train": "0" * 64}))


def test_a_share_of_the_reals_is_a_random_choice_that_never_changes() -> None:
    images = torch.arange(100, dtype=torch.uint8).reshape(100, 1, 1, 1)
    chosen = choose(images, 10, split="train")
    assert torch.equal(chosen, choose(images, 10, split="train"))
    assert chosen.flatten().tolist() != list(range(10))
    assert choose(images, None, split="train") is images
    with pytest.raises(UserError, match="101 real images are asked for and the split 'train' has 100"):
        choose(images, 101, split="train")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_real": 60}, r"compares with 60 real images and the split 'train' has 50"),
        ({"reference_split": "tset"}, r"reference_split is 'tset'.*did you mean 'test'"),
    ],
)
def test_a_reference_that_is_not_there_is_refused_before_any_work(
    dataset: Dataset, extractor: Part[FeatureExtractor], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        check_available([metric("frechet_distance", extractor, **arguments)], device=CPU, spec=dataset.spec())


def test_nan_features_are_refused_naming_the_extractor(generator: Generator, dataset: Dataset) -> None:
    class broken(CountingExtractor):
        def __call__(self, images_NCHW: Tensor) -> Tensor:
            return super().__call__(images_NCHW) * float("nan")

        def protocol(self) -> Settings:
            return {"extractor": "broken"}

    with pytest.raises(UserError, match=r"features\.broken gives NaN or infinite features"):
        evaluate([metric("frechet_distance", Part("features.broken", broken))], evaluation(generator, dataset))


def test_a_damaged_cache_is_said_and_computed_anew(
    generator: Generator,
    dataset: Dataset,
    extractor: Part[FeatureExtractor],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    first = evaluate([metric("frechet_distance", extractor)], evaluation(generator, dataset))
    (file,) = (tmp_path / "features").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:40])
    said: list[str] = []
    inputs = evaluation(generator, dataset)
    inputs.say = said.append
    assert evaluate([metric("frechet_distance", extractor)], inputs) == first
    assert any(str(file) in text for text in said)
