"""Precision and recall against torch-fidelity, closed cases, and changes of real digits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_prc import calculate_precision_recall_full

from ganzoo.errors import UserError
from ganzoo.metrics.precision_recall import precision_recall, shares_covered


@pytest.mark.parametrize("k", [1, 3, 10])
def test_it_agrees_with_torch_fidelity(k: int, normal: Callable[..., Tensor]) -> None:
    # Unequal numbers, overlapping in part. A tie of float32 could move one image, 1 / 400; none does.
    real_NF, fake_NF = normal(400, 16, seed=1), normal(500, 16, seed=2) * 0.8 + 0.3
    theirs = calculate_precision_recall_full(fake_NF, real_NF, k)
    assert 0.05 < min(theirs) < max(theirs) < 0.999
    assert shares_covered(real_NF, fake_NF, k=k) == pytest.approx(theirs, abs=1e-6)


def test_it_agrees_with_torch_fidelity_on_real_digits(real_digits: Any) -> None:
    for fake_NF in real_digits.fakes.values():
        real_NF = real_digits.reference_NF
        theirs = calculate_precision_recall_full(fake_NF.double(), real_NF.double(), 3)
        assert shares_covered(real_NF, fake_NF, k=3) == pytest.approx(theirs, abs=1e-6)


def test_by_hand_on_a_line() -> None:
    # k = 1. Radii of the reals: 1, 1, 2, 7; of the fakes: 16, 2, 2.
    real_NF, fake_NF = torch.tensor([[0.0], [1], [3], [10]]), torch.tensor([[4.0], [20], [22]])
    # Fakes inside: 4 (in the ball of 3 and of 10), not 20, not 22. Reals inside: all, in the ball of 4.
    assert shares_covered(real_NF, fake_NF, k=1) == (pytest.approx(1 / 3), 1.0)


def test_a_set_covers_itself_and_copies_of_its_images(normal: Callable[..., Tensor]) -> None:
    x_NF = normal(100, 8, seed=1)
    assert shares_covered(x_NF, x_NF, k=3) == (1.0, 1.0)
    copies_NF = x_NF[:1].expand(100, -1)
    precision, recall = shares_covered(x_NF, copies_NF, k=3)
    assert (precision, recall) == (1.0, 0.01)


def test_sets_far_apart_share_nothing(normal: Callable[..., Tensor]) -> None:
    assert shares_covered(normal(100, 8, seed=1), normal(100, 8, seed=2) + 100, k=3) == (0.0, 0.0)


def test_exchanging_the_sets_exchanges_precision_and_recall(normal: Callable[..., Tensor]) -> None:
    x_NF, y_MF = normal(90, 8, seed=1), normal(110, 8, seed=2) * 0.7
    assert shares_covered(x_NF, y_MF, k=3) == shares_covered(y_MF, x_NF, k=3)[::-1]


def test_real_digits_lose_precision_by_noise_and_recall_by_dropped_classes_and_duplicates(real_digits: Any) -> None:
    digits = real_digits
    values = {name: shares_covered(digits.reference_NF, fake_NF, k=3) for name, fake_NF in digits.fakes.items()}
    precision, recall = values["perfect"]
    assert min(precision, recall) > 0.9
    assert values["noise"][0] < precision - 0.3
    for name in ("half of the classes", "duplicates"):
        assert values[name][0] > precision - 0.05
        assert values[name][1] < recall - 0.3


def test_its_measurements_name_extractor_k_and_numbers(
    toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    inputs = given_inputs(normal(80, 8, seed=1), test=normal(70, 8, seed=2))
    metric = precision_recall(features=toy_features, reference_split="test", num_fake=60, k=4)
    first, second = metric.measure(inputs)
    assert (first.name, second.name) == ("precision_toy", "recall_toy")
    assert (first.value, second.value) == shares_covered(inputs.splits["test"], inputs.fake_NF[:60], k=4)
    assert first.higher_is_better
    assert second.higher_is_better
    assert first.standard_error is None
    assert first.protocol == second.protocol
    assert first.protocol.items() >= {"num_real": 70, "num_fake": 60, "k": 4, "data_sha256": "hash of test"}.items()


def test_too_few_images_are_refused(toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match="k must be at least 1"):
        precision_recall(features=toy_features, k=0)
    with pytest.raises(ValueError, match="num_fake must be at least 4"):
        precision_recall(features=toy_features, num_fake=3)
    inputs = given_inputs(normal(10, 8, seed=1), train=normal(3, 8, seed=2))
    with pytest.raises(UserError, match=r"asks for 4 images of the split 'train', which has 3; lower .*\.k"):
        precision_recall(features=toy_features, num_fake=10).measure(inputs)


def test_features_that_are_nan_are_refused(
    toy_features: Any, given_inputs: type, normal: Callable[..., Tensor]
) -> None:
    broken_NF = normal(10, 8, seed=1)
    broken_NF[2] = torch.nan
    with pytest.raises(UserError, match="NaN or infinite features for 1 of 10 generated"):
        precision_recall(features=toy_features, num_fake=10).measure(
            given_inputs(broken_NF, train=normal(10, 8, seed=2))
        )
