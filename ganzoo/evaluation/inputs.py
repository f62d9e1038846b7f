"""What the metrics of one evaluation share: generated images made once, and features of real ones.

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

    Nothing of it touches training: the networks are left as they were found, and no global generator is drawn from.

    Args:
        gan: to be judged, on `device`.
        dataset: of the real images; its files are not needed where `data_sha256` and cached features suffice.
        protocol: how images are generated.
        run_seed: of the run, for a protocol that names no seed of its own.
        device: where to compute.
        data_sha256: hashes of the data by split, where they are known.
        say: receives a sentence where something is worth knowing.
        earlier_fakes: returns what the run kept of the generator's images earlier in training, by step.
        loaded: splits that stay in memory between evaluations; those that are mapped into memory are added, for they
            take up none.

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
        """The hash of every split known or used so far; kept with a run, it spares later evaluations the files."""
        self.say = say
        self._read_earlier_fakes = earlier_fakes
        self._kept = {} if loaded is None else loaded
        self._loaded = dict(self._kept)
        self._extractors: list[tuple[Part[FeatureExtractor], FeatureExtractor]] = []
        self._available: list[Part[FeatureExtractor]] = []
        self._real_features: list[tuple[FeatureExtractor, str, int | None, Tensor]] = []
        self._fakes: ImageData | None = None
        self._fake_features: list[tuple[FeatureExtractor, int, Tensor]] = []

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
        """Whether that is the moving average."""
        return self.generator is not self.gan.generator

    def use_seed(self, seed: int) -> None:
        """Forget the generated images; the next ones come from another seed."""
        self.seed, self._fakes, self._fake_features = seed, None, []

    def real_images(self, split: str, num: int | None) -> ImageData:
        """Return `num` images of a split with their labels, chosen at random but always the same; None: all.

        Raises:
            UserError: fewer images than that; files that are missing or have changed.
        """
        return choose(self._data(split), num, split=split)

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        """Return float32 features (N, F) of the images of `real_images`, in the same order.

        Raises:
            UserError: fewer images than that; files that are missing or have changed.
        """
        if num == self.spec.num_images.get(split):
            num = None
        network = self.extractor(extractor)
        for known, known_split, known_num, features_NF in self._real_features:
            if known is network and (known_split, known_num) == (split, num):
                return features_NF
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
        self._real_features.append((network, split, num, kept_NF))
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
        for known, known_num, features_NF in self._fake_features:
            if known is network and known_num >= num:
                return features_NF[:num]
        features_NF = network(self.fake_images(num).images_NCHW)
        self._fake_features.append((network, num, features_NF))
        return features_NF

    def fake_class_logits(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 logits (N, K) of the extractor's classifier for the images of `fake_images`."""
        return self.extractor(extractor).class_logits(self.fake_features(extractor, num))

    def earlier_fakes(self) -> Mapping[int, ImageData]:
        """Return what the run kept of the generator's images at earlier evaluations, by step."""
        return self._read_earlier_fakes()

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        """Return what a metric ("fd", "kd") of these features is called."""
        return self.extractor(extractor).metric_name(metric)

    def protocol(self, extractor: Part[FeatureExtractor] | None, split: str | None) -> Settings:
        """Return the part of a number's protocol that does not depend on the metric; None: leave that part out."""
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
        """Refuse an extractor whose weights are missing; they are looked at once, since to hash them takes time.

        Raises:
            UserError: what is missing, where it was sought, how to get it.
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
    """Return `num` (None: all) of the images, the same random choice every time: files are often sorted by class.

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
