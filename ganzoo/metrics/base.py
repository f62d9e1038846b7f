"""The contract of a metric. N: images; C, H, W: image; F: feature width; K: classes."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import msgspec
import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.component import Component, Part, name_of
from ganzoo.data.base import DataSpec, ImageData
from ganzoo.errors import ParameterError, UserError, nearest
from ganzoo.features.base import FeatureExtractor, Settings


class Measurement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number with all that is needed to compare it.

    Args:
        name: what it is called, extractor included, e.g. `fd_efflite0_64px`.
        value: the number.
        standard_error: of the value; None where it is one deterministic number.
        higher_is_better: the direction.
        protocol: the settings behind it; only numbers of equal protocols, but for `eval_seed`, are comparable.
        error_source: what the standard error is over: "subsets", "splits", "pairs", "real images", "sampling seeds";
            empty where there is none.
    """

    name: str
    value: float
    standard_error: float | None
    higher_is_better: bool
    protocol: Settings
    error_source: str = ""

    @property
    def split(self) -> str:
        """The reference split; empty if no real images are compared with."""
        return str(self.protocol.get("reference_split") or "")

    def key(self, repeated: Collection[str]) -> str:
        """Return what tells the number apart from the others of its run: its name, or `NAME/SPLIT`.

        Args:
            repeated: as of `repeated_names`.
        """
        return f"{self.name}/{self.split}" if self.name in repeated and self.split else self.name


def repeated_names(measurements: Iterable[Measurement]) -> set[str]:
    """Return the names that several numbers of one run have, which only their reference splits tell apart."""
    return {name for name, num in Counter(m.name for m in measurements).items() if num > 1}


def split_key(key: str) -> tuple[str, str]:
    """Return name and reference split of a `Measurement.key`; the split is empty if the key is a name alone."""
    name, _, split = key.partition("/")
    return name, split


@dataclass(frozen=True)
class Curve:
    """The curve of one measurement over training.

    Args:
        panel: the title of the axes; curves of the same panel share them.
        label: its name in the legend of a shared panel; empty if it has a panel of its own. Curves of one label, such
            as "held-out images", have the same colour in all panels.
        collapsed_below: below this value the generated images reach hardly any of the data, and a run that ends there
            gets a flag; None if there is no such value.
    """

    panel: str
    label: str = ""
    collapsed_below: float | None = None


class MetricInputs(Protocol):
    """What an evaluation gives to its metrics. Images and features are computed once, for all of them."""

    seed: int
    """The seed of everything random: latents, labels, subsets."""
    num_classes: int
    """Classes of the labels that the networks take; 0 for an unconditional GAN."""
    discriminator: Discriminator | None
    """The run's discriminator in evaluation mode, not to be trained; None if there is none."""

    def real_images(self, split: str, num: int | None) -> ImageData:
        """Return `num` images of a split with their labels: a random choice that is always the same. None means all.

        Raises:
            UserError: the split has fewer images, or its files are missing or have changed.
        """

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        """Return float32 features (N, F) of the images of `real_images`, in the same order.

        Raises:
            UserError: the split has fewer images.
        """

    def fake_images(self, num: int) -> ImageData:
        """Return the first `num` generated images; those of a conditional GAN with the labels they were made for."""

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 features (N, F) of the images of `fake_images`, the same ones for every metric."""

    def fake_class_logits(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 logits (N, K) of the extractor's classifier for the images of `fake_images`."""

    def earlier_fakes(self) -> Mapping[int, ImageData]:
        """Return what the run kept of its generated images at each earlier evaluation, by generator update.

        They have labels as in `fake_images`. Those of the present step are not among them.
        """

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        """Return the name of a metric ("fd", "kd") of these features."""

    def protocol(self, extractor: Part[FeatureExtractor] | None, split: str | None) -> Settings:
        """Return the part of a protocol that the evaluation knows: extractor, weights, data, BN handling, EMA, seed.

        A metric without an extractor, or without a split, gives None; then the settings of it are left out.
        """


class Metric(Component):
    """A measure of the generated images or of the networks."""

    kind = "metrics"

    uses_fakes: ClassVar[bool] = True
    """Whether it looks at generated images. If not, it is measured once for all sampling seeds."""

    reads_earlier_fakes: ClassVar[bool] = False
    """Whether it looks at `earlier_fakes`. Only for such a metric does a run keep generated images."""

    told_apart_by: ClassVar[tuple[str, ...]] = ("features", "reference_split")
    """The arguments that show in the name or the reference split of its numbers. The same metric can be in a list twice
    if at least one of them differs."""

    @classmethod
    def curve(cls, name: str) -> Curve | None:
        """Return how the curve of one of its measurements is drawn and judged; None for a panel of its own, unjudged.

        Args:
            name: of the measurement; it may be one of another metric, for which None is returned.
        """
        return None

    def extractors(self) -> list[Part[FeatureExtractor]]:
        """Return the extractors that it uses; a run checks before step 0 that they are available."""
        return []

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a data set that lacks what the metric compares with; called before step 0 of a run.

        Raises:
            UserError: the split is missing, or has too few images.
        """

    def check_networks(self, *, num_classes: int, discriminator: Discriminator | None) -> None:
        """Refuse a GAN that lacks what the metric measures; called before step 0 of a run.

        Args:
            num_classes: classes of the labels that the networks take; 0 for an unconditional GAN.
            discriminator: of the run.

        Raises:
            UserError: no labels, no discriminator, or a discriminator that lacks what the metric reads.
        """

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the numbers.

        Raises:
            UserError: there are too few images, or features that are not finite.
        """
        raise NotImplementedError

    def check_distinct_splits(self, parameter: str, other: str) -> None:
        """Refuse two parameters that name the same split; for a constructor."""
        split = getattr(self, parameter)
        if split == getattr(self, other):
            raise ParameterError(parameter, f"must differ from {{{other}}}, and both are '{split}'")

    def check_split(
        self,
        spec: DataSpec,
        parameter: str,
        split: str,
        *,
        is_labelled: bool = False,
        least: int = 0,
        limit: str = "",
        otherwise: str = "",
    ) -> None:
        """Refuse a split that is missing or insufficient; for `check_data`.

        Args:
            spec: of the data set.
            parameter: the parameter that names the split.
            split: its value.
            is_labelled: whether it must have labels.
            least: how many images it must have; a number that only the files tell is accepted.
            limit: the parameter that asks for so many.
            otherwise: what else the user can do, in the words that follow "lower ...".

        Raises:
            UserError: there is no such split (the message gives the nearest name), it has no labels, or too few images.
        """
        splits, name = spec.num_images, name_of(type(self))
        if split not in splits:
            raise UserError(
                f"{name}.{parameter} is '{split}' and the data set has the splits {', '.join(splits)}"
                f"{nearest(split, splits) or '; set it to one of them'}"
            )
        if is_labelled and not spec.num_classes_of(split):
            raise UserError(
                f"{name} needs class labels and the split '{split}' has none; set {name}.{parameter} to another split"
            )
        self.check_num_images(split, splits[split], least=least, limit=limit, otherwise=otherwise)

    def check_num_images(self, split: str, num: int | None, *, least: int, limit: str, otherwise: str = "") -> None:
        """Refuse a split of `num` images if that is too few; arguments and error as of `check_split`."""
        if num is not None and num < least:
            name = name_of(type(self))
            raise UserError(
                f"{name} asks for {least} images of the split '{split}', which has {num}; lower {name}.{limit}"
                f"{otherwise}"
            )


def curve_of(name: str, metrics: Sequence[type[Metric]]) -> Curve:
    """Return how a measurement's curve is drawn and judged; by default it has a panel of its own.

    Args:
        name: key of the measurement.
        metrics: those of the run.
    """
    measured, split = split_key(name)
    answers = (metric.curve(measured) for metric in metrics)
    found = next((curve for curve in answers if curve is not None), Curve(panel=measured))
    return replace(found, panel=f"{found.panel}/{split}" if split else found.panel)


def other_split(inputs: MetricInputs, features: Part[FeatureExtractor] | None, name: str, split: str) -> Settings:
    """Return what a protocol says of a second split, called `name`: which one it is and the hash of its data."""
    return {f"{name}_split": split, f"{name}_sha256": inputs.protocol(features, split)["data_sha256"]}


def mean_and_error(values: Tensor | Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and its standard error; a single value has no error."""
    values_N = torch.as_tensor(values, dtype=torch.float64)
    return float(values_N.mean()), float(values_N.std()) / len(values_N) ** 0.5 if len(values_N) > 1 else None
