"""Whether the discriminator still recognises what the generator made earlier. N: images."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ganzoo.architectures.base import Discriminator
from ganzoo.component import DeclaredArguments, name_of
from ganzoo.data.base import DataSpec, ImageData
from ganzoo.errors import UserError, check_at_least
from ganzoo.features.base import Settings
from ganzoo.metrics.base import Curve, Measurement, Metric, MetricInputs, other_split
from ganzoo.metrics.discriminator_logits import discriminator_logits
from ganzoo.registry import register


@register("metrics")
class discriminator_memory(DeclaredArguments, Metric):
    """The accuracy of the present discriminator on images that the generator made earlier, and on unseen real ones.

    `memory_earlier_fakes` is the share of earlier fakes that D calls fake: the mean over the steps that the run kept.
    The first evaluation has no earlier step and does not report it. If it is below `memory_present_fakes`, D has
    forgotten what it could once recognise. `memory_held_out_reals` is the share of unseen real images that D calls
    real. If it is below `memory_training_reals`, D has learnt the training images by heart. All lie in 0..1, and higher
    is better, but none means anything alone: a D that calls everything fake has 1 and 0.

    An image is called real if its logit exceeds a threshold, because losses differ in what a logit of zero means. It is
    the threshold that best separates training images from present fakes (greatest balanced accuracy, midway between two
    logits). Therefore the accuracies on those two are slightly too high. No image is augmented.

    Source: Chen et al., arXiv:1811.11212, figures 2 and 3, and Thanh-Tung and Tran, arXiv:1807.04015: D is trained on a
    distribution that changes, and forgets. The measure is our own.

    >>> real_N, fake_N = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([-1.0, 0.0])
    >>> threshold = best_threshold(real_N, fake_N)
    >>> threshold, share_above(real_N, threshold), share_above(fake_N, threshold)
    (0.5, 1.0, 0.0)

    Args:
        reference_split: the split that was trained on.
        held_out_split: a split that was not.
        num_real: how many images of either split, a random choice that is always the same.
        num_fake: how many images of the present generator.
    """

    reads_earlier_fakes: ClassVar[bool] = True

    measures: ClassVar[Mapping[str, str]] = {
        "memory_training_reals": "training images",
        "memory_held_out_reals": "held-out images",
        "memory_present_fakes": "generated now",
        "memory_earlier_fakes": "generated earlier",
    }
    """Its numbers, and the images that each is about."""

    @classmethod
    def curve(cls, name: str) -> Curve | None:
        """Return the panel that all its numbers share."""
        return Curve("D's memory: accuracy", cls.measures[name]) if name in cls.measures else None

    reference_split: str = "train"
    held_out_split: str = "test"
    num_real: int = 1000
    num_fake: int = 1000

    def __post_init__(self) -> None:
        self.check_distinct_splits("held_out_split", "reference_split")
        check_at_least(1, num_real=self.num_real, num_fake=self.num_fake)

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a missing split, or one of too few images."""
        for parameter in ("reference_split", "held_out_split"):
            self.check_split(spec, parameter, getattr(self, parameter), least=self.num_real, limit="num_real")

    def check_networks(self, *, num_classes: int, discriminator: Discriminator | None) -> None:
        """Refuse a missing discriminator."""
        if discriminator is None:
            raise UserError(f"{name_of(type(self))} reads a run's discriminator, and there is none here")

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the accuracies."""
        discriminator, num_classes = inputs.discriminator, inputs.num_classes
        self.check_networks(num_classes=num_classes, discriminator=discriminator)
        assert discriminator is not None

        def logits(images: ImageData) -> Tensor:
            logits_N = discriminator_logits(discriminator, images, num_classes=num_classes)
            if not bool(torch.isfinite(logits_N).all()):
                raise UserError(f"{name_of(type(self))}: the discriminator's logits are NaN or infinite")
            return logits_N

        train_N = logits(inputs.real_images(self.reference_split, self.num_real))
        held_out_N = logits(inputs.real_images(self.held_out_split, self.num_real))
        fake_N = logits(inputs.fake_images(self.num_fake))
        earlier = {step: logits(images) for step, images in inputs.earlier_fakes().items()}

        threshold = best_threshold(train_N, fake_N)
        shares = {
            "memory_training_reals": share_above(train_N, threshold),
            "memory_held_out_reals": share_above(held_out_N, threshold),
            "memory_present_fakes": 1 - share_above(fake_N, threshold),
        }
        protocol: Settings = {
            **inputs.protocol(None, self.reference_split),
            **other_split(inputs, None, "held_out", self.held_out_split),
            "num_real": self.num_real,
            "num_fake": self.num_fake,
        }
        numbers = [Measurement(name, value, None, True, protocol) for name, value in shares.items()]
        if earlier:
            value = float(np.mean([1 - share_above(logits_N, threshold) for logits_N in earlier.values()]))
            kept: Settings = {"num_earlier_steps": len(earlier), "first_earlier_step": min(earlier)}
            numbers.append(Measurement("memory_earlier_fakes", value, None, True, {**protocol, **kept}))
        return numbers


def best_threshold(real_N: Tensor, fake_N: Tensor) -> float:
    """Return the threshold above which an image is called real: the one of the greatest balanced accuracy.

    It lies midway between two neighbouring logits, so that at least one image is called real. Of several equally good
    thresholds it is the highest.
    """
    # Imported here, because it takes a second that only users of this metric should wait.
    from sklearn.metrics import roc_curve

    is_real_N = np.r_[np.ones(len(real_N)), np.zeros(len(fake_N))]
    logits_N = torch.cat([real_N, fake_N]).double().numpy()
    # At the first point nothing is called real; every other point cuts just below a logit.
    false_real, true_real, cuts = roc_curve(is_real_N, logits_N, drop_intermediate=False)
    best = 1 + int(np.argmax((true_real - false_real)[1:]))
    below = cuts[best + 1] if best + 1 < len(cuts) else cuts[best] - 1
    return float((cuts[best] + below) / 2)


def share_above(logits_N: Tensor, threshold: float) -> float:
    """Return the share of logits above a threshold."""
    return float((logits_N.double() > threshold).double().mean())
