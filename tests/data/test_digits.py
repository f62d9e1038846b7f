"""scikit-learn's digits."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ganzoo.data.digits import digits


def test_at_their_own_size_the_digits_are_scikit_learns_times_a_sixteenth_of_255() -> None:
    data = digits(size=8).load("train")
    theirs = load_digits()
    np.testing.assert_allclose(data.images_NCHW[:, 0].numpy(), theirs.images * 255 / 16, atol=0.5)
    assert data.images_NCHW.max() == 255
    np.testing.assert_array_equal(data.labels_N.numpy(), theirs.target)


def test_enlarging_keeps_the_mean_brightness() -> None:
    small, large = (digits(size=size).load("train").images_NCHW.double().mean() for size in (8, 16))
    assert abs(small - large) < 1.0


def test_the_last_images_form_the_test_split() -> None:
    dataset = digits(num_test=297)
    assert dataset.spec().num_images == {"train": 1500, "test": 297}
    whole = digits().load("train")
    train, test = dataset.load("train"), dataset.load("test")
    assert torch.equal(torch.cat([train.images_NCHW, test.images_NCHW]), whole.images_NCHW)
    assert torch.equal(torch.cat([train.labels_N, test.labels_N]), whole.labels_N)


def test_without_a_test_part_there_is_no_such_split() -> None:
    assert digits().spec().num_images == {"train": 1797}


@pytest.mark.parametrize("arguments", [{"size": 0}, {"num_test": 1797}, {"num_test": -1}])
def test_senseless_arguments_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        digits(**arguments)
