"""How well a classifier that was trained on fakes knows real images. N: images; F: features; K: classes."""

from ganzoo.data.base import DataSpec
from ganzoo.metrics.base import Measurement, MetricInputs, other_split
from ganzoo.metrics.labelled_features import LabelledFeatures
from ganzoo.metrics.logistic_regression import ClassifiedFeatures, fit_accuracy
from ganzoo.registry import register

INVERSE_REGULARIZATION = 1.0


@register("metrics")
class classification_accuracy(LabelledFeatures):
    """The share of real images that a classifier trained on fakes and their labels gets right; higher is better.

    `cas_<label>` lies in 0..1. Fakes of the wrong class lower it, and so does missing variety within a class. The same
    classifier, trained on real images, shows what could be reached: with `baseline_split` it is trained on as many real
    images and reported as `cas_real_<label>`. Only a conditional GAN can be measured. The standard error is over the
    real images that are classified, for the given classifier.

    Source: Ravuri and Vinyals, arXiv:1905.10887 (Classification Accuracy Score).
    Departure: the classifier is a multinomial logistic regression (scikit-learn's, L2 penalty with C = 1) on the
    extractor's features, each scaled to mean 0 and variance 1 on the training images, instead of a ResNet-50 on pixels.
    It does not see what the extractor does not see, and its numbers are not comparable with published ones.

    >>> fakes = ClassifiedFeatures(torch.tensor([[0.0], [1.0], [8.0], [9.0]]), torch.tensor([0, 0, 1, 1]))
    >>> reals = ClassifiedFeatures(torch.tensor([[2.0], [3.0], [7.0], [6.0]]), torch.tensor([0, 1, 1, 1]))
    >>> fit_accuracy(fakes, reals, inverse_regularization=1.0)
    0.75

    Args:
        reference_split: the split whose real images are classified.
        num_real: how many of them, a random choice that is always the same; None for all of the split.
        num_fake: how many generated images the classifier is trained on.
        baseline_split: a split with `num_fake` real images to train the same classifier on; None for no baseline.
    """

    reference_split: str = "test"
    baseline_split: str | None = None

    def __post_init__(self) -> None:
        self.check_distinct_splits("baseline_split", "reference_split")
        super().__post_init__()

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a missing split, one of too few images, or data without labels."""
        super().check_data(spec)
        if self.baseline_split is not None:
            self.check_split(
                spec,
                "baseline_split",
                self.baseline_split,
                is_labelled=True,
                least=self.num_fake,
                limit="num_fake",
                otherwise=" (its baseline takes as many real images), or set baseline_split = None",
            )

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the accuracy and, if asked for, that of the baseline, each with its standard error."""
        pair = self.labelled_pair(inputs)
        # A class without images cannot be learnt. That is a matter of too few images, not of a bad generator.
        self.check_class_counts(pair.fake_labels_N, "generated", num_classes=inputs.num_classes, least=1)
        trained = {"cas": (pair.fake_NF, pair.fake_labels_N, pair.protocol)}
        if self.baseline_split is not None:
            images_NF = inputs.real_features(self.features, self.baseline_split, self.num_fake)
            self._check_finite(images_NF, "real")
            labels_N = inputs.real_images(self.baseline_split, self.num_fake).labels_N
            assert labels_N is not None, "check_data refuses data without labels"
            baseline = other_split(inputs, self.features, "baseline", self.baseline_split)
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
