"""Which signs rows made by hand suffice to judge."""

from ganzoo.metrics.precision_recall import precision_recall
from ganzoo.report.signs import judged_signs

CHANCE = {"d/rotation/accuracy_real": 0.25, "g/rotation/accuracy_fake": 0.25}


def rows(num: int) -> list[dict[str, object]]:
    return [{"step": i, "d/adversarial": 1.0, "d/rotation/accuracy_real": 0.9} for i in range(num)]


def test_signs_that_take_ten_rows_are_judged_from_ten_rows_on() -> None:
    signs = ["a saturated discriminator", "rotation that is not learnt"]
    assert judged_signs(rows(4), chance=CHANCE, least_d_loss=0.0, metrics=[]) == ([], signs)
    assert judged_signs(rows(9), chance=CHANCE, least_d_loss=0.0, metrics=[]) == ([], signs)
    assert judged_signs(rows(10), chance=CHANCE, least_d_loss=0.0, metrics=[]) == (signs, [])


def test_what_was_never_measured_is_neither_judged_nor_short_of_rows() -> None:
    assert judged_signs([], chance=CHANCE, least_d_loss=0.0, metrics=[]) == ([], [])
    measured = [{"step": 1, "health/pairwise_distance": 0.9}, {"step": 1, "sigma/a": 1.0, "sigma/b": 2.0}]
    measured.append({"step": 1, "metric/precision_toy": 0.5, "metric/recall_toy": 0.5})
    assert judged_signs(measured, chance={}, least_d_loss=0.0, metrics=[precision_recall]) == (
        [
            "generated images that hardly differ",
            "generated images that leave most of the data out",
            "exploding singular values",
        ],
        [],
    )


def test_saturation_is_judged_only_of_a_loss_with_a_least_value():
    judged, too_few = judged_signs(rows(10), chance={}, least_d_loss=None, metrics=[])
    assert "a saturated discriminator" not in [*judged, *too_few]
