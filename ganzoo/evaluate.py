"""From a generator to numbers with their protocol. N: images; C, H, W: image; F: features."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ganzoo.architectures.base import Generator
from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.errors import UserError
from ganzoo.feature_cache import feature_path, read_features, write_features
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.metrics.base import Measurement, Metric
from ganzoo.randomness import make_generator
from ganzoo.registry import Part
from ganzoo.run_folder import Json
from ganzoo.sampling import BATCH_SIZE, sample_images


def check_available(metrics: Sequence[Part[Metric]], device: torch.device, *, spec: DataSpec | None = None) -> None:
    """Refuse before any work if a metric cannot be had at its end.

    Args:
        metrics: to be computed.
        device: to compute on.
        spec: of the data set, to see whether it has the images that the metrics compare with; None to leave that out.

    Raises:
        UserError: what is missing and how to get it.
    """
    for part in metrics:
        metric = part()
        if spec is not None:
            metric.check_data(spec)
        for extractor in metric.extractors():
            extractor(device=device).check_available()


class Evaluation:
    """What the metrics of one evaluation share: features of real images, and fakes made once.

    Nothing of it touches training: the generator is left as it was found, and no global generator is drawn from.

    Args:
        generator: to be judged, on `device`.
        dataset: of the real images; its files are not needed where `data_sha256` and cached features suffice.
        num_classes: of a conditional generator, whose labels are drawn uniformly; 0 for an unconditional one.
        device: where to compute.
        seed: of latents, labels and subsets.
        uses_ema: whether the generator is a moving average, for the protocol.
        data_sha256: hashes of the data by split, where they are known.
        say: receives a sentence where something is worth knowing.
        batch_size: images generated at once.
    """

    def __init__(
        self,
        generator: Generator,
        dataset: Dataset,
        *,
        num_classes: int,
        device: torch.device,
        seed: int,
        uses_ema: bool,
        data_sha256: Mapping[str, str],
        say: Callable[[str], None],
        batch_size: int = BATCH_SIZE,
    ) -> None:
        self.generator = generator
        self.dataset = dataset
        self.num_classes = num_classes
        self.device = device
        self.seed = seed
        self.uses_ema = uses_ema
        self.data_sha256 = dict(data_sha256)
        """The hash of every split known or used so far; kept with a run, it spares later evaluations the files."""
        self.say = say
        self.batch_size = batch_size
        self._loaded: dict[str, ImageData] = {}
        self._extractors: list[tuple[Part[FeatureExtractor], FeatureExtractor]] = []
        self._fakes_NCHW: Tensor | None = None
        self._fake_features: list[tuple[FeatureExtractor, int, Tensor]] = []

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        """Return float32 features (N, F) of `num` images of a split, chosen at random but always the same; None: all.

        Raises:
            UserError: fewer images than that; files that are missing or have changed.
        """
        if num == self.dataset.spec().num_images.get(split):
            num = None
        network = self._extractor(extractor)
        path = feature_path(self._sha256(split), network.protocol(), num)
        features_NF = read_features(path, say=self.say)
        if features_NF is None:
            images_NCHW = choose(self._data(split).images_NCHW, num, split=split)
            self.say(f"computing {extractor.name} of {len(images_NCHW)} real images ({split}); they are kept")
            features_NF = network(images_NCHW)
            write_features(path, features_NF, say=self.say)
        return features_NF

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 features (N, F) of the first `num` generated images, the same ones for every metric."""
        network = self._extractor(extractor)
        for known, known_num, features_NF in self._fake_features:
            if known is network and known_num == num:
                return features_NF
        features_NF = network(self._fakes(num))
        self._fake_features.append((network, num, features_NF))
        return features_NF

    def fake_class_logits(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 logits (N, K) of the extractor's classifier for the first `num` generated images."""
        return self._extractor(extractor).class_logits(self.fake_features(extractor, num))

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        """Return what a metric ("fd", "kd") of these features is called."""
        return self._extractor(extractor).metric_name(metric)

    def protocol(self, extractor: Part[FeatureExtractor], split: str | None) -> Settings:
        """Return the part of a number's protocol that does not depend on the metric; None: no real images."""
        data: Settings = {} if split is None else {"reference_split": split, "data_sha256": self._sha256(split)}
        return {
            **self._extractor(extractor).protocol(),
            **data,
            "ema": self.uses_ema,
            "batch_norm": "running",
            "quantization": "uint8",
            "generation_batch_size": self.batch_size,
            "seed": self.seed,
        }

    def _extractor(self, part: Part[FeatureExtractor]) -> FeatureExtractor:
        for known, network in self._extractors:
            if known == part:
                return network
        network = part(device=self.device)
        self._extractors.append((part, network))
        return network

    def _fakes(self, num: int) -> Tensor:
        """Return the first `num` fakes, uint8 (N, C, H, W)."""
        if self._fakes_NCHW is None or len(self._fakes_NCHW) < num:
            # Whole batches, so that image i is the same to the bit however many are asked for.
            whole = -(-num // self.batch_size) * self.batch_size
            self._fakes_NCHW, _ = sample_images(
                self.generator,
                whole,
                num_classes=self.num_classes,
                seed=self.seed,
                device=self.device,
                batch_size=self.batch_size,
            )
        return self._fakes_NCHW[:num]

    def _sha256(self, split: str) -> str:
        if split not in self.data_sha256:
            self.data_sha256[split] = self._data(split).sha256
        return self.data_sha256[split]

    def _data(self, split: str) -> ImageData:
        if split not in self._loaded:
            data = self.dataset.load(split)
            known = self.data_sha256.get(split, data.sha256)
            if data.sha256 != known:
                raise UserError(
                    f"the split '{split}' has changed: its hash is {data.sha256[:12]} and was {known[:12]} when the "
                    "run began; bring the old files back"
                )
            self._loaded[split] = data
        return self._loaded[split]


def choose(images_NCHW: Tensor, num: int | None, *, split: str) -> Tensor:
    """Return `num` (None: all) of the images, the same random choice every time: files are often sorted by class.

    Raises:
        UserError: there are fewer.
    """
    there = len(images_NCHW)
    if num is None or num == there:
        return images_NCHW
    if num > there:
        raise UserError(f"{num} real images are asked for and the split '{split}' has {there}; lower num_real")
    return images_NCHW[torch.randperm(there, generator=make_generator(0, "reference images"))[:num]]


def evaluate(metrics: Sequence[Part[Metric]], inputs: Evaluation) -> list[Measurement]:
    """Return the numbers of all metrics, in order.

    Raises:
        UserError: what a metric lacks.
        RunFailedError: the generator makes NaN or infinite pixels.
    """
    return [measurement for metric in metrics for measurement in metric().measure(inputs)]


def measurements_to_json(measurements: Sequence[Measurement]) -> list[Json]:
    """Return measurements as they stand in `result.json`."""
    return [
        {
            "name": m.name,
            "value": m.value,
            "standard_error": m.standard_error,
            "higher_is_better": m.higher_is_better,
            "protocol": dict(m.protocol),
        }
        for m in measurements
    ]
