"""A folder of results: what is read, and what is refused."""

import json

import pytest

from ganzoo.bench.results import PROOF, read_results
from ganzoo.errors import UserError

LOST = '{"grid": "g", "baseline": "a", "rows": {}, "shared": {}, "training_files": {}}'


def test_order_labels_and_seeds_come_from_the_proof(tmp_path, fakes):
    rows = {"z": fakes.row("Last letter first"), "a": fakes.row("First letter last")}
    results = read_results(fakes.write(tmp_path / "r", rows=rows, num_seeds=2, num_planned=5))
    assert results.proof.order == ("z", "a")
    assert results.labels == {"z": "Last letter first", "a": "First letter last"}
    assert results.proof.seeds == (0, 1, 2, 3, 4)
    assert [record.seed for record in results.of_row("a")] == [0, 1]
    assert results.mismatches == ()


def test_no_folder_is_refused_with_those_there_are(fake_results):
    with pytest.raises(UserError, match=r"no folder '.*fakes'; there are .*fake$"):
        read_results(fake_results.with_name("fakes"))


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(UserError, match="no records of runs in"):
        read_results(tmp_path)


def test_a_folder_without_proof_is_refused(fake_results):
    (fake_results / PROOF).unlink()
    with pytest.raises(UserError, match=r"proof.json' is missing; `ganzoo bench GRID` writes it"):
        read_results(fake_results)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"rows": 3, "baseline": "a"}', LOST])
def test_a_damaged_proof_is_refused(fake_results, text):
    (fake_results / PROOF).write_text(text)
    with pytest.raises(UserError, match=r"proof.json: (cannot be read|is no proof of a grid)"):
        read_results(fake_results)


def test_a_damaged_record_is_refused_with_its_name(fake_results):
    (fake_results / "ssgan-seed3.json").write_text('{"format_version": 1, "grid"')
    with pytest.raises(UserError, match=r"ssgan-seed3.json: cannot be read"):
        read_results(fake_results)


def test_a_record_of_a_row_that_the_grid_lacks_is_refused(fake_results):
    value = json.loads((fake_results / "ssgan-seed0.json").read_text())
    (fake_results / "old-seed0.json").write_text(json.dumps({**value, "row": "old"}))
    with pytest.raises(UserError, match=r"old-seed0.json: the row 'old' is not in proof.json, which has uncond"):
        read_results(fake_results)
