"""An evaluation: what it shares, what it leaves alone, what it refuses."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from ganzoo import registry
from ganzoo.architectures.base import Generator
from ganzoo.batch import to_images
from ganzoo.component import Part
from ganzoo.config.evaluation_protocol import EvaluationProtocol
from ganzoo.data.base import Dataset, ImageData
from ganzoo.errors import UserError
from ganzoo.evaluation.evaluate import Evaluated, check_available, evaluate
from ganzoo.evaluation.inputs import EvaluationInputs, choose
from ganzoo.evaluation.sampling import sample_images
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.gan.model import Gan
from ganzoo.metrics.base import Measurement, Metric, MetricInputs
from ganzoo.metrics.frechet_distance import gaussian_distance, moments
from ganzoo.testing.toys import ToyDiscriminator

CPU = torch.device("cpu")


class CountingExtractor(FeatureExtractor):
    """Mean and spread of the four quarters of an image, and how often it was asked."""

    label = "quarters"
    feature_dim = 8
    num_images_seen = 0
    num_checks = 0

    def __init__(self, *, device: torch.device) -> None:
        self.device = device

    def check_available(self) -> None:
        type(self).num_checks += 1

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        type(self).num_images_seen += len(images_NCHW)
        quarters = images_NCHW.float().unfold(2, 8, 8).unfold(3, 8, 8).flatten(4)
        return torch.cat([quarters.mean(4), quarters.std(4)], 1).flatten(1)

    def protocol(self) -> Settings:
        return {"extractor": "quarters"}


@pytest.fixture
def extractor() -> Part[FeatureExtractor]:
    CountingExtractor.num_images_seen = CountingExtractor.num_checks = 0
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
    generator: Generator,
    dataset: Dataset,
    metrics: Sequence[Part[Metric]] = (),
    *,
    known: Mapping[str, str] | None = None,
    ema_decay: float | None = None,
    loaded: dict[str, ImageData] | None = None,
    **settings: object,
) -> EvaluationInputs:
    discriminator = ToyDiscriminator(image_shape=(1, 16, 16))
    protocol: dict[str, object] = {"metrics": tuple(metrics), "eval_batch_size": 20, **settings}
    return EvaluationInputs(
        Gan(generator, discriminator, {}, ema_decay=ema_decay, num_classes=0),
        dataset,
        EvaluationProtocol(**protocol),  # type: ignore[arg-type]
        run_seed=3,
        device=CPU,
        data_sha256=known or {},
        say=lambda _: None,
        loaded=loaded,
    )


def measured(inputs: EvaluationInputs) -> list[Measurement]:
    """Return the numbers of an evaluation in which nothing fails."""
    evaluated = evaluate(inputs)
    assert evaluated.failures == []
    return evaluated.measurements


def reasons(inputs: EvaluationInputs) -> list[str]:
    """Return why metrics could not be computed."""
    return [failure.reason for failure in evaluate(inputs).failures]


def metric(name: str, extractor: Part[FeatureExtractor], **arguments: object) -> Part:  # type: ignore[type-arg]
    return registry.part(f"metrics.{name}", features=extractor, num_fake=40, **arguments)


def test_metrics_share_fakes_and_features(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor]
) -> None:
    metrics = [metric("frechet_distance", extractor), metric("kernel_distance", extractor, subset_size=30)]
    numbers = measured(evaluation(generator, dataset, metrics))
    assert CountingExtractor.num_images_seen == 50 + 40
    assert [m.name for m in numbers] == ["fd_quarters", "kd_quarters"]

    fakes, _ = sample_images(generator, 40, num_classes=0, seed=3, device=CPU, batch_size=20)
    network = CountingExtractor(device=CPU)
    real = dataset.load("train").images_NCHW
    assert numbers[0].value == pytest.approx(gaussian_distance(*moments(network(real)), *moments(network(fakes))))


def test_a_number_carries_its_protocol(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor]
) -> None:
    found = measured(evaluation(generator, dataset, [metric("frechet_distance", extractor)]))
    (as_json,) = Evaluated(found, []).to_json()["metrics"]
    assert isinstance(as_json, dict)
    assert as_json["protocol"] == {
        "extractor": "quarters",
        "reference_split": "train",
        "data_sha256": dataset.load("train").sha256,
        "ema": False,
        "batch_norm": "running",
        "quantization": "uint8",
        "eval_batch_size": 20,
        "eval_seed": 3,
        "num_eval_seeds": 1,
        "num_real": 50,
        "num_fake": 40,
    }


def test_nothing_of_the_generator_nor_any_global_generator_changes(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor]
) -> None:
    generator.train()
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    metrics = [metric("kernel_distance", extractor, subset_size=30)]
    evaluations = [
        evaluation(generator, dataset, metrics, eval_batch_norm=batch_norm, num_eval_seeds=2)
        for batch_norm in ("running", "standing", "batch")
    ]
    random = torch.random.get_rng_state()
    numbers = [measured(inputs)[0].value for inputs in evaluations]
    assert len(set(numbers)) == 3
    assert generator.training
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)


def test_reals_are_extracted_once_for_all_runs_and_need_no_files_when_their_hash_is_known(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measured(evaluation(generator, dataset, [metric("frechet_distance", extractor)]))
    known = {"train": dataset.load("train").sha256}
    CountingExtractor.num_images_seen = 0

    def gone(_split: str) -> None:
        raise AssertionError("the files are gone")

    monkeypatch.setattr(dataset, "load", gone)
    second = measured(evaluation(generator, dataset, [metric("frechet_distance", extractor)], known=known))
    assert second == first
    assert CountingExtractor.num_images_seen == 40


def test_changed_files_are_refused(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor], tmp_path: Path
) -> None:
    inputs = evaluation(generator, dataset, [metric("frechet_distance", extractor)], known={"train": "0" * 64})
    (reason,) = reasons(inputs)
    assert "the split 'train' has changed" in reason


def test_a_share_of_the_reals_is_a_random_choice_that_never_changes() -> None:
    data = ImageData(torch.arange(100, dtype=torch.uint8).reshape(100, 1, 1, 1), torch.arange(100))
    chosen = choose(data, 10, split="train")
    assert torch.equal(chosen.images_NCHW, choose(data, 10, split="train").images_NCHW)
    assert chosen.images_NCHW.flatten().tolist() != list(range(10))
    assert chosen.labels_N is not None
    assert chosen.labels_N.tolist() == chosen.images_NCHW.flatten().tolist()
    assert choose(data, None, split="train") is data
    with pytest.raises(UserError, match="101 real images are asked for and the split 'train' has 100"):
        choose(data, 101, split="train")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_real": 60}, r"asks for 60 images of the split 'train', which has 50"),
        ({"reference_split": "tset"}, r"reference_split is 'tset'.*did you mean 'test'"),
    ],
)
def test_a_reference_that_is_not_there_is_refused_before_any_work(
    dataset: Dataset, extractor: Part[FeatureExtractor], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        check_available(
            [metric("frechet_distance", extractor, **arguments)],
            device=CPU,
            spec=dataset.spec(),
            num_classes=0,
            discriminator=None,
        )


def test_nan_features_are_refused_naming_the_extractor_and_leave_other_metrics_alone(
    generator: Generator, dataset: Dataset
) -> None:
    class broken(CountingExtractor):
        def __call__(self, images_NCHW: Tensor) -> Tensor:
            return super().__call__(images_NCHW) * float("nan")

        def protocol(self) -> Settings:
            return {"extractor": "broken"}

    metrics = [
        metric("frechet_distance", Part("features.broken", broken)),
        metric("frechet_distance", Part("features.quarters", CountingExtractor)),
    ]
    evaluated = evaluate(evaluation(generator, dataset, metrics))
    # The other metric of the call is still there.
    assert [m.name for m in evaluated.measurements] == ["fd_quarters"]
    (failure,) = evaluated.failures
    assert failure.metric == "metrics.frechet_distance"
    assert failure.reason.startswith("features.broken gives NaN or infinite features")


def test_a_damaged_cache_is_said_and_computed_anew(
    generator: Generator,
    dataset: Dataset,
    extractor: Part[FeatureExtractor],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    first = measured(evaluation(generator, dataset, [metric("frechet_distance", extractor)]))
    (file,) = (tmp_path / "features").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:40])
    said: list[str] = []
    inputs = evaluation(generator, dataset, [metric("frechet_distance", extractor)])
    inputs.say = said.append
    assert measured(inputs) == first
    assert any(str(file) in text for text in said)


def test_several_sampling_seeds_give_the_mean_of_each_alone_and_its_error(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor]
) -> None:
    metrics = [metric("frechet_distance", extractor)]
    alone = [measured(evaluation(generator, dataset, metrics, eval_seed=seed))[0].value for seed in (7, 8, 9)]
    (number,) = measured(evaluation(generator, dataset, metrics, eval_seed=7, num_eval_seeds=3))
    assert len(set(alone)) == 3
    assert number.value == pytest.approx(statistics.mean(alone), rel=1e-12)
    assert number.standard_error == pytest.approx(statistics.stdev(alone) / 3**0.5, rel=1e-12)
    assert number.error_source == "sampling seeds"
    assert (number.protocol["eval_seed"], number.protocol["num_eval_seeds"]) == (7, 3)


def test_a_metric_without_fakes_is_measured_once(generator: Generator, dataset: Dataset) -> None:
    class of_reals(Metric):
        uses_fakes = False
        num_calls = 0

        def measure(self, inputs: MetricInputs) -> list[Measurement]:
            type(self).num_calls += 1
            return [Measurement("reals", float(len(inputs.real_images("train", None))), None, True, {})]

    (number,) = measured(evaluation(generator, dataset, [Part("metrics.of_reals", of_reals)], num_eval_seeds=3))
    assert (number.value, of_reals.num_calls) == (50.0, 1)


def test_latents_do_not_depend_on_the_batch_size_and_the_first_images_not_on_their_number(
    generator: Generator, dataset: Dataset
) -> None:
    few = evaluation(generator, dataset, eval_batch_size=7).fake_images(11).images_NCHW
    many = evaluation(generator, dataset, eval_batch_size=64).fake_images(90).images_NCHW[:11]
    assert (few.int() - many.int()).abs().max() <= 1


def test_the_average_or_the_raw_weights_are_measured_as_asked(generator: Generator, dataset: Dataset) -> None:
    default, raw, ema = (
        evaluation(generator, dataset, ema_decay=0.9, eval_ema=choice) for choice in (None, False, True)
    )
    assert [inputs.generator is inputs.gan.sampler for inputs in (default, raw, ema)] == [True, False, True]
    assert raw.generator is raw.gan.generator
    assert [inputs.protocol(None, None)["ema"] for inputs in (default, raw, ema)] == [True, False, True]
    with pytest.raises(UserError, match=r"asks for the moving average .* this run kept none"):
        evaluation(generator, dataset, eval_ema=True)


class Named(Metric):
    """A metric that calls its numbers as it is told."""

    def __init__(self, *, names: tuple[str, ...]) -> None:
        self.names = names

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        numbers = [name.split("/") for name in self.names]
        return [Measurement(name, 1.0, None, True, {"reference_split": split}) for name, split in numbers]


def named(component: str, *names: str) -> Part[Metric]:
    return Part(f"metrics.{component}", type(component, (Named,), {}), {"names": names})


def test_a_number_of_a_name_that_there_is_already_fails_its_metric_and_loses_none(
    generator: Generator, dataset: Dataset
) -> None:
    metrics = [
        named("a", "x/train", "y/train"),
        named("b", "x/test", "z/train"),
        named("c", "new/test", "x/train"),
        named("d", "twice/train", "twice/train"),
    ]
    evaluated = evaluate(evaluation(generator, dataset, metrics))
    assert [f"{m.name}/{m.protocol['reference_split']}" for m in evaluated.measurements] == [
        "x/train",
        "y/train",
        "x/test",
        "z/train",
    ]
    assert [(failure.metric, failure.reason.split(",")[0]) for failure in evaluated.failures] == [
        ("metrics.c", "there is another number 'x' of the split 'train'"),
        ("metrics.d", "there is another number 'twice' of the split 'train'"),
    ]


class OfLogits(Metric):
    """The mean logit of real images, by a plain forward pass."""

    modes: ClassVar[list[bool]] = []

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        assert inputs.discriminator is not None
        self.modes.append(inputs.discriminator.training)
        x_NCHW = to_images(inputs.real_images("train", None).images_NCHW, device=CPU)
        with torch.no_grad():
            value = float(inputs.discriminator(x_NCHW).logits_N.mean())
        return [Measurement("logit", value, None, True, {})]


def test_a_metric_that_runs_the_discriminator_moves_no_running_statistics(
    generator: Generator, dataset: Dataset
) -> None:
    inputs = evaluation(generator, dataset, [Part("metrics.of_logits", OfLogits)])
    network = ToyDiscriminator(image_shape=(1, 16, 16), batch_norm=True)
    inputs.gan.discriminator = inputs.discriminator = network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    measured(inputs)
    assert OfLogits.modes == [False]
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(module.training for module in network.modules())


def test_an_extractor_is_looked_for_once_in_an_evaluation(
    generator: Generator, dataset: Dataset, extractor: Part[FeatureExtractor]
) -> None:
    metrics = [metric("frechet_distance", extractor), metric("kernel_distance", extractor, subset_size=30)]
    measured(evaluation(generator, dataset, metrics, num_eval_seeds=3))
    assert CountingExtractor.num_checks == 1
    check_available(metrics, CPU, spec=dataset.spec(), num_classes=0, discriminator=None)
    assert CountingExtractor.num_checks == 2


class OfReals(Metric):
    """How many real images two splits have."""

    uses_fakes = False

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        nums = [len(inputs.real_images(split, None)) for split in ("train", "test", "train")]
        return [Measurement("reals", float(sum(nums)), None, True, {})]


@pytest.mark.parametrize("is_memory_mapped", [False, True])
def test_splits_that_are_in_memory_are_shared_by_evaluations_and_no_others_kept(
    generator: Generator, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, is_memory_mapped: bool
) -> None:
    train, read, loads = dataset.load("train"), dataset.load, []

    def load(split: str) -> ImageData:
        loads.append(split)
        return replace(read(split), is_memory_mapped=is_memory_mapped)

    monkeypatch.setattr(dataset, "load", load)
    kept = {"train": train}
    for _ in range(3):
        inputs = evaluation(generator, dataset, [Part("metrics.of_reals", OfReals)], loaded=kept)
        measured(inputs)
    assert loads == (["test"] if is_memory_mapped else ["test"] * 3)
    assert list(kept) == (["train", "test"] if is_memory_mapped else ["train"])
    assert kept["train"] is train
