"""The contract of a feature extractor. N: images; C, H, W: image; F: feature width; K: classes."""

from typing import ClassVar

import torch
from torch import Tensor

from ganzoo.component import Component, name_of
from ganzoo.errors import UserError

CPU = torch.device("cpu")
Settings = dict[str, str | int | float | bool]
"""The settings behind a number, flat and comparable. Numbers of different protocols never share a column."""


class FeatureExtractor(Component):
    """A frozen network from uint8 images to features, for metrics.

    The runtime arguments are `device`, where to run, and `discriminator`, that of the run (None if there is none).
    """

    kind = "features"
    runtime_args = frozenset({"device", "discriminator"})

    label: str
    """What its numbers are named after: `fd_<label>`, `kd_<label>`."""

    feature_dim: int
    """F."""

    num_classes: int = 0
    """K, if the network ends in a classifier; 0 if not, and then `class_logits` raises."""

    is_of_the_run: ClassVar[bool] = False
    """Whether the features depend on what was trained. Then those of real images are not cached on disk, and numbers
    are comparable only within one run."""

    def check_available(self) -> None:
        """Check before any work that the weights are there.

        Raises:
            UserError: they are missing; the message says where they were sought and how to get them.
        """
        raise NotImplementedError

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        """Return float32 features (N, F) on the CPU for uint8 images (N, C, H, W); C is 1 or 3."""
        raise NotImplementedError

    def class_logits(self, features_NF: Tensor) -> Tensor:
        """Return the classifier's float32 logits (N, K) on the CPU for features (N, F) of this extractor.

        Raises:
            UserError: there is no classifier.
        """
        raise UserError(f"{name_of(type(self))} has no classifier; use features.inception for class probabilities")

    def protocol(self) -> Settings:
        """Return what determines the features: extractor, weights hash, resize."""
        raise NotImplementedError

    def metric_name(self, metric: str) -> str:
        """Return the name under which a metric ("fd", "kd") of these features is reported."""
        return f"{metric}_{self.label}"
