"""What metrics of labelled features share. N: images; F: features; K: classes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.component import name_of
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.metrics.base import MetricInputs
from ganzoo.metrics.feature_distance import FeatureDistance, FeaturePair


@dataclass(frozen=True)
class LabelledPair(FeaturePair):
    """Features of real and of generated images with their labels (N,)."""

    real_labels_N: Tensor
    fake_labels_N: Tensor


class LabelledFeatures(FeatureDistance):
    """Base of the metrics that compare features class by class; they need a conditional GAN and labelled data.

    The generated images are those of all other metrics. Their labels are drawn at random, so that classes differ in
    size. The labels of the real images are read from the data set, so that its files are needed.
    """

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a missing split, one of too few images, or data without labels."""
        super().check_data(spec)
        if not spec.num_classes:
            raise UserError(
                f"{name_of(type(self))} compares classes and the data set has no labels; use another metric"
            )
        self.check_split(spec, "reference_split", self.reference_split, is_labelled=True)

    def check_networks(self, *, num_classes: int, discriminator: Discriminator | None) -> None:
        """Refuse an unconditional GAN."""
        if not num_classes:
            raise UserError(
                f"{name_of(type(self))} measures a conditional GAN and this one takes no labels; set "
                "experiment.conditioning, or use another metric"
            )

    def labelled_pair(self, inputs: MetricInputs) -> LabelledPair:
        """Return both sets of features with their labels.

        Raises:
            UserError: too few real images, or features that are NaN or infinite.
        """
        pair = self.feature_pair(inputs)
        real_labels_N = inputs.real_images(self.reference_split, self.num_real).labels_N
        fake_labels_N = inputs.fake_images(self.num_fake).labels_N
        assert real_labels_N is not None, "check_data refuses data without labels"
        assert fake_labels_N is not None, "check_networks refuses an unconditional GAN"
        protocol = {**pair.protocol, "num_classes": inputs.num_classes}
        return LabelledPair(pair.real_NF, pair.fake_NF, protocol, real_labels_N, fake_labels_N)

    def check_class_counts(self, labels_N: Tensor, images: str, *, num_classes: int, least: int) -> None:
        """Refuse a class with fewer images than `least`.

        Args:
            labels_N: labels of the images.
            images: "real" or "generated", for the message.
            num_classes: K.
            least: the fewest images of a class that give a number.

        Raises:
            UserError: the smallest class is too small.
        """
        counts_K = torch.bincount(labels_N, minlength=num_classes)
        smallest = int(counts_K.argmin())
        if counts_K[smallest] < least:
            option = {"real": "num_real", "generated": "num_fake"}[images]
            raise UserError(
                f"{name_of(type(self))} needs {least} {images} images of every class and class {smallest} has "
                f"{int(counts_K[smallest])}; raise {name_of(type(self))}.{option}{self._other_remedy()}"
            )

    def _other_remedy(self) -> str:
        """Return what else the user can do about classes that are too small, as the end of a sentence."""
        return ""
