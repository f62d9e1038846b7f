"""What D knew of its tasks: the last logged accuracies, by task and by what they are of."""

import math

import pytest
from msgspec.structs import replace
from scipy import stats

from ganzoo.bench.analysis import build_table
from ganzoo.bench.record import read_record, write_record
from ganzoo.bench.results import read_results
from ganzoo.bench.task_accuracy import task_accuracies
from ganzoo.bench.text_tables import text_tables


def curves(real: float, fake: float) -> dict[str, list[tuple[int, float]]]:
    return {
        "d/logits_real": [(10, 9.0)],
        "d/rotation/accuracy_real": [(5, 0.25), (10, real)],
        "g/rotation/accuracy_fake": [(5, 0.25), (10, fake)],
    }


def test_the_last_value_of_every_run_counts(fakes):
    reals = [0.90, 0.92, 0.91, 0.95, 0.89]
    records = [fakes.record("ssgan", seed, {}, curves=curves(real, 0.5)) for seed, real in enumerate(reals)]
    found = task_accuracies(records)
    assert [(accuracy.task, accuracy.what) for accuracy in found] == [("rotation", "real"), ("rotation", "fake")]
    low, high = stats.t.interval(0.95, 4, loc=sum(reals) / 5, scale=stats.sem(reals))
    assert found[0].summary.mean == pytest.approx(sum(reals) / 5)
    assert found[0].summary.half_width == pytest.approx((high - low) / 2)
    assert (found[1].summary.lowest, found[1].summary.highest) == (0.5, 0.5)


def test_an_accuracy_of_both_steps_has_two_names(fakes):
    both = {"d/deshuffle/accuracy_fake": [(10, 0.4)], "g/deshuffle/accuracy_fake": [(10, 0.7)]}
    found = task_accuracies([fakes.record("deshuffle", 0, {}, curves={**both, **curves(0.9, 0.8)})])
    assert [(accuracy.task, accuracy.what, accuracy.summary.lowest) for accuracy in found] == [
        ("deshuffle", "fake", 0.4),
        ("deshuffle", "fake, in G's step", 0.7),
        ("rotation", "real", 0.9),
        ("rotation", "fake", 0.8),
    ]


def test_a_row_without_tasks_has_none(fakes):
    assert task_accuracies([fakes.record("uncond", 0, {}, curves={"d/loss": [(10, 1.0)]})]) == ()


def test_runs_that_failed_or_whose_accuracy_is_not_finite_are_lost(fakes):
    good, nan = (fakes.record("ssgan", i, {}, curves=curves(real, 0.5)) for i, real in enumerate((0.9, math.nan)))
    failed = fakes.record("ssgan", 2, {}, curves=curves(0.9, 0.5), failed="NaN")
    assert task_accuracies([good, nan, failed])[0].summary.num_lost == 2


def test_the_accuracies_have_a_table_of_their_own(fakes, tmp_path):
    rows = {"uncond": fakes.row("Unconditional"), "ssgan": fakes.row("SSGAN")}
    folder = fakes.write(tmp_path / "fake", rows=rows, num_seeds=2)
    for seed, (real, fake) in enumerate([(0.9, 0.8), (0.92, 0.8)]):
        record = read_record(folder / f"ssgan-seed{seed}.json")
        write_record(replace(record, curves={**record.curves, **curves(real, fake)}), folder)
    (tasks,) = (own for own in text_tables(build_table(read_results(folder))) if own.title == "Tasks")
    assert tasks.rows == (("SSGAN", "rotation", "real", "0.9000 to 0.9200"), ("SSGAN", "rotation", "fake", "0.8000"))
