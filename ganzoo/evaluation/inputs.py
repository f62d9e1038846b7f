"""What the metrics of one evaluation share: generated images and features, each computed once.

N: images; C, H, W: image; F: features; K: classes.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator, Generator
from ganzoo.component import Part
from ganzoo.config.evaluation_protocol import EvaluationProtocol
from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.errors import UserError
from ganzoo.evaluation.feature_cache import feature_path, read_features, write_features
from ganzoo.evaluation.sampling import sample_images
from ganzoo.features.base import FeatureExtractor, Settings
from ganzoo.gan.model import Gan
from ganzoo.randomness import make_generator


class EvaluationInputs:
    """The inputs of metrics (`metrics.base.MetricInputs`) from a GAN and a data set.

    It does not affect training: the networks are not changed, and no global random generator is used. A request for
    more images than a split has, or for a split whose files are missing or have changed, raises a `UserError`.

    Args:
        gan: to be judged, on `device`.
        dataset: of the real images; its files are not needed if `data_sha256` and cached features suffice.
        protocol: how images are generated.
        run_seed: of the run; for a protocol without a seed of its own.
        device: where to compute.
        data_sha256: known hashes of the data, by split.
        say: receives sentences for the user.
        earlier_fakes: returns the images that the run kept earlier in training, by step.
        loaded: splits that stay in memory between evaluations; splits that are mapped into memory are added, since
            they take up none.

    Raises:
        UserError: the protocol asks for a moving average that the run did not keep.
    """

    def __init__(
        self,
        gan: Gan,
        dataset: Dataset,
        protocol: EvaluationProtocol,
        *,
        run_seed: int,
        device: torch.device,
        data_sha256: Mapping[str, str],
        say: Callable[[str], None],
        earlier_fakes: Callable[[], Mapping[int, ImageData]] = dict,
        loaded: dict[str, ImageData] | None = None,
    ) -> None:
        if protocol.eval_ema and gan.ema is None:
            raise UserError(
                "experiment.eval_ema asks for the moving average of the generator and this run kept none "
                "(experiment.ema_decay = None); set experiment.eval_ema = None"
            )
        self.gan, self.dataset, self.evaluation_protocol = gan, dataset, protocol
        self.first_seed = run_seed if protocol.eval_seed is None else protocol.eval_seed
        self.seed = self.first_seed
        self.num_classes = gan.num_classes
        self.discriminator: Discriminator | None = gan.discriminator
        self.device = device
        self.data_sha256 = dict(data_sha256)
        """The hash of every split known or used so far; with it and cached features, no data files are needed."""
        self.say = say
        self._read_earlier_fakes = earlier_fakes
        self._kept = {} if loaded is None else loaded
        self._loaded = dict(self._kept)
        self._extractors: list[tuple[Part[FeatureExtractor], FeatureExtractor]] = []
        self._available: list[Part[FeatureExtractor]] = []
        self._real_features: dict[tuple[int, str, int | None], Tensor] = {}
        self._fakes: ImageData | None = None
        self._fake_features: dict[int, Tensor] = {}

    @property
    def spec(self) -> DataSpec:
        """What is known of the data set without its files."""
        return self.dataset.spec()

    @property
    def generator(self) -> Generator:
        """The generator that the protocol judges."""
        return self.gan.generator if self.evaluation_protocol.eval_ema is False else self.gan.sampler

    @property
    def uses_ema(self) -> bool:
        """Whether the protocol judges the moving average."""
        return self.generator is not self.gan.generator

    def use_seed(self, seed: int) -> None:
        """Forget the generated images and generate the next ones from another seed."""
        self.seed, self._fakes, self._fake_features = seed, None, {}

    def real_images(self, split: str, num: int | None) -> ImageData:
        """Return `num` images of a split with their labels, chosen at random but always the same; None: all."""
        return choose(self._data(split), num, split=split)

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        """Return float32 features (N, F) of the images of `real_images`, in the same order."""
        if num == self.spec.num_images.get(split):
            num = None
        network = self.extractor(extractor)
        key = (id(network), split, num)
        if key in self._real_features:
            return self._real_features[key]
        keep = not network.is_of_the_run
        path = feature_path(self._sha256(split), network.protocol(), num)
        kept_NF = read_features(path, say=self.say) if keep else None
        if kept_NF is None:
            images_NCHW = self.real_images(split, num).images_NCHW
            kept = "; they are kept" if keep else ""
            self.say(f"computing {extractor.name} of {len(images_NCHW)} real images ({split}){kept}")
            kept_NF = network(images_NCHW)
            if keep:
                write_features(path, kept_NF, say=self.say)
        self._real_features[key] = kept_NF
        return kept_NF

    def fake_images(self, num: int) -> ImageData:
        """Return the first `num` generated images, with the labels they were made for if the GAN is conditional."""
        batch_size = self.evaluation_protocol.eval_batch_size
        if self._fakes is None or len(self._fakes) < num:
            # Whole batches, so that image i is the same to the bit however many are asked for.
            whole = -(-num // batch_size) * batch_size
            images_NCHW, labels_N = sample_images(
                self.generator,
                whole,
                num_classes=self.num_classes,
                seed=self.seed,
                device=self.device,
                batch_size=batch_size,
                batch_norm=self.evaluation_protocol.eval_batch_norm,
            )
            self._fakes = ImageData(images_NCHW, labels_N)
        labels_N = self._fakes.labels_N
        return ImageData(self._fakes.images_NCHW[:num], None if labels_N is None else labels_N[:num])

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 features (N, F) of the images of `fake_images`, the same ones for every metric."""
        network = self.extractor(extractor)
        features_NF = self._fake_features.get(id(network))
        if features_NF is None or len(features_NF) < num:
            features_NF = self._fake_features[id(network)] = network(self.fake_images(num).images_NCHW)
        return features_NF[:num]

    def fake_class_logits(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 logits (N, K) of the extractor's classifier for the images of `fake_images`."""
        return self.extractor(extractor).class_logits(self.fake_features(extractor, num))

    def earlier_fakes(self) -> Mapping[int, ImageData]:
        """Return the images that the run kept at earlier evaluations, by step."""
        return self._read_earlier_fakes()

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        """Return what a metric ("fd", "kd") of these features is called."""
        return self.extractor(extractor).metric_name(metric)

    def protocol(self, extractor: Part[FeatureExtractor] | None, split: str | None) -> Settings:
        """Return the part of a number's protocol that does not depend on the metric, without what is None."""
        features: Settings = {} if extractor is None else self.extractor(extractor).protocol()
        data: Settings = {} if split is None else {"reference_split": split, "data_sha256": self._sha256(split)}
        return {
            **features,
            **data,
            "ema": self.uses_ema,
            "batch_norm": self.evaluation_protocol.eval_batch_norm,
            "quantization": "uint8",
            "eval_batch_size": self.evaluation_protocol.eval_batch_size,
            "eval_seed": self.first_seed,
            "num_eval_seeds": self.evaluation_protocol.num_eval_seeds,
        }

    def extractor(self, part: Part[FeatureExtractor]) -> FeatureExtractor:
        """Return the extractor of a part, built once."""
        for known, network in self._extractors:
            if known == part:
                return network
        network = part(device=self.device, discriminator=self.discriminator)
        self._extractors.append((part, network))
        return network

    def check_extractor(self, part: Part[FeatureExtractor]) -> None:
        """Refuse an extractor whose weights are missing; they are checked once, since hashing takes time.

        Raises:
            UserError: the weights are missing; the error says where they were looked for and how to get them.
        """
        if part not in self._available:
            self.extractor(part).check_available()
            self._available.append(part)

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
            if data.is_memory_mapped:
                self._kept[split] = data
        return self._loaded[split]


def choose(data: ImageData, num: int | None, *, split: str) -> ImageData:
    """Return `num` (None: all) of the images: always the same random choice, since files are often sorted by class.

    Raises:
        UserError: there are fewer.
    """
    there = len(data)
    if num is None or num == there:
        return data
    if num > there:
        raise UserError(f"{num} real images are asked for and the split '{split}' has {there}; lower num_real")
    rows_N = torch.randperm(there, generator=make_generator(0, "reference images"))[:num]
    return ImageData(data.images_NCHW[rows_N], None if data.labels_N is None else data.labels_N[rows_N])
