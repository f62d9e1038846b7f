"""The accuracy of a classifier of fakes on reals: against torch's own fit, closed cases, and real digits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.data.base import DataSpec
from ganzoo.data.digits import digits
from ganzoo.errors import UserError
from ganzoo.metrics.classification_accuracy import classification_accuracy
from ganzoo.metrics.logistic_regression import ClassifiedFeatures, fit_accuracy


def by_newton(x_NF: Tensor, labels_N: Tensor, test_MF: Tensor) -> Tensor:
    """Predictions of the same penalised likelihood, minimised by torch: sum of losses + |w|^2 / 2, bias free."""
    mean_F, std_F = x_NF.mean(0), x_NF.std(0, unbiased=False)
    z_NF, z_MF = (x_NF - mean_F) / std_F, (test_MF - mean_F) / std_F
    num_classes = int(labels_N.max()) + 1
    weight = torch.zeros(num_classes, x_NF.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(num_classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=500, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        fit = functional.cross_entropy(functional.linear(z_NF, weight, bias), labels_N, reduction="sum")
        total = fit + weight.square().sum() / 2
        total.backward()
        return total

    optimizer.step(loss)
    return functional.linear(z_MF, weight, bias).argmax(1)


def test_it_is_the_penalised_likelihood_s_minimum(normal: Callable[..., Tensor]) -> None:
    labels_N, test_labels_M = torch.arange(90) % 3, torch.arange(600) % 3
    x_NF = normal(90, 5, seed=1).double() * torch.arange(1, 6) + functional.one_hot(labels_N, 5)
    test_MF = normal(600, 5, seed=2).double() * torch.arange(1, 6) + functional.one_hot(test_labels_M, 5)
    expected = float((by_newton(x_NF, labels_N, test_MF) == test_labels_M).double().mean())
    assert 0.4 < expected < 0.9
    trained, tested = ClassifiedFeatures(x_NF, labels_N), ClassifiedFeatures(test_MF, test_labels_M)
    found = fit_accuracy(trained, tested, inverse_regularization=1.0)
    assert found == pytest.approx(expected, abs=1 / 600)


def test_classes_apart_are_all_right_and_under_turned_labels_all_wrong(
    toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    labels_N = torch.arange(60) % 3
    x_NF, real_NF = (normal(60, 8, seed=seed) * 0.1 + functional.one_hot(labels_N, 8) for seed in (1, 2))
    metric = classification_accuracy(features=toy_features, num_fake=60)
    (right,) = metric.measure(given_inputs(x_NF, test=real_NF).with_labels(labels_N, test=labels_N))
    (wrong,) = metric.measure(given_inputs(x_NF, test=real_NF).with_labels((labels_N + 1) % 3, test=labels_N))
    assert (right.value, right.standard_error, wrong.value) == (1.0, 0.0, 0.0)
    assert (right.name, right.higher_is_better, right.error_source) == ("cas_toy", True, "real images")
    assert right.protocol.items() >= {"num_fake": 60, "num_real": 60, "num_classes": 3}.items()


def test_real_digits_teach_more_than_few_of_them_or_noisy_ones(toy_features: Any, given_inputs: type) -> None:
    data = digits(size=8).load("train")
    assert data.labels_N is not None
    x_NF = data.images_NCHW.flatten(1) / 255
    train_NF, test_NF = x_NF[:600], x_NF[600:1200]
    train_labels_N, test_labels_N = data.labels_N[:600], data.labels_N[600:1200]
    metric = classification_accuracy(features=toy_features, num_fake=600, baseline_split="train")

    def measured(fake_NF: Tensor, fake_labels_N: Tensor) -> tuple[float, float]:
        inputs = given_inputs(fake_NF, train=train_NF, test=test_NF)
        inputs.with_labels(fake_labels_N, train=train_labels_N, test=test_labels_N)
        cas, cas_real = metric.measure(inputs)
        assert (cas.name, cas_real.name) == ("cas_toy", "cas_real_toy")
        assert cas_real.protocol["baseline_sha256"] == "hash of train"
        is_right_N = torch.arange(600) < round(cas.value * 600)
        assert cas.standard_error == pytest.approx(float(is_right_N.double().std()) / 600**0.5)
        return cas.value, cas_real.value

    copied, baseline = measured(train_NF, train_labels_N)
    assert copied == baseline > 0.85
    noise_NF = torch.randn(train_NF.shape, generator=torch.Generator().manual_seed(0))
    assert measured(train_NF + noise_NF, train_labels_N)[0] < baseline - 0.05
    # One image a class, over and over.
    rows = torch.stack([(train_labels_N == k).nonzero()[0, 0] for k in range(10)]).repeat(60)
    assert measured(train_NF[rows], train_labels_N[rows])[0] < baseline - 0.1


def test_what_has_no_classes_or_no_baseline_is_refused(
    toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    metric = classification_accuracy(features=toy_features, num_fake=60, baseline_split="train")
    with pytest.raises(UserError, match=r"classification_accuracy measures a conditional GAN"):
        metric.check_networks(num_classes=0, discriminator=None)
    with pytest.raises(UserError, match="the data set has no labels"):
        metric.check_data(DataSpec((1, 8, 8), 0, {"train": 60, "test": 60}))
    with pytest.raises(UserError, match=r"which has 59; lower .*num_fake .* baseline_split = None"):
        metric.check_data(DataSpec((1, 8, 8), 3, {"train": 59, "test": 60}))
    with pytest.raises(ValueError, match="baseline_split must differ from reference_split"):
        classification_accuracy(features=toy_features, baseline_split="test")
    inputs = given_inputs(normal(9, 8, seed=1), test=normal(9, 8, seed=2))
    inputs.with_labels(torch.zeros(9, dtype=torch.int64), test=torch.arange(9) % 3)
    with pytest.raises(UserError, match="needs 1 generated images of every class and class 1 has 0"):
        classification_accuracy(features=toy_features, num_fake=9).measure(inputs)
