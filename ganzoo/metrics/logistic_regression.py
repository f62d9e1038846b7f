"""Logistic regression on frozen features, by scikit-learn. N: images; F: features; K: classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MAX_ITERATIONS = 2000
VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class ClassifiedFeatures:
    """Features (N, F) with class labels (N,)."""

    features_NF: Tensor
    labels_N: Tensor

    def __getitem__(self, rows_N: Tensor) -> "ClassifiedFeatures":
        return ClassifiedFeatures(self.features_NF[rows_N], self.labels_N[rows_N])


def fit_accuracy(train: ClassifiedFeatures, test: ClassifiedFeatures, *, inverse_regularization: float) -> float:
    """Return the test accuracy, in 0..1, of multinomial logistic regression on standardised features.

    Args:
        train: what it is fitted to; mean and deviation of each feature are computed from it.
        test: what it is scored on.
        inverse_regularization: scikit-learn's C; larger fits closer.
    """
    # Imported here, because it takes a second that a run without a probe should not wait.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=inverse_regularization, max_iter=MAX_ITERATIONS))
    model.fit(_array(train.features_NF), train.labels_N.numpy())
    return float(model.score(_array(test.features_NF), test.labels_N.numpy()))


def choose_and_fit(
    train: ClassifiedFeatures, test: ClassifiedFeatures, *, inverse_regularizations: Sequence[float]
) -> tuple[float, float]:
    """Return the test accuracy at the value of C that is best on a validation part, and that value.

    The validation part is the last fifth of `train`. The best candidate (among equals, the strongest regulariser) is
    fitted again to all of `train`. The test part decides nothing.

    Args:
        train: in random order.
        test: what the best candidate is scored on.
        inverse_regularizations: the candidates for C, from the strongest regulariser to the weakest.
    """
    if len(inverse_regularizations) == 1:
        (chosen,) = inverse_regularizations
        return fit_accuracy(train, test, inverse_regularization=chosen), chosen
    num_fit = len(train.labels_N) - round(VALIDATION_SHARE * len(train.labels_N))
    rows_N = torch.arange(len(train.labels_N))
    scores = [
        fit_accuracy(train[rows_N[:num_fit]], train[rows_N[num_fit:]], inverse_regularization=c)
        for c in inverse_regularizations
    ]
    chosen = inverse_regularizations[int(np.argmax(scores))]
    return fit_accuracy(train, test, inverse_regularization=chosen), chosen


def _array(features_NF: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return features_NF.double().numpy()
