"""The Frechet distance within classes. N: images; F: features; K: classes."""

from ganzoo.architectures.base import Discriminator
from ganzoo.component import Part, name_of
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.base import Measurement, MetricInputs
from ganzoo.metrics.frechet_distance import gaussian_distance, known_width, moments
from ganzoo.metrics.labelled_features import LabelledFeatures
from ganzoo.registry import register


@register("metrics")
class intra_class_frechet_distance(LabelledFeatures):
    """The mean over classes of the Frechet distance between a class's real images and its fakes; lower is better.

    Unlike the distance of all images at once it sees fakes that look real and belong to another class than they were
    made for, and missing variety within a class. It measures a conditional GAN alone. With the features of
    `features.inception` it is the intra-FID, called `intra_fid`; otherwise `intra_fd_<label>`.

    Source: Miyato and Koyama, arXiv:1802.05637, section 5.1, where a class has all of its training images and 5,000
    fakes. Departures: the number of fakes of a class is what the random labels of the evaluation give, about
    `num_fake / K`, not set for each; and a class of no more images than features is refused unless allowed, where
    published values on ImageNet have fewer (about 1,300 real images of a class in 2,048 features).

    Args:
        features: the extractor, e.g. `@features.efficientnet_lite0`.
        reference_split: the split that the real images come from.
        num_real: how many real images of all classes together, a random choice that is always the same; None for all.
        num_fake: how many generated images of all classes together.
        allow_singular: whether to measure with no more images of a class than features, of either kind. The covariance
            is singular then and the distance far too large; the protocol names it where it is set.
    """

    def __init__(
        self,
        *,
        features: Part[FeatureExtractor],
        reference_split: str = "train",
        num_real: int | None = None,
        num_fake: int = 10_000,
        allow_singular: bool = False,
    ) -> None:
        super().__init__(
            features=features, reference_split=reference_split, num_real=num_real, num_fake=num_fake, least_num=2
        )
        self.allow_singular = allow_singular

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a missing split, data without labels, or too few real images for every class to have enough."""
        super().check_data(spec)
        num = spec.num_images[self.reference_split] if self.num_real is None else self.num_real
        if num is not None:
            self._check_total(num, "real", spec.num_classes)

    def check_networks(self, *, num_classes: int, discriminator: Discriminator | None) -> None:
        """Refuse an unconditional GAN, or too few generated images for every class to have enough."""
        super().check_networks(num_classes=num_classes, discriminator=discriminator)
        self._check_total(self.num_fake, "generated", num_classes)

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the mean distance, at least 0."""
        pair = self.labelled_pair(inputs)
        num_classes, least = inputs.num_classes, self._least(pair.real_NF.shape[1])
        self.check_class_counts(pair.real_labels_N, "real", num_classes=num_classes, least=least)
        self.check_class_counts(pair.fake_labels_N, "generated", num_classes=num_classes, least=least)
        distances = [
            gaussian_distance(
                *moments(pair.real_NF[pair.real_labels_N == k]), *moments(pair.fake_NF[pair.fake_labels_N == k])
            )
            for k in range(num_classes)
        ]
        protocol = {**pair.protocol, "allow_singular": True} if self.allow_singular else pair.protocol
        name = inputs.metric_name(self.features, "intra_fd")
        return [Measurement(name, sum(distances) / num_classes, None, False, protocol)]

    def _least(self, num_features: int) -> int:
        """Return the fewest images of a class that are measured; two where the number of features is not known, 0."""
        return 2 if self.allow_singular else max(num_features + 1, 2)

    def _check_total(self, num: int, images: str, num_classes: int) -> None:
        """Refuse so few images of all classes together that one class must have too few."""
        least = self._least(known_width(self.features))
        if num < num_classes * least:
            raise UserError(
                f"{name_of(type(self))} needs {least} {images} images of each of {num_classes} classes and there are "
                f"{num} of all; take more{self._other_remedy()}"
            )

    def _other_remedy(self) -> str:
        return ", or use an extractor of fewer features, or set allow_singular = True"
