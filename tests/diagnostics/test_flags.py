"""Flags from rows made by hand: what is said, from which step on, and that a sound run is left in peace."""

import pytest
import torch

from ganzoo import registry
from ganzoo.diagnostics import flags
from ganzoo.losses.base import AdversarialLoss
from ganzoo.metrics.precision_recall import precision_recall

CHANCE = {"d/rotation/accuracy_real": 0.25, "d/rotation/accuracy_fake": 0.25, "g/rotation/accuracy_fake": 0.25}


def rows(key: str, values: list[float]) -> list[dict[str, object]]:
    """Rows of one value, ten steps apart, between rows without it."""
    return [row for i, value in enumerate(values) for row in ({"step": 10 * i, key: value}, {"step": 10 * i, "x": 1.0})]


def flags_of(key: str, values: list[float]) -> list[str]:
    return flags.flags(rows(key, values), chance=CHANCE, least_d_loss=0.0, metrics=[precision_recall])


@pytest.mark.parametrize(
    ("values", "kept"),
    [([5, 1, 1], [(10, 1), (20, 1)]), ([1, 5, 1], [(20, 1)]), ([1, 1, 5], []), ([1, 1], [(0, 1), (10, 1)]), ([], [])],
)
def test_what_stays_is_what_holds_until_the_end(values: list[float], kept: list[tuple[int, float]]) -> None:
    numbered = [(10 * i, value) for i, value in enumerate(values)]
    assert flags.stays(numbered, below=2.0) == kept
    assert flags.stays(numbered, below=2.0, least=3) == []
    assert flags.stays(numbered, below=2.0, above=1.0) == []


def test_images_that_hardly_differ_are_a_collapse_from_the_first_time_they_stay_so() -> None:
    assert flags_of("health/pairwise_distance", [0.02, 0.9, 0.08, 0.05]) == [
        "collapsed from step 20: generated images are 0.05 as far apart as real ones"
    ]
    assert flags_of("health/pairwise_distance", [0.02, 0.05, 0.4]) == []


def test_a_recall_that_was_there_and_is_lost_is_a_collapse() -> None:
    assert flags_of("metric/recall_toy", [0.0, 0.3, 0.04, 0.02]) == ["collapsed from step 20: recall_toy 0.02"]
    assert flags_of("metric/recall_toy/test", [0.0, 0.01]) == [
        "the generated images never covered the data: recall_toy/test 0.01 at the end"
    ]
    assert flags_of("metric/recall_toy", [0.0, 0.3]) == []
    assert flags_of("metric/precision_toy", [0.0, 0.0]) == []
    assert flags.collapse_flags(rows("metric/recall_toy", [0.0]), metrics=[]) == []  # another metric's, by chance


def test_a_loss_that_stays_near_zero_for_ten_rows_is_saturation() -> None:
    assert flags_of("d/adversarial", [1.0] * 3 + [0.001, -0.001] * 5) == [
        "discriminator saturated: its adversarial loss stays below 0.01 from step 30"
    ]
    assert flags_of("d/adversarial", [1.0] * 3 + [0.001] * 9) == []
    assert flags_of("d/adversarial", [-1.0] * 20) == []


def test_saturation_is_relative_to_the_least_value_of_the_loss() -> None:
    near_zero, near_two = (rows("d/adversarial", [value] * 20) for value in (0.001, 2.001))
    assert flags.saturation_flags(near_zero, least_d_loss=2.0) == []
    assert flags.saturation_flags(near_two, least_d_loss=2.0) == [
        "discriminator saturated: its adversarial loss stays below 2.01 from step 0"
    ]
    # A Wasserstein critic near zero tells nothing apart: that is the contrary.
    assert flags.saturation_flags(near_zero, least_d_loss=None) == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("hinge", {}),
        ("non_saturating", {}),
        ("least_squares", {}),
        ("relativistic_average", {"form": "hinge"}),
        ("relativistic_average", {"form": "cross_entropy"}),
        ("wasserstein", {}),
    ],
)
def test_a_loss_declares_what_a_perfect_discriminator_approaches(name: str, arguments: dict[str, str]) -> None:
    loss = registry.part(f"losses.{name}", **arguments)()
    assert isinstance(loss, AdversarialLoss)
    scales = (0.5, 1.0, 30.0, 1000.0)  # 0.5: the targets of least squares lie so far from their middle
    least = min(
        float(loss.d_loss(torch.full((4,), middle + scale), torch.full((4,), middle - scale)))
        for scale in scales
        for middle in (0.0, 0.5)
    )
    if loss.least_d_loss is None:
        assert least == -2000.0
    else:
        assert least == pytest.approx(loss.least_d_loss, abs=1e-6)


def test_a_discriminator_that_knows_its_training_images_memorises() -> None:
    (flag,) = flags_of("health/d_gap_share", [0.0, 0.6, 0.8])
    assert flag == (
        "the discriminator memorises from step 10: its logits of training and held-out images differ by 0.80 of what "
        "those of training and generated images do"
    )
    assert flags_of("health/d_gap_share", [0.6, 0.4]) == []


def test_a_task_at_chance_is_not_learnt_or_forgotten() -> None:
    assert flags_of("d/rotation/accuracy_real", [0.25, 0.27] * 5 + [0.26]) == [
        "rotation is not learnt: accuracy on real images 0.26, chance 0.25"
    ]
    assert flags_of("d/rotation/accuracy_real", [0.9] + [0.26] * 10) == [
        "rotation is forgotten from step 10: accuracy on real images 0.26, chance 0.25"
    ]
    assert flags_of("d/rotation/accuracy_real", [0.26] * 9) == []  # too few rows
    assert flags_of("d/rotation/accuracy_real", [0.34] * 20) == []  # 0.25 + 0.1 * 0.75 = 0.325
    assert flags_of("g/rotation/accuracy_fake", [0.25] * 20) == []


def test_a_singular_value_ten_times_its_median_of_the_first_half_explodes() -> None:
    assert flags_of("sigma/discriminator.conv0", [1.0, 2.0, 3.0, 4.0, 21.0, 25.0]) == [
        "singular values explode from step 40: that of discriminator.conv0 ends 12 times as large as in the first half "
        "of the run"
    ]
    assert flags_of("sigma/discriminator.conv0", [1.0, 2.0, 4.0, 8.0, 16.0]) == []
    both = rows("sigma/a", [1.0, 1.0, 1.0, 1.0, 30.0]) + rows("sigma/b", [1.0, 1.0, 1.0, 20.0, 20.0])
    (flag,) = flags.singular_value_flags(both)
    assert flag.startswith("singular values explode from step 30: that of b (and 1 more) ends 20 times")


def test_a_normalised_weight_far_from_one_is_a_broken_norm() -> None:
    (flag,) = flags_of("health/normalized_sigma", [1.01, 2.5, 3.1])
    assert (
        flag == "spectral normalization fails from step 10: a normalised weight has the singular value 3.1 instead of 1"
    )
    assert flags_of("health/normalized_sigma", [1.5, 1.02]) == []


def test_no_rows_raise_no_flag() -> None:
    assert flags.flags([], chance=CHANCE, least_d_loss=0.0, metrics=[]) == []
