"""What a discriminator's features know of classes that it was never told. N: images; C, H, W: image; F: features."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.architectures.base import Discriminator
from ganzoo.batch import to_images
from ganzoo.component import DeclaredArguments, name_of
from ganzoo.data.base import DataSpec, ImageData
from ganzoo.errors import ParameterError, UserError, check_at_least, nearest
from ganzoo.features.base import Settings
from ganzoo.layers.batch_statistics import evaluation_mode
from ganzoo.metrics.base import Measurement, Metric, MetricInputs, mean_and_error, other_split
from ganzoo.metrics.logistic_regression import VALIDATION_SHARE, ClassifiedFeatures, choose_and_fit
from ganzoo.randomness import make_generator
from ganzoo.registry import register

BATCH_SIZE = 256
POOLED = "features"  # what every head of the discriminator sees
Reader = Callable[[ImageData], Mapping[str, Tensor]]
"""A function from images to named features (N, F), float32 on the CPU."""


@dataclass(frozen=True)
class Probed:
    """The test accuracies at one place of the network and the chosen values of C, one for each probe seed."""

    accuracies: tuple[float, ...]
    inverse_regularizations: tuple[float, ...]


@register("metrics")
class linear_probe(DeclaredArguments, Metric):
    """The accuracy of logistic regression on the discriminator's frozen features; higher is better.

    `probe_<tap>` is the share of test images whose class is recognised, in 0..1. The taps are the output of each
    residual block, before the next activation, averaged over `pool_size` x `pool_size` fields of pixels; and
    `features`, the pooled features that every head sees. Each feature is standardised by the training images. The
    strength of the regulariser is chosen on the last fifth of the training images, and the best one is fitted again to
    all of them; the test images decide nothing. Mean and standard error are over probe seeds. Each seed draws its own
    training images; the test images are the same for all. In `experiment.metrics` it gives the curve over training.

    Source: Chen et al., arXiv:1811.11212, figure 2 and the tables of D's residual blocks, which are probed by logistic
    regression. How they pool, standardise and regularise was not read; the values here are ours.

    >>> labels_N = torch.arange(24) % 2
    >>> images = ImageData(200 * labels_N.view(-1, 1, 1, 1).byte(), labels_N)  # dark and bright ones
    >>> def read(data):
    ...     return {"brightness": data.images_NCHW.flatten(1).float()}
    >>> linear_probe(num_probe_seeds=2).compare(read, images, images)["brightness"].accuracies
    (1.0, 1.0)

    Args:
        taps: places to probe, by the discriminator's names (`block0`, ...) or `features`; None for all.
        train_split: the split that the regression is fitted to.
        test_split: the split that it is scored on.
        num_train: training images of each probe seed; None for all of the split, the same for all seeds.
        num_test: test images, always the same; None for all.
        num_probe_seeds: how many draws of training images.
        pool_size: height and width, in fields, that a tap is averaged to; smaller maps stay as they are.
        inverse_regularizations: candidates for scikit-learn's C; a smaller C regularises more.
    """

    uses_fakes: ClassVar[bool] = False
    told_apart_by: ClassVar[tuple[str, ...]] = ("taps", "train_split")

    taps: tuple[str, ...] | None = None
    train_split: str = "train"
    test_split: str = "test"
    num_train: int | None = 10_000
    num_test: int | None = None
    num_probe_seeds: int = 3
    pool_size: int = 1
    inverse_regularizations: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)

    def __post_init__(self) -> None:
        self.check_distinct_splits("test_split", "train_split")
        check_at_least(1, num_train=self.num_train, num_test=self.num_test)
        check_at_least(1, num_probe_seeds=self.num_probe_seeds, pool_size=self.pool_size)
        if self.taps is not None and not self.taps:
            raise ParameterError("taps", "is empty; name places of the discriminator, or give None for all")
        if not self.inverse_regularizations or min(self.inverse_regularizations) <= 0:
            raise ParameterError(
                "inverse_regularizations", f"must be positive numbers, not {self.inverse_regularizations}"
            )
        self.inverse_regularizations = tuple(sorted(self.inverse_regularizations))

    def check_data(self, spec: DataSpec) -> None:
        """Refuse a data set without labels, without one of the splits, or with too few images."""
        name = name_of(type(self))
        if not spec.num_classes:
            raise UserError(f"{name} needs class labels and the data set has none; choose a labelled data set")
        for part in ("train", "test"):
            least, limit = getattr(self, f"num_{part}") or 1, f"num_{part}"
            parameter = f"{part}_split"
            self.check_split(spec, parameter, getattr(self, parameter), is_labelled=True, least=least, limit=limit)

    def check_networks(self, *, num_classes: int, discriminator: Discriminator | None) -> None:
        """Refuse a missing discriminator, one that lacks a tap, and one whose features use labels."""
        if discriminator is None:
            raise UserError(f"{name_of(type(self))} probes a discriminator, and there is none here")
        if discriminator.features_use_labels:
            raise UserError(
                f"{name_of(type(self))} measures what features tell about the class of an image, and this "
                "discriminator's features depend on the label that it is given; probe a GAN of another conditioning, "
                "such as conditioning.projection"
            )
        known = [*discriminator.tap_shapes, POOLED]
        for tap in self.taps or ():
            if tap not in known:
                raise UserError(
                    f"{name_of(type(self))} asks for the tap '{tap}' and the discriminator has {', '.join(known)}"
                    f"{nearest(tap, known)}"
                )

    def measure(self, inputs: MetricInputs) -> list[Measurement]:
        """Return the accuracy at every place, by depth."""
        assert inputs.discriminator is not None
        train = inputs.real_images(self.train_split, None)
        test = inputs.real_images(self.test_split, self.num_test)
        num_train = len(train) if self.num_train is None else self.num_train
        protocol: Settings = {
            **inputs.protocol(None, self.train_split),
            **other_split(inputs, None, "test", self.test_split),
            "num_train": num_train,
            "num_test": len(test),
            "num_probe_seeds": self.num_probe_seeds,
            "pool_size": self.pool_size,
            "classifier": "multinomial logistic regression on standardised features, scikit-learn, L-BFGS",
            "inverse_regularizations": ", ".join(f"{c:g}" for c in self.inverse_regularizations),
            "validation_share": VALIDATION_SHARE,
        }
        probed = self.probe(inputs.discriminator, train, test)
        return [
            Measurement(
                f"probe_{tap}",
                *mean_and_error(found.accuracies),
                higher_is_better=True,
                protocol=protocol,
                error_source="probe seeds" if self.num_probe_seeds > 1 else "",
            )
            for tap, found in probed.items()
        ]

    def probe(self, discriminator: Discriminator, train: ImageData, test: ImageData) -> dict[str, Probed]:
        """Return the accuracies of a discriminator's features on labelled images, by tap."""
        taps = list(self.taps or (*discriminator.tap_shapes, POOLED))

        def read(data: ImageData) -> dict[str, Tensor]:
            return discriminator_features(discriminator, data.images_NCHW, taps=taps, pool_size=self.pool_size)

        return self.compare(read, train, test)

    def compare(self, read: Reader, train: ImageData, test: ImageData) -> dict[str, Probed]:
        """Return the accuracies of any features, by name.

        Args:
            read: returns the features of images, by name.
            train: labelled images; each probe seed draws its own from them.
            test: labelled images.
        """
        assert train.labels_N is not None
        assert test.labels_N is not None
        tested = read(test)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in tested}
        for seed in range(self.num_probe_seeds):
            rng = make_generator(seed, "metrics/linear_probe")
            rows_N = torch.randperm(len(train), generator=rng)[: self.num_train]
            labels_N = train.labels_N[rows_N]
            for name, features_NF in read(ImageData(train.images_NCHW[rows_N], labels_N)).items():
                accuracy_and_c = choose_and_fit(
                    ClassifiedFeatures(features_NF, labels_N),
                    ClassifiedFeatures(tested[name], test.labels_N),
                    inverse_regularizations=self.inverse_regularizations,
                )
                found[name].append(accuracy_and_c)
        return {name: Probed(*zip(*pairs, strict=True)) for name, pairs in found.items()}


def discriminator_features(
    discriminator: Discriminator, images_NCHW: Tensor, *, taps: Sequence[str], pool_size: int
) -> dict[str, Tensor]:
    """Return features (N, F), float32 on the CPU, of each tap (and of `features`), in the order asked for.

    Args:
        discriminator: used in evaluation mode; its own mode is restored afterwards.
        images_NCHW: uint8 (N, C, H, W).
        taps: names of taps, or `features`.
        pool_size: height and width that a tap is averaged to; smaller maps stay as they are.

    Raises:
        UserError: features that are NaN or infinite.
    """
    device = next(discriminator.parameters()).device
    inner = [tap for tap in taps if tap != POOLED]
    found: dict[str, list[Tensor]] = {tap: [] for tap in taps}
    with evaluation_mode(discriminator), torch.no_grad():
        for batch_NCHW in torch.split(images_NCHW, BATCH_SIZE):
            # A conditional discriminator needs labels, but only for its logits, which are not used here.
            labels_N = torch.zeros(len(batch_NCHW), dtype=torch.int64, device=device)
            output = discriminator(to_images(batch_NCHW, device=device), labels_N, taps=inner)
            for tap in taps:
                found[tap].append(_pooled(output.features_NF if tap == POOLED else output.taps[tap], pool_size).cpu())
    features = {tap: torch.cat(batches) for tap, batches in found.items()}
    for tap, features_NF in features.items():
        if not bool(torch.isfinite(features_NF).all()):
            raise UserError(f"the discriminator's {tap} has NaN or infinite values; probe an earlier checkpoint")
    return features


def _pooled(tap: Tensor, pool_size: int) -> Tensor:
    if tap.ndim == 2:
        return tap.float()
    height, width = tap.shape[2:]
    size = (min(pool_size, height), min(pool_size, width))
    return functional.adaptive_avg_pool2d(tap.float(), size).flatten(1)
