"""Flags from rows made by hand: their kind and step, what is said, and what could be judged at all."""

from pathlib import Path

import pytest
import torch

from ganzoo import registry
from ganzoo.diagnostics.flag import Flag, flags_of, flags_to_json
from ganzoo.diagnostics.flags import Context, Judgement, judge, stays
from ganzoo.errors import UserError
from ganzoo.losses.base import AdversarialLoss
from ganzoo.metrics.precision_recall import precision_recall

CHANCE = {"d/rotation/accuracy_real": 0.25, "d/rotation/accuracy_fake": 0.25, "g/rotation/accuracy_fake": 0.25}


def rows(key: str, values: list[float]) -> list[dict[str, object]]:
    """Rows of one value, ten steps apart, between rows without it."""
    return [row for i, value in enumerate(values) for row in ({"step": 10 * i, key: value}, {"step": 10 * i, "x": 1.0})]


def judged(found: list[dict[str, object]], *, least_d_loss: float | None = 0.0) -> Judgement:
    return judge(found, Context(CHANCE, least_d_loss, [precision_recall]))  # type: ignore[arg-type]


def flags_from(key: str, values: list[float], *, least_d_loss: float | None = 0.0) -> list[Flag]:
    return judged(rows(key, values), least_d_loss=least_d_loss).flags


@pytest.mark.parametrize(
    ("values", "kept"),
    [([5, 1, 1], [(10, 1), (20, 1)]), ([1, 5, 1], [(20, 1)]), ([1, 1, 5], []), ([1, 1], [(0, 1), (10, 1)]), ([], [])],
)
def test_what_stays_is_what_holds_until_the_end(values: list[float], kept: list[tuple[int, float]]) -> None:
    numbered = [(10 * i, value) for i, value in enumerate(values)]
    assert stays(numbered, below=2.0) == kept
    assert stays(numbered, below=2.0, least=3) == []
    assert stays(numbered, below=2.0, above=1.0) == []


def test_images_that_hardly_differ_are_a_collapse_from_the_first_time_they_stay_so() -> None:
    text = "collapsed from step 20: generated images are 0.05 as far apart as real ones"
    assert flags_from("health/pairwise_distance", [0.02, 0.9, 0.08, 0.05]) == [Flag("collapsed", 20, text)]
    assert flags_from("health/pairwise_distance", [0.02, 0.05, 0.4]) == []


def test_a_recall_that_was_there_and_is_lost_is_a_collapse() -> None:
    lost = Flag("collapsed", 20, "collapsed from step 20: recall_toy 0.02")
    assert flags_from("metric/recall_toy", [0.0, 0.3, 0.04, 0.02]) == [lost]
    (never,) = flags_from("metric/recall_toy/test", [0.0, 0.01])
    assert (never.kind, never.step) == ("never_covered", None)
    assert "recall_toy/test 0.01" in never.text
    assert flags_from("metric/recall_toy", [0.0, 0.3]) == []
    assert flags_from("metric/precision_toy", [0.0, 0.0]) == []
    # Another metric's number, of that name by chance.
    assert judge(rows("metric/recall_toy", [0.0]), Context({}, 0.0, [])).flags == []  # type: ignore[arg-type]


def test_a_loss_that_stays_near_zero_for_ten_rows_is_saturation() -> None:
    (flag,) = flags_from("d/adversarial", [1.0] * 3 + [0.001, -0.001] * 5)
    assert (flag.kind, flag.step) == ("saturated", 30)
    assert "below 0.01 from step 30" in flag.text
    assert flags_from("d/adversarial", [1.0] * 3 + [0.001] * 9) == []
    assert flags_from("d/adversarial", [-1.0] * 20) == []


def test_saturation_is_relative_to_the_least_value_of_the_loss() -> None:
    assert flags_from("d/adversarial", [0.001] * 20, least_d_loss=2.0) == []
    (flag,) = flags_from("d/adversarial", [2.001] * 20, least_d_loss=2.0)
    assert (flag.kind, flag.step) == ("saturated", 0)
    assert "below 2.01" in flag.text
    # A Wasserstein critic near zero tells nothing apart: that is the contrary.
    assert flags_from("d/adversarial", [0.001] * 20, least_d_loss=None) == []


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
    (flag,) = flags_from("health/d_gap_share", [0.0, 0.6, 0.8])
    assert (flag.kind, flag.step) == ("memorizes", 10)
    assert "by 0.80 of what" in flag.text
    assert flags_from("health/d_gap_share", [0.6, 0.4]) == []


def test_a_task_at_chance_is_not_learnt_or_forgotten() -> None:
    unlearned = Flag("unlearned_task", None, "rotation is not learnt: accuracy on real images 0.26, chance 0.25")
    assert flags_from("d/rotation/accuracy_real", [0.25, 0.27] * 5 + [0.26]) == [unlearned]
    forgotten = "rotation is forgotten from step 10: accuracy on real images 0.26, chance 0.25"
    assert flags_from("d/rotation/accuracy_real", [0.9] + [0.26] * 10) == [Flag("forgotten_task", 10, forgotten)]
    assert flags_from("d/rotation/accuracy_real", [0.26] * 9) == []  # too few rows
    assert flags_from("d/rotation/accuracy_real", [0.34] * 20) == []  # 0.25 + 0.1 * 0.75 = 0.325
    assert flags_from("g/rotation/accuracy_fake", [0.25] * 20) == []
    assert flags_from("d/unknown/accuracy_real", [0.25] * 20) == []  # its chance is not known


def test_a_singular_value_ten_times_its_median_of_the_first_half_explodes() -> None:
    (flag,) = flags_from("sigma/discriminator.conv0", [1.0, 2.0, 3.0, 4.0, 21.0, 25.0])
    assert (flag.kind, flag.step) == ("exploding_singular_values", 40)
    assert "that of discriminator.conv0 ends 12 times as large" in flag.text
    assert flags_from("sigma/discriminator.conv0", [1.0, 2.0, 4.0, 8.0, 16.0]) == []
    assert flags_from("sigma/discriminator.conv0", [0.0, 0.0, 0.0, 1.0]) == []  # no usual value to compare with
    both = rows("sigma/a", [1.0, 1.0, 1.0, 1.0, 30.0]) + rows("sigma/b", [1.0, 1.0, 1.0, 20.0, 20.0])
    (flag,) = judged(both).flags
    assert flag.step == 30
    assert "that of b (and 1 more) ends 20 times" in flag.text


def test_a_normalised_weight_far_from_one_is_a_broken_norm() -> None:
    (flag,) = flags_from("health/normalized_sigma", [1.01, 2.5, 3.1])
    assert (flag.kind, flag.step) == ("broken_spectral_norm", 10)
    assert "the singular value 3.1 instead of 1" in flag.text
    assert flags_from("health/normalized_sigma", [1.5, 1.02]) == []


def test_no_rows_raise_no_flag_and_judge_nothing() -> None:
    assert judged([]) == Judgement([], [], [])


def test_signs_that_take_ten_rows_are_judged_from_ten_rows_on() -> None:
    signs = ["a saturated discriminator", "rotation that is not learnt"]
    for num in (4, 9, 10):
        made = [{"step": i, "d/adversarial": 1.0, "d/rotation/accuracy_real": 0.9} for i in range(num)]
        found = judged(made)  # type: ignore[arg-type]
        assert (found.judged, found.too_few) == ((signs, []) if num == 10 else ([], signs))


def test_what_was_never_measured_is_neither_judged_nor_short_of_rows() -> None:
    measured = [{"step": 1, "health/pairwise_distance": 0.9}, {"step": 1, "sigma/a": 1.0, "sigma/b": 2.0}]
    measured.append({"step": 1, "metric/precision_toy": 0.5, "metric/recall_toy": 0.5})
    found = judged(measured)  # type: ignore[arg-type]
    assert found.judged == [
        "generated images that hardly differ",
        "generated images that leave most of the data out",
        "exploding singular values",
    ]
    assert found.too_few == []


def test_saturation_is_judged_only_of_a_loss_with_a_least_value() -> None:
    found = judged(rows("d/adversarial", [1.0] * 10), least_d_loss=None)
    assert (found.judged, found.too_few) == ([], [])


RESULT = Path("run/result.json")


def test_flags_are_read_as_they_were_written() -> None:
    flags = [Flag("collapsed", 3, "a"), Flag("never_covered", None, "b")]
    assert flags_of({"flags": flags_to_json(flags)}, where=RESULT) == flags
    assert flags_of({}, where=RESULT) == []


def test_sentences_of_older_results_and_metrics_that_failed_are_flags_too() -> None:
    result = {
        "health": ["collapsed from step 4: recall_x 0.01"],
        "metric_failures": [{"metric": "metrics.x", "reason": "why"}],
    }
    old, failed = flags_of(result, where=RESULT)  # type: ignore[arg-type]
    assert old == Flag("collapsed", 4, "collapsed from step 4: recall_x 0.01")
    assert (failed.kind, failed.step) == ("metric_failed", None)
    assert "metrics.x" in failed.text
    assert "why" in failed.text


@pytest.mark.parametrize("entry", [3, {"kind": "collapsed", "step": "3", "text": ""}, {"step": 3, "text": ""}])
def test_what_is_no_flag_is_refused(entry: object) -> None:
    with pytest.raises(UserError, match=r"result\.json: is no result of a run: .*flags\[0\]"):
        flags_of({"flags": [entry]}, where=RESULT)  # type: ignore[list-item]
