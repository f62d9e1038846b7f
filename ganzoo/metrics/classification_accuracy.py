"""How well a classifier that learnt from fakes knows real images. N: images; F: features; K: classes."""

from ganzoo.component import Part
from ganzoo.data.base import DataSpec
from ganzoo.errors import ParameterError
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.base import Measurement, MetricInputs
from ganzoo.metrics.labelled_features import LabelledFeatures
from ganzoo.metrics.logistic_regression import ClassifiedFeatures, fit_accuracy
from ganzoo.registry import register

INVERSE_REGULARIZATION = 1.0


@register("metrics")
class classification_accuracy(LabelledFeatures):
    """The share of real images that a classifier trained on fakes and their labels gets right; higher is better.

    `cas_<label>` lies in 0..1. Fakes of the wrong class lower it, and so does missing variety within a class. Only the
    accuracy of the same classifier trained on real images says what could be had: with `baseline_split` it is measured
    on as many real images, as `cas_real_<label>`. It measures a conditional GAN alone. The standard error is over the
    real images that are classified, the classifier being given.

    Source: Ravuri and Vinyals, arXiv:1905.10887 (Classification Accuracy Score). Departure: the classifier is a
    multinomial logistic regression (scikit-learn's, L2 penalty with C = 1) on the extractor's features, each scaled to
    mean 0 and variance 1 on what is trained on, instead of a ResNet-50 on pixels. It does not see what the extractor
    does not, and its numbers do not compare with published ones.

    Args:
        features: the extractor, e.g. `@features.efficientnet_lite0`.
        reference_split: the split whose real images are classified.
        num_real: how many of them, a random choice that is always the same; None for all of the split.
        num_fake: how many generated images the classifier is trained on.
        baseline_split: a split with `num_fake` real images to train the same classifier on; None for no baseline.
    """

    def __init__(
        self,
        *,
        features: Part[FeatureExtractor],
        reference_split: str = "test",
        num_real: int | None = None,
        num_fake: int = 10_000,
        baseline_split: str | None = None,
    ) -> None:
        if baseline_split == reference_split:
            raise ParameterError(
                "baseline_split", f"must differ from {{reference_split}}, and both are '{baseline_split}'"
            )
        super().__init__(
            features=features, reference_split=reference_split, num_real=num_real, num_fake=num_fake, least_num=2
        )
        self.baseline_split = baseline_split

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a missing split, one of too few images, or data without labels."""
        super().check_data(spec)
        if self.baseline_split is None:
            return
        self.check_split(spec, "baseline_split", self.baseline_split)
        self.check_labels(spec, "baseline_split", self.baseline_split)
        there = spec.num_images[self.baseline_split]
        self.check_num_images(
            self.baseline_split,
            there,
            least=self.num_fake,
            parameter="num_fake",
            otherwise=" (its baseline takes as many real images), or set baseline_split = None",
        )

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the accuracy and, if asked for, that of the baseline, each with its standard error."""
        pair = self.labelled_pair(inputs)
        # A class that was never generated cannot be learnt: that is too few images, not a bad generator.
        self.check_class_counts(pair.fake_labels_N, "generated", num_classes=inputs.num_classes, least=1)
        trained = {"cas": (pair.fake_NF, pair.fake_labels_N, pair.protocol)}
        if self.baseline_split is not None:
            images_NF = inputs.real_features(self.features, self.baseline_split, self.num_fake)
            self._check_finite(images_NF, "real")
            labels_N = inputs.real_images(self.baseline_split, self.num_fake).labels_N
            assert labels_N is not None, "check_data refuses data without labels"
            sha256 = inputs.protocol(self.features, self.baseline_split)["data_sha256"]
            baseline = {"baseline_split": self.baseline_split, "baseline_sha256": sha256}
            trained["cas_real"] = (images_NF, labels_N, {**pair.protocol, **baseline})
        measurements = []
        for name, (x_NF, labels_N, protocol) in trained.items():
            value = fit_accuracy(
                ClassifiedFeatures(x_NF, labels_N),
                ClassifiedFeatures(pair.real_NF, pair.real_labels_N),
                inverse_regularization=INVERSE_REGULARIZATION,
            )
            error = (value * (1 - value) / (len(pair.real_NF) - 1)) ** 0.5
            name = inputs.metric_name(self.features, name)
            measurements.append(Measurement(name, value, error, True, protocol, "real images"))
        return measurements
