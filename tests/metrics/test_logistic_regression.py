"""Logistic regression on features: what it finds, and that the test part decides nothing."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax

from ganzoo.metrics.logistic_regression import LabelledFeatures, choose_and_fit, fit_accuracy


def clusters(num: int, *, seed: int, spread: float) -> LabelledFeatures:
    """Three Gaussians in a plane, and eighteen features of noise."""
    rng = torch.Generator().manual_seed(seed)
    labels_N = torch.randint(3, (num,), generator=rng)
    centres = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    plane = centres[labels_N] + spread * torch.randn(num, 2, generator=rng)
    return LabelledFeatures(torch.cat([plane, torch.randn(num, 18, generator=rng)], 1), labels_N)


def test_it_is_the_minimum_of_the_penalised_cross_entropy_of_standardised_features() -> None:
    train, test, c = clusters(150, seed=0, spread=2.0), clusters(400, seed=1, spread=2.0), 0.05
    x, y = train.features_NF.double().numpy(), train.labels_N.numpy()
    mean, deviation = x.mean(0), x.std(0)

    def loss(flat: np.ndarray) -> float:
        weights = flat.reshape(3, 21)
        logits = (x - mean) / deviation @ weights[:, :20].T + weights[:, 20]
        return -c * log_softmax(logits, axis=1)[np.arange(len(y)), y].sum() + 0.5 * (weights[:, :20] ** 2).sum()

    weights = minimize(loss, np.zeros(63), method="BFGS", options={"gtol": 1e-7}).x.reshape(3, 21)
    logits = (test.features_NF.double().numpy() - mean) / deviation @ weights[:, :20].T + weights[:, 20]
    expected = float((logits.argmax(1) == test.labels_N.numpy()).mean())
    assert fit_accuracy(train, test, inverse_regularization=c) == pytest.approx(expected, abs=1 / 400)


def test_separate_classes_are_told_apart_and_shuffled_labels_are_not() -> None:
    train, test = clusters(300, seed=2, spread=0.3), clusters(300, seed=3, spread=0.3)
    assert fit_accuracy(train, test, inverse_regularization=1.0) == 1.0
    mixed = LabelledFeatures(test.features_NF, test.labels_N[torch.randperm(300)])
    assert fit_accuracy(train, mixed, inverse_regularization=1.0) < 0.45


def test_the_strength_is_the_validation_parts_choice_and_not_the_test_parts() -> None:
    train, test = clusters(100, seed=4, spread=3.0), clusters(1000, seed=5, spread=3.0)
    candidates = (0.001, 0.01, 1000.0)
    validated = [
        fit_accuracy(train[torch.arange(80)], train[torch.arange(80, 100)], inverse_regularization=c)
        for c in candidates
    ]
    best = candidates[int(np.argmax(validated))]
    accuracy, chosen = choose_and_fit(train, test, inverse_regularizations=candidates)
    assert chosen == best
    assert accuracy == fit_accuracy(train, test, inverse_regularization=best)
    wrong = LabelledFeatures(test.features_NF, (test.labels_N + 1) % 3)
    assert choose_and_fit(train, wrong, inverse_regularizations=candidates)[1] == best
