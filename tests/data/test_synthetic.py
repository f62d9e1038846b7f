"""Made-up images."""

import pytest
import torch

from ganzoo.data.synthetic import synthetic


def test_images_are_the_same_every_time_and_differ_between_splits_and_seeds() -> None:
    dataset = synthetic(size=8, num_images=12)
    train = dataset.load("train")
    assert train.sha256 == synthetic(size=8, num_images=12).load("train").sha256
    assert (
        len({train.sha256, dataset.load("test").sha256, synthetic(size=8, num_images=12, seed=1).load("train").sha256})
        == 3
    )


def test_images_are_smooth() -> None:
    # Neighbours differ by far less than pixels at random, whose mean difference is 85.
    images = synthetic(size=32).load("train").images_NCHW.double()
    assert images.diff(dim=3).abs().mean() < 10
    assert images.std() > 20


def test_images_of_a_class_resemble_each_other() -> None:
    data = synthetic(size=8, num_classes=2, num_images=400).load("train")
    halves = [
        torch.stack([data.images_NCHW[start::4][:50].double().mean(0) for start in (label, label + 2)])
        for label in (0, 1)
    ]
    within = (halves[0][0] - halves[0][1]).abs().mean()
    between = (halves[0][0] - halves[1][0]).abs().mean()
    assert between > 3 * within


def test_labels_go_round_and_may_be_left_out() -> None:
    assert synthetic(num_classes=3, num_images=7).load("train").labels_N.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert synthetic(num_classes=0, num_images=7).load("train").labels_N is None


@pytest.mark.parametrize("name", ["size", "channels", "num_images"])
def test_senseless_arguments_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        synthetic(**{name: 0})
