"""The record of a run: what it keeps, how small it is, and that it reads back."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.bench.record import MAX_PICTURE_BYTES, RunRecord, curves, make_record, read_records, write_record
from ganzoo.config.load import load
from ganzoo.errors import UserError
from ganzoo.runs.folder import RunFolder
from ganzoo.runs.monitor import Silent
from ganzoo.training.trainer import train


def record_of(run: RunFolder, results: Path) -> RunRecord:
    return make_record(
        run, grid="g", row="a", label="A", recipe="tiny", seed=0, num_parameters={"generator": 3}, results=results
    )


@pytest.fixture(scope="module")
def trained(tiny_recipe_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.gin").write_text(tiny_recipe_text)
    return train(load(folder / "tiny.gin"), out=folder / "run", monitor=Silent()).folder.path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> RunFolder:
    shutil.copytree(trained, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def test_a_record_reads_back_and_holds_what_the_run_says(run: RunFolder, tmp_path: Path) -> None:
    record = record_of(run, tmp_path)
    write_record(record, tmp_path)
    assert read_records(tmp_path) == [record]
    result = run.result()
    assert result is not None
    assert record.counters == {key: result[key] for key in ("step", "num_real_images", "num_d_images")}
    assert record.operative == run.operative_path.read_text()
    assert (record.status, record.reason, record.num_threads) == ("finished", None, 1)
    assert record.environment == run.environment()
    last = [row for row in run.metrics() if "d/loss" in row][-1]
    assert record.curves["d/loss"][-1] == (12, float(f"{last['d/loss']:.6g}"))


def test_curves_keep_sixty_points_ends_included_and_every_point_of_a_metric() -> None:
    rows = [{"step": i, "num_d_images": 5, "d/loss": i / 3, "metric/fd": i / 3} for i in range(1, 1001)]
    found = curves(rows)
    assert found.keys() == {"d/loss", "metric/fd"}
    assert len(found["d/loss"]) == 60
    assert (found["d/loss"][0], found["d/loss"][-1]) == ((1, 0.333333), (1000, 333.333))
    assert found["metric/fd"] == tuple((i, i / 3) for i in range(1, 1001))


def test_a_large_picture_is_cut_to_whole_images_below_the_limit(run: RunFolder, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8 * 42 - 2, 8 * 42 - 2, 3), np.uint8)
    Image.fromarray(noise).save(sorted(run.samples_path.glob("*.png"))[-1])
    record = record_of(run, tmp_path)
    assert record.samples == "a-seed0.png"
    path = tmp_path / "a-seed0.png"
    assert path.stat().st_size <= MAX_PICTURE_BYTES
    with Image.open(path) as picture:
        assert picture.height in {42 * n - 2 for n in range(1, 8)}
        assert (np.asarray(picture) == noise[: picture.height, : picture.width]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [({"format_version": 2}, "has the format 2"), ({"colour": 1}, "'colour' is missing or unknown")],
)
def test_a_file_that_is_no_record_is_refused(run: RunFolder, tmp_path: Path, change, said) -> None:
    path = write_record(record_of(run, tmp_path), tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UserError, match=said):
        read_records(tmp_path)


def test_a_broken_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a-seed0.json").write_text("{")
    with pytest.raises(UserError, match=r"a-seed0\.json: cannot be read"):
        read_records(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("seed", "zero", "'seed' must be a whole number, not \"zero\""),
        ("seed", True, "'seed' must be a whole number, not true"),
        ("status", "done", "'status' must be 'finished' or 'failed', not \"done\""),
        ("seconds", None, "'seconds' must be a number, not null"),
        ("health", "collapsed", "'health' must be a list of strings, not \"collapsed\""),
        ("counters", {"step": "12"}, '\'counters\' must be an object of whole numbers, not {"step": "12"}'),
        (
            "curves",
            {"d/loss": [1, 2]},
            "'curves' must be an object of lists of [step, value], not {\"d/loss\": [1, 2]}",
        ),
        ("metrics", ["fd"], "'metrics' must be a list of objects, not [\"fd\"]"),
        ("metrics", [{"name": "fd"}], "'higher_is_better' of its metric 1 is missing or unknown"),
        (
            "metrics",
            [{"name": "fd", "value": "1", "standard_error": None, "higher_is_better": False, "protocol": {}}],
            "'value' of its metric 1 must be a number, not \"1\"",
        ),
    ],
)
def test_a_record_with_a_field_of_another_type_is_refused(
    fake_results: Path, field: str, value: object, said: str
) -> None:
    path = sorted(fake_results.glob("*-seed*.json"))[0]
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(UserError) as error:
        read_records(fake_results)
    assert str(error.value) == (
        f"{path}: is no record of a run: {said}; remove the file, and `ganzoo bench` makes it anew"
    )
