"""The distance within classes: a closed form, what it sees that the plain distance does not, and refusals."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ganzoo.data.base import DataSpec
from ganzoo.errors import UserError
from ganzoo.metrics.frechet_distance import frechet_distance, gaussian_distance, moments
from ganzoo.metrics.intra_class_frechet_distance import intra_class_frechet_distance

SPEC = DataSpec((1, 8, 8), 3, {"train": 60})


def three_classes(normal: Callable[..., Tensor], seed: int) -> tuple[Tensor, Tensor]:
    """Features (60, 8) around another place in each class, and their labels."""
    labels_N = torch.arange(60) % 3
    return normal(60, 8, seed=seed) + 4 * labels_N[:, None], labels_N


def test_classes_moved_by_known_shifts_have_the_mean_of_the_squares(
    toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    x_NF, labels_N = three_classes(normal, 1)
    # Each class keeps its covariance and moves by 0, 1 or 2 in each of 8 features.
    moved_NF = x_NF + labels_N[:, None]
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    inputs = given_inputs(moved_NF[order], train=x_NF).with_labels(labels_N[order], train=labels_N)
    (measurement,) = intra_class_frechet_distance(features=toy_features, num_fake=60).measure(inputs)
    assert measurement.value == pytest.approx(8 * (0 + 1 + 4) / 3, rel=1e-5)
    assert (measurement.name, measurement.higher_is_better) == ("intra_fd_toy", False)
    expected = {"num_real": 60, "num_fake": 60, "num_classes": 3, "data_sha256": "hash of train"}
    assert measurement.protocol.items() >= expected.items()
    assert "allow_singular" not in measurement.protocol


def test_fakes_under_the_wrong_label_are_seen_by_it_alone(
    toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    x_NF, labels_N = three_classes(normal, 1)
    inputs = given_inputs(x_NF, train=x_NF).with_labels((labels_N + 1) % 3, train=labels_N)
    (intra,) = intra_class_frechet_distance(features=toy_features, num_fake=60).measure(inputs)
    (plain,) = frechet_distance(features=toy_features, num_fake=60).measure(inputs)
    by_hand = [
        gaussian_distance(*moments(x_NF[labels_N == k]), *moments(x_NF[labels_N == (k - 1) % 3])) for k in range(3)
    ]
    assert plain.value == pytest.approx(0, abs=1e-4)
    assert intra.value == pytest.approx(sum(by_hand) / 3)
    assert intra.value > 100


def test_an_unconditional_gan_and_data_without_labels_are_refused(toy_features: Any) -> None:
    metric = intra_class_frechet_distance(features=toy_features)
    with pytest.raises(UserError, match="measures a conditional GAN and this one takes no labels"):
        metric.check_networks(num_classes=0, discriminator=None)
    with pytest.raises(UserError, match="compares classes and the data set has no labels"):
        metric.check_data(DataSpec((1, 8, 8), 0, {"train": 60}))
    metric.check_networks(num_classes=3, discriminator=None)
    metric.check_data(SPEC)


def test_images_too_few_for_any_labels_are_refused_before_step_0(toy_features: Any) -> None:
    # 8 features want 9 images of a class, 27 of three.
    metric = intra_class_frechet_distance(features=toy_features, num_real=26, num_fake=26)
    with pytest.raises(UserError, match="needs 9 real images of each of 3 classes and there are 26 in all"):
        metric.check_data(SPEC)
    with pytest.raises(UserError, match="needs 9 generated images of each of 3 classes and there are 26 in all"):
        metric.check_networks(num_classes=3, discriminator=None)
    allowed = intra_class_frechet_distance(features=toy_features, num_real=26, num_fake=26, allow_singular=True)
    allowed.check_data(SPEC)
    allowed.check_networks(num_classes=3, discriminator=None)


@pytest.mark.parametrize("images", ["real", "generated"])
def test_a_class_with_too_few_images_is_named(
    images: str, toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    x_NF, labels_N = three_classes(normal, 1)
    few_N = labels_N.clone()
    few_N[labels_N == 1] = torch.tensor([0] * 12 + [1] * 8)
    fake_labels_N, real_labels_N = (labels_N, few_N) if images == "real" else (few_N, labels_N)
    inputs = given_inputs(x_NF, train=x_NF).with_labels(fake_labels_N, train=real_labels_N)
    with pytest.raises(UserError, match=f"needs 9 {images} images of every class and class 1 has 8; raise"):
        intra_class_frechet_distance(features=toy_features, num_fake=60).measure(inputs)
    metric = intra_class_frechet_distance(features=toy_features, num_fake=60, allow_singular=True)
    assert metric.measure(inputs)[0].protocol["allow_singular"] is True
