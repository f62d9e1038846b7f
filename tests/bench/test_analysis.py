"""The typed table, from records whose numbers are known."""

import math

import pytest
from msgspec.structs import replace

from ganzoo.bench.analysis import build_table
from ganzoo.bench.record import write_record
from ganzoo.bench.results import read_results
from ganzoo.diagnostics.flag import Flag
from ganzoo.errors import UserError

FD, KD, RECALL = "fd_efflite0_64px", "kd_efflite0_64px", "recall_efflite0_64px"


@pytest.fixture
def folder(tmp_path, fakes):
    """A proof of two rows and seeds 0 to 4, and a function that adds a record."""
    path = tmp_path / "two"
    path.mkdir()
    fakes.write_proof(path, {name: fakes.rows[name] for name in ("uncond", "ssgan")}, seeds=range(5))
    return path


def fill(folder, fakes, row, values, **options):
    for seed, value in enumerate(values):
        write_record(fakes.record(row, seed, {FD: value}, label=fakes.rows[row].label, **options), folder)


def cell(folder, row, key=FD, **options):
    table = build_table(read_results(folder), **options)
    return next(r for r in table.rows if r.name == row).cells.get(key)


def test_a_cell_holds_every_run_and_what_can_be_said_of_them(fake_results):
    table = build_table(read_results(fake_results))
    assert [row.name for row in table.rows] == ["uncond", "ssgan", "ssgan_sbn", "no_sn"]
    assert [column.key for column in table.columns] == [FD, KD, RECALL]
    found = {row.name: row.cells[FD] for row in table.rows}
    assert found["uncond"].comparison is None
    assert found["ssgan"].comparison.verdict == "better"
    assert found["ssgan_sbn"].comparison.verdict == "not distinguishable"
    assert [run.seed for run in found["ssgan"].runs] == [0, 1, 2, 3, 4]
    assert found["ssgan"].sampling_error == pytest.approx(4.0 / 6)


def test_failed_and_collapsed_runs_are_counted_named_and_worst(fake_results):
    table = build_table(read_results(fake_results))
    row = table.rows[3]
    assert [run.trouble for run in row.cells[FD].runs] == ["", "failed", "", "collapsed", ""]
    assert row.cells[FD].summary.num_lost == 2
    assert row.cells[FD].summary.mean is None
    assert row.cells[FD].runs[3].measured is not None  # shown, but not counted on
    assert row.cells[FD].comparison.verdict == "worse"
    assert row.troubles[0].startswith("Unconditional, no spectral norm, seed 1: failed: a loss or a weight is NaN")
    assert "seed 3: the generated images are 0.02 as far apart" in row.troubles[1]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_a_lost_run(folder, fakes, value):
    fill(folder, fakes, "uncond", [1.0, 2.0, value, 4.0, 5.0])
    found = cell(folder, "uncond")
    assert (found.summary.num_lost, found.summary.median) == (1, 4.0)
    assert found.runs[2].trouble == "without a value"


@pytest.mark.parametrize("kind", ["saturated", "never_covered", "metric_failed", "unclassified"])
def test_a_flag_of_another_kind_is_told_and_loses_nothing_whatever_its_words(folder, fakes, kind):
    fill(folder, fakes, "uncond", [1.0, 2.0], flag=Flag(kind, 5, "collapsed from step 5: a sentence"))
    table = build_table(read_results(folder))
    assert table.rows[0].cells[FD].summary.num_lost == 0
    assert "collapsed from step 5" in table.rows[0].troubles[0]


def test_a_seed_without_a_metric_that_others_have_is_lost_and_a_row_without_it_is_blank(folder, fakes):
    for seed in range(5):
        values = {FD: 1.0 + seed} if seed == 4 else {FD: 1.0 + seed, KD: 0.1 * seed}
        write_record(fakes.record("uncond", seed, values), folder)
        write_record(fakes.record("ssgan", seed, {FD: 2.0}), folder)
    assert cell(folder, "uncond", KD).summary.num_lost == 1
    assert cell(folder, "ssgan", KD) is None


def test_a_row_without_a_run_is_there_and_blank(folder, fakes):
    fill(folder, fakes, "uncond", [1.0, 2.0, 3.0])
    row = build_table(read_results(folder)).rows[1]
    assert (row.label, row.cells, row.cost, row.seeds) == ("SSGAN", {}, None, ())


def test_a_table_of_failed_runs_alone_can_be_made(folder, fakes):
    fill(folder, fakes, "uncond", [0.0], failed="NaN at step 3")
    table = build_table(read_results(folder), is_compute_matched=True)
    assert (table.columns, table.matched) == ((), None)
    assert "NaN at step 3" in table.rows[0].troubles[0]


def test_numbers_of_different_protocols_are_refused_naming_both(folder, fakes):
    fill(folder, fakes, "uncond", [1.0])
    fill(folder, fakes, "ssgan", [2.0], protocol={**fakes.protocol, "num_fake": 2000})
    with pytest.raises(UserError, match=r"protocol fd_efflite0_64px.num_fake: 2000 in ssgan-seed0; 10000 in uncond-"):
        build_table(read_results(folder))


def test_mixed_protocols_are_marked_in_their_column_alone(folder, fakes):
    for row, num in (("uncond", 10000), ("ssgan", 2000)):
        write_record(fakes.record(row, 0, {FD: 1.0}, protocol={**fakes.protocol, "num_fake": num}), folder)
    table = build_table(read_results(folder), allow_mixed=True)
    assert all(row.cells[FD].is_marked for row in table.rows)
    assert table.columns[0].protocol["num_fake"] == "2000 or 10000"


def test_sampling_seeds_are_no_difference_of_protocol(folder, fakes):
    for seed in range(2):
        write_record(fakes.record("uncond", seed, {FD: 1.0}, protocol={**fakes.protocol, "seed": seed}), folder)
    assert "seed" not in build_table(read_results(folder)).columns[0].protocol


def test_another_device_is_refused_and_on_request_marks_the_odd_runs(folder, fakes):
    fill(folder, fakes, "uncond", [1.0, 2.0])
    fill(folder, fakes, "ssgan", [3.0], device_name="H100")
    with pytest.raises(UserError, match="device_name: H100 in ssgan-seed0; cpu in uncond-seed0"):
        build_table(read_results(folder))
    assert cell(folder, "ssgan", allow_mixed=True).is_marked
    assert not cell(folder, "uncond", allow_mixed=True).is_marked


@pytest.mark.parametrize("num_departed", [1, 3])
def test_every_run_that_departs_from_the_grid_is_marked_be_they_the_most(folder, fakes, num_departed):
    fill(folder, fakes, "uncond", [1.0, 2.0])
    for seed in range(num_departed):
        record = fakes.record("ssgan", seed, {FD: 1.0})
        departed = record.operative.replace("experiment.num_steps = 3000", "experiment.num_steps = 7")
        write_record(replace(record, operative=departed), folder)
    with pytest.raises(UserError, match=r"experiment\.num_steps: 3000 \(the grid\) in proof; 7 in ssgan-seed0"):
        build_table(read_results(folder))
    assert cell(folder, "ssgan", allow_mixed=True).is_marked
    assert not cell(folder, "uncond", allow_mixed=True).is_marked


def test_one_metric_on_two_splits_makes_two_columns(folder, fakes):
    record = fakes.record("uncond", 0, {FD: 1.0, KD: 0.5})
    other = fakes.record("uncond", 0, {FD: 3.0}, protocol={**fakes.protocol, "reference_split": "train"})
    write_record(replace(record, metrics=record.metrics + other.metrics), folder)
    table = build_table(read_results(folder))
    keys = [f"{FD}/test", KD, f"{FD}/train"]
    assert [column.key for column in table.columns] == keys
    assert [table.rows[0].cells[key].runs[0].measured for key in keys] == [1.0, 0.5, 3.0]
    assert len(build_table(read_results(folder), metrics=[FD]).columns) == 2
    assert [c.key for c in build_table(read_results(folder), metrics=[f"{FD}/train"]).columns] == keys[2:]


def test_metrics_are_chosen_in_the_order_given(fake_results):
    table = build_table(read_results(fake_results), metrics=[RECALL, FD])
    assert [column.key for column in table.columns] == [RECALL, FD]


def test_an_unknown_metric_is_refused_with_the_nearest(fake_results):
    with pytest.raises(UserError, match="no metric 'fd_eflite0_64px' in these results; did you mean 'fd_efflite0_64"):
        build_table(read_results(fake_results), metrics=["fd_eflite0_64px"])


def test_the_compute_matched_view_is_interpolated_where_curves_are(folder, fakes):
    curve = {f"metric/{FD}": [(1000, 300.0), (2000, 200.0), (3000, 180.0)]}
    fill(folder, fakes, "uncond", [180.0] * 5, curves=curve)
    fill(folder, fakes, "ssgan", [180.0] * 5, curves=curve, views=2.0)
    matched = build_table(read_results(folder), is_compute_matched=True).matched
    assert matched.num_d_images == 384_000
    assert matched.cells["uncond"][FD].summary.mean == pytest.approx(180.0)
    assert matched.cells["ssgan"][FD].summary.mean == pytest.approx(250.0)
    assert matched.missing == ()


def test_a_row_with_a_run_that_was_not_evaluated_stays_blank_and_is_told(folder, fakes):
    fill(folder, fakes, "uncond", [1.0, 2.0])
    fill(folder, fakes, "ssgan", [1.0, 2.0], views=2.0)
    write_record(fakes.record("ssgan", 1, {FD: 2.0}, curves={}, views=2.0, label="SSGAN"), folder)
    matched = build_table(read_results(folder), is_compute_matched=True).matched
    assert matched.cells["ssgan"] == {}
    assert matched.missing == (("SSGAN", FD),)


def test_a_metric_that_a_row_does_not_have_is_not_called_missing_at_equal_compute(folder, fakes):
    both = {FD: 1.0, KD: 2.0}
    curves = {f"metric/{name}": [(1000, 3.0), (3000, value)] for name, value in both.items()}
    write_record(fakes.record("uncond", 0, both, curves=curves), folder)
    write_record(fakes.record("ssgan", 0, {FD: 1.0}, curves={f"metric/{FD}": curves[f"metric/{FD}"]}), folder)
    matched = build_table(read_results(folder), is_compute_matched=True).matched
    assert {row: set(cells) for row, cells in matched.cells.items()} == {"uncond": set(both), "ssgan": {FD}}
    assert matched.missing == ()


def test_a_failed_run_is_lost_in_the_compute_matched_view_as_well(fake_results):
    matched = build_table(read_results(fake_results), is_compute_matched=True).matched
    assert matched.cells["no_sn"][FD].summary.num_lost == 2


def test_published_numbers_stand_beside_the_rows_that_name_them(fake_results):
    columns = build_table(read_results(fake_results), has_reported=True).reported
    assert {name: n.value for name, n in columns[0].numbers.items()} == {
        "uncond": 19.73, "ssgan": 17.11, "ssgan_sbn": 15.65
    }  # fmt: skip
    assert len({(c.source.citation, c.source.protocol) for c in columns}) == len(columns) == 8


def test_published_numbers_that_no_row_names_are_refused(tmp_path, fakes):
    fakes.write(tmp_path / "r", rows={"uncond": fakes.row("Unconditional")})
    with pytest.raises(UserError, match="no row of 'fake' names published numbers"):
        build_table(read_results(tmp_path / "r"), has_reported=True)
