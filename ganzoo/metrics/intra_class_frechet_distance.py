"""The Frechet distance within classes. N: images; F: features; K: classes."""

from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.component import name_of
from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.metrics.base import Measurement, MetricInputs
from ganzoo.metrics.frechet_distance import gaussian_distance, known_width, moments
from ganzoo.metrics.labelled_features import LabelledFeatures
from ganzoo.registry import register


@register("metrics")
class intra_class_frechet_distance(LabelledFeatures):
    """The mean over classes of the Frechet distance between a class's real images and its fakes; lower is better.

    Unlike the distance of all images at once, it notices fakes that look real but belong to another class than the one
    they were made for, and missing variety within a class. Only a conditional GAN can be measured. With the features of
    `features.inception` it is the intra-FID, called `intra_fid`; otherwise `intra_fd_<label>`.

    Source: Miyato and Koyama, arXiv:1802.05637, section 5.1, where a class has all of its training images and 5,000
    fakes.
    Departures: the number of fakes of a class follows from the random labels of the evaluation, about `num_fake / K`,
    and is not set for each. A class of no more images than features is refused unless allowed, although published
    values on ImageNet have fewer (about 1,300 real images of a class in 2,048 features).

    >>> x_NF, labels_N = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)), torch.arange(50) % 2
    >>> shifted_NF = x_NF + 3 * labels_N[:, None]  # class 1 moves by 3 in both features: 2 * 3^2 = 18
    >>> [round(distance, 4) for distance in distances_by_class(x_NF, labels_N, shifted_NF, labels_N, num_classes=2)]
    [0.0, 18.0]

    Args:
        num_real: how many real images of all classes together, a random choice that is always the same; None for all.
        num_fake: how many generated images of all classes together.
        allow_singular: whether to measure with no more images of a class than features, of either kind. Then the
            covariance is singular and the distance far too large; the protocol says if it is set.
    """

    allow_singular: bool = False

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
        distances = distances_by_class(
            pair.real_NF, pair.real_labels_N, pair.fake_NF, pair.fake_labels_N, num_classes=num_classes
        )
        protocol = {**pair.protocol, "allow_singular": True} if self.allow_singular else pair.protocol
        name = inputs.metric_name(self.features, "intra_fd")
        return [Measurement(name, sum(distances) / num_classes, None, False, protocol)]

    def _least(self, num_features: int) -> int:
        """Return the fewest images of a class that are measured; 0 features means that their number is not known."""
        return 2 if self.allow_singular else max(num_features + 1, 2)

    def _check_total(self, num: int, images: str, num_classes: int) -> None:
        """Refuse a total of images that is too small for every class to have enough."""
        least = self._least(known_width(self.features))
        if num < num_classes * least:
            raise UserError(
                f"{name_of(type(self))} needs {least} {images} images of each of {num_classes} classes and there are "
                f"{num} in all; take more{self._other_remedy()}"
            )

    def _other_remedy(self) -> str:
        return ", or use an extractor of fewer features, or set allow_singular = True"


def distances_by_class(
    real_NF: Tensor, real_labels_N: Tensor, fake_NF: Tensor, fake_labels_N: Tensor, *, num_classes: int
) -> list[float]:
    """Return the distance between the real and the generated features of each class."""
    return [
        gaussian_distance(*moments(real_NF[real_labels_N == k]), *moments(fake_NF[fake_labels_N == k]))
        for k in range(num_classes)
    ]
