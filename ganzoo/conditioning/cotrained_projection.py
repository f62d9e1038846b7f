"""A projection discriminator that labels images itself where labels are missing. N: batch; F: features; K: classes."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.batch import UNKNOWN_LABEL
from ganzoo.conditioning.projection import ProjectionHead, projection
from ganzoo.errors import ParameterError, check_at_least, check_not_negative
from ganzoo.layers.factory import LayerFactory
from ganzoo.pretext.base import LossTerm, PretextTask, TaskOutputs, TaskResult, ViewOutput
from ganzoo.randomness import choose_share
from ganzoo.registry import register


@register("conditioning")
class cotrained_projection(projection):
    """Train a projection discriminator on all images and on the labels of some; a classifier on D labels the others.

    A linear classifier of D's features learns from the labelled real images, together with D. For an unlabelled real
    image D uses the class that the classifier predicts; no gradient passes through that choice. Fakes have the labels
    that they were made for. With `pretext.rotation` beside it this is the co-trained form of S3GAN.

    Source: Lucic et al., "High-Fidelity Image Generation With Fewer Labels" (S3GAN), arXiv:1903.02271, the method with
    co-training; as in google/compare_gan (gans/s3gan.py) with its predictor and its default of hard predictions.
    Departures: every class keeps the same share of its labels; an image's labels are hidden from training alone, so
    that metrics which read D's logits give it the true ones.

    >>> conditioning = cotrained_projection(label_fraction=0.25, num_classes=2)
    >>> known_N = conditioning.training_labels(torch.arange(8) % 2, split="train")
    >>> (known_N == UNKNOWN_LABEL).sum().item()
    6

    Args:
        label_fraction: the share of each class's training images whose labels are known, above 0 and at most 1,
            rounded, one image at least: those that `data.subset.label_fraction` keeps at the same seed, where that
            keeps all classes.
        class_weight: of the classifier's cross-entropy in D's loss.
        label_seed: of the choice; whatever the seed of the run, the labels are the same.
    """

    def __init__(
        self, *, label_fraction: float = 0.1, class_weight: float = 1.0, label_seed: int = 0, num_classes: int
    ) -> None:
        super().__init__(num_classes=num_classes)
        if not 0 < label_fraction <= 1:
            raise ParameterError("label_fraction", f"must lie above 0 and at most at 1, not be {label_fraction}")
        check_not_negative(class_weight=class_weight)
        if class_weight == 0:
            raise ParameterError("class_weight", "must be greater than 0: the classifier would never learn")
        check_at_least(0, label_seed=label_seed)
        self.label_fraction, self.class_weight, self.label_seed = label_fraction, class_weight, label_seed
        self._head: LabellingHead | None = None

    def training_labels(self, labels_N: Tensor, *, split: str) -> Tensor:
        """Return the labels with all but a share of each class hidden."""
        rows_n = choose_share(
            torch.arange(len(labels_N)),
            labels_N,
            self.label_fraction,
            classes=range(self.num_classes),
            seed=self.label_seed,
            split=split,
        )
        known_N = torch.full_like(labels_N, UNKNOWN_LABEL)
        known_N[rows_n] = labels_N[rows_n]
        return known_N

    def discriminator_head(self, feature_dim: int, layers: LayerFactory) -> nn.Module:
        """Return the projection of features on the embedding of the label, or of the predicted class."""
        self._head = LabellingHead(self.num_classes, feature_dim, layers)
        return self._head

    def auxiliary_task(self, *, feature_dim: int, layers: LayerFactory) -> PretextTask:
        """Return the task that trains the classifier in the discriminator's head."""
        assert self._head is not None, "the discriminator is built before its task"
        return LabelledShare(self._head.class_logits, num_classes=self.num_classes, weight=self.class_weight)


class LabellingHead(ProjectionHead):
    """The inner product of the features with an embedding of the class; a classifier predicts a class that is unknown.

    Args:
        num_classes: K.
        feature_dim: F.
        layers: the discriminator's factory.
    """

    def __init__(self, num_classes: int, feature_dim: int, layers: LayerFactory) -> None:
        super().__init__(num_classes, feature_dim, layers)
        self.classifier = layers.linear(feature_dim, num_classes)

    def class_logits(self, features_NF: Tensor) -> Tensor:
        """Return float32 logits (N, K) of the classes."""
        logits_NK: Tensor = self.classifier(features_NF)
        return logits_NK.float()

    def forward(self, features_NF: Tensor, labels_N: Tensor) -> Tensor:
        """Return what the labels, known or not, add to the logits, (N,)."""
        predicted_N = self.class_logits(features_NF.detach()).argmax(1)
        return super().forward(features_NF, torch.where(labels_N == UNKNOWN_LABEL, predicted_N, labels_N))


class LabelledShare(PretextTask):
    """Recognise the class of the real images that are labelled.

    Args:
        class_logits: returns logits (N, K) of features (N, F); of layers that are the discriminator's.
        num_classes: K.
        weight: of the cross-entropy.
    """

    needs_adversarial = True

    def __init__(self, class_logits: Callable[[Tensor], Tensor], *, num_classes: int, weight: float) -> None:
        super().__init__()
        self.class_logits, self.weight = class_logits, weight
        self.chance = {"accuracy_real": 1 / num_classes, "accuracy_fake": 1 / num_classes}

    def d_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return the mean cross-entropy of the labelled images, 0 where a batch has none."""
        assert outputs.real is not None
        logits_NK, labels_N = self._classify(outputs.real)
        losses_N = functional.cross_entropy(logits_NK, labels_N, ignore_index=UNKNOWN_LABEL, reduction="none")
        known_N = labels_N != UNKNOWN_LABEL
        num_known = known_N.sum()
        fake_logits_NK, fake_labels_N = self._classify(outputs.fake)
        reports = {"accuracy_fake": (fake_logits_NK.detach().argmax(1) == fake_labels_N).float().mean()}
        # The one wait for the device: a batch without labels has no accuracy, and a 0 would be false.
        if num_known:
            reports["accuracy_real"] = (logits_NK.detach().argmax(1) == labels_N).sum() / num_known
        return TaskResult([LossTerm("loss_real", losses_N.sum() / num_known.clamp(min=1), self.weight)], reports)

    def g_terms(self, outputs: TaskOutputs, *, step: int) -> TaskResult:
        """Return nothing: the classifier is D's alone."""
        return TaskResult()

    def _classify(self, images: ViewOutput) -> tuple[Tensor, Tensor]:
        labels_N = images.batch.labels_N
        assert labels_N is not None, "a conditional GAN was given no labels"
        return self.class_logits(images.output.features_NF), labels_N
