"""The contract of a metric. N: images; C, H, W: image; F: feature width; K: classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.component import Component, Part, name_of
from ganzoo.data.base import DataSpec, ImageData
from ganzoo.errors import UserError, nearest
from ganzoo.features.base import FeatureExtractor, Settings


@dataclass(frozen=True)
class Measurement:
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


@dataclass(frozen=True)
class Curve:
    """The curve of one measurement over training.

    Args:
        panel: the curves of equal panels share axes; its title.
        label: what the legend of a shared panel calls it; empty if it stands alone. What it shows decides the colour
            where other panels show it too, such as "held-out images".
        collapsed_below: a value below which the generated images reach hardly any of the data, so that a run which ends
            there bears a flag; None if there is no such value.
    """

    panel: str
    label: str = ""
    collapsed_below: float | None = None


class MetricInputs(Protocol):
    """What an evaluation offers to its metrics: images and features are made once and shared."""

    seed: int
    """Of everything that is drawn: latents, labels, subsets."""
    num_classes: int
    """Classes of the labels that the networks take; 0 for an unconditional GAN."""
    discriminator: Discriminator | None
    """The run's discriminator in evaluation mode, its parameters not to be trained; None if there is none."""

    def real_images(self, split: str, num: int | None) -> ImageData:
        """Return `num` images of a split with their labels, chosen at random but always the same; None: all.

        Raises:
            UserError: the split has fewer images, or its files are missing or have changed.
        """

    def real_features(self, extractor: Part[FeatureExtractor], split: str, num: int | None) -> Tensor:
        """Return float32 features (N, F) of the images of `real_images`, in the same order.

        Raises:
            UserError: the split has fewer images.
        """

    def fake_images(self, num: int) -> ImageData:
        """Return the first `num` generated images, with the labels they were made for if the GAN is conditional."""

    def fake_features(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 features (N, F) of the images of `fake_images`, the same ones for every metric."""

    def fake_class_logits(self, extractor: Part[FeatureExtractor], num: int) -> Tensor:
        """Return float32 logits (N, K) of the extractor's classifier for the images of `fake_images`."""

    def earlier_fakes(self) -> Mapping[int, ImageData]:
        """Return images that the generator made earlier in training, by generator update; labels as in `fake_images`.

        They are those that the run kept at its evaluations, up to and without the present one.
        """

    def metric_name(self, extractor: Part[FeatureExtractor], metric: str) -> str:
        """Return what a metric ("fd", "kd") of these features is called."""

    def protocol(self, extractor: Part[FeatureExtractor] | None, split: str | None) -> Settings:
        """Return the part of a protocol that the evaluation knows: extractor, weights, data, BN handling, EMA, seed.

        Without an extractor or a split, for a metric that uses none, what belongs to it is left out.
        """


class Metric(Component):
    """A measure of the generated images, or of the networks."""

    kind = "metrics"

    uses_fakes: ClassVar[bool] = True
    """Whether it looks at generated images; one that does not is measured once, however many sampling seeds."""

    reads_earlier_fakes: ClassVar[bool] = False
    """Whether it looks at `earlier_fakes`; only then does a run keep some at each evaluation."""

    told_apart_by: ClassVar[tuple[str, ...]] = ("features", "reference_split")
    """The arguments that show in the name or the reference split of its numbers: two of the same metric in one list
    must differ in at least one of them."""

    @classmethod
    def curve(cls, name: str) -> Curve | None:
        """Return how the curve of one of its measurements is drawn and judged; None: alone, and not at all.

        Args:
            name: of the measurement, which may be another metric's.
        """
        return None

    def extractors(self) -> list[Part[FeatureExtractor]]:
        """Return the extractors it needs, so that a run can refuse before step 0 if one is missing."""
        return []

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a data set that lacks what it compares with, so that a run can refuse before step 0.

        Raises:
            UserError: the split is missing, or has too few images.
        """

    def check_networks(self, *, num_classes: int, discriminator: Discriminator | None) -> None:
        """Refuse a GAN that lacks what it measures, so that a run can refuse before step 0.

        Args:
            num_classes: classes of the labels that the networks take; 0 for an unconditional GAN.
            discriminator: of the run.

        Raises:
            UserError: no labels, no discriminator, or one without what is read of it.
        """

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the numbers.

        Raises:
            UserError: the images or features there are do not suffice.
        """
        raise NotImplementedError

    def check_split(self, spec: DataSpec, parameter: str, split: str) -> None:
        """Refuse a split that the data set does not have; for `check_data`.

        Args:
            spec: of the data set.
            parameter: that names the split.
            split: its value.

        Raises:
            UserError: there is none; the nearest name is given.
        """
        splits = spec.num_images
        if split not in splits:
            raise UserError(
                f"{name_of(type(self))}.{parameter} is '{split}' and the data set has the splits {', '.join(splits)}"
                f"{nearest(split, splits) or '; set it to one of them'}"
            )

    def check_num_images(
        self, split: str, there: int | None, *, least: int, parameter: str, otherwise: str = ""
    ) -> None:
        """Refuse a split of too few images.

        Args:
            split: which it is.
            there: how many images it has; None, which is not refused, where only its files tell.
            least: how many it takes.
            parameter: that asks for so many.
            otherwise: what else the user can do, in the words that follow "lower ...".

        Raises:
            UserError: there are fewer.
        """
        if there is not None and there < least:
            name = name_of(type(self))
            raise UserError(
                f"{name} asks for {least} images of the split '{split}', which has {there}; lower {name}.{parameter}"
                f"{otherwise}"
            )

    def check_labels(self, spec: DataSpec, parameter: str, split: str) -> None:
        """Refuse a split without labels.

        Args:
            spec: of the data set.
            parameter: that names the split.
            split: its value.

        Raises:
            UserError: it has none.
        """
        if not spec.num_classes_of(split):
            name = name_of(type(self))
            raise UserError(
                f"{name} needs class labels and the split '{split}' has none; set {name}.{parameter} to another split"
            )


def curve_of(name: str, metrics: Sequence[type[Metric]]) -> Curve:
    """Return what the metric that a measurement belongs to says of its curve; by default it stands alone.

    Args:
        name: of the measurement, with `/SPLIT` where a run has it for several reference splits.
        metrics: those of the run.
    """
    measured, slash, split = name.partition("/")
    answers = (metric.curve(measured) for metric in metrics)
    found = next((curve for curve in answers if curve is not None), Curve(panel=measured))
    return replace(found, panel=f"{found.panel}{slash}{split}")
