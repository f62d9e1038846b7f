"""The record of a run: what it keeps, how small it is, and that it reads back."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from ganzoo.bench.plan import PlannedRun
from ganzoo.bench.record import RunRecord, read_record, read_records, write_record
from ganzoo.bench.recording import MAX_PICTURE_BYTES, curves, make_record
from ganzoo.config.load import load
from ganzoo.diagnostics.flag import Flag
from ganzoo.errors import UserError
from ganzoo.runs.folder import RunFolder
from ganzoo.runs.monitor import Silent
from ganzoo.training.trainer import train

MEASURED = {"name": "fd", "value": 1, "standard_error": None, "higher_is_better": False, "protocol": {}}


def record_of(run: RunFolder, results: Path) -> RunRecord:
    row = SimpleNamespace(name="a", label="A", recipe="tiny")
    built = SimpleNamespace(row=row, num_parameters={"generator": 3})
    planned = PlannedRun(built, 0, run, results / "a-seed0.json", "ended", 12)  # type: ignore[arg-type]
    return make_record(planned, grid="g", results=results)


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
    ("written", "expected"),
    [
        ({"flags": [{"kind": "saturated", "step": 4, "text": "s"}]}, [Flag("saturated", 4, "s")]),
        (
            {"flags": [], "health": ["a is not learnt: x"]},
            [Flag("unlearned_task", None, "a is not learnt: x")],
        ),
        (
            {"metric_failures": [{"metric": "metrics.x", "reason": "too few"}]},
            [Flag("metric_failed", None, "metrics.x could not be computed: too few")],
        ),
    ],
)
def test_the_flags_of_a_result_are_kept_whichever_version_wrote_it(
    run: RunFolder, tmp_path: Path, written: dict[str, object], expected: list[Flag]
) -> None:
    result = {key: value for key, value in (run.result() or {}).items() if key not in ("flags", "health")}
    run.result_path.write_text(json.dumps({**result, **written}))
    assert list(record_of(run, tmp_path).flags) == expected


def test_a_result_of_another_type_is_refused_with_its_file_and_place(run: RunFolder, tmp_path: Path) -> None:
    run.result_path.write_text(json.dumps({**(run.result() or {}), "flags": [{"kind": "saturated", "text": "s"}]}))
    with pytest.raises(UserError) as error:
        record_of(run, tmp_path)
    for part in (str(run.result_path), "`step`", "$.flags[0]", "bring the file back"):
        assert part in str(error.value)


SENTENCES = {
    "collapsed from step 40: generated images are 0.03 as far apart as real ones": ("collapsed", 40),
    "collapsed from step 7: recall_x 0.01": ("collapsed", 7),
    "collapsed at step 3000: the generated images vary by 2.1% of the real ones' variation": ("collapsed", 3000),
    "the generated images never covered the data: recall_x 0.01 at the end": ("never_covered", None),
    "discriminator saturated: its adversarial loss stays below 0.01 from step 60": ("saturated", 60),
    "discriminator saturated: its adversarial loss stayed below 0.01 from step 60 on": ("saturated", 60),
    "the discriminator memorises from step 9: its logits of training and held-out images differ by 0.6": (
        "memorizes",
        9,
    ),
    "rotation is forgotten from step 80: accuracy on real images 0.26, chance 0.25": ("forgotten_task", 80),
    "rotation is not learnt: accuracy on real images 0.26, chance 0.25": ("unlearned_task", None),
    "singular values explode from step 5: that of G.x (and 2 more) ends 12 times": ("exploding_singular_values", 5),
    "spectral normalization fails from step 6: a normalised weight has 2.5": ("broken_spectral_norm", 6),
    "metrics.linear_probe could not be computed: there are no labels": ("metric_failed", None),
    "a collapsed from step 3: look": ("unclassified", None),
}


def test_the_sentences_of_a_record_of_format_1_become_flags(fake_results: Path) -> None:
    path = fake_results / "uncond-seed0.json"
    before = read_record(path)
    value = json.loads(path.read_text())
    del value["flags"]
    path.write_text(json.dumps({**value, "format_version": 1, "health": list(SENTENCES)}))
    flags = tuple(Flag(kind, step, text) for text, (kind, step) in SENTENCES.items())
    assert read_record(path) == replace(before, flags=flags)
    write_record(read_record(path), fake_results)
    assert read_record(path).flags == flags
    assert json.loads(path.read_text())["format_version"] == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format_version": 3}, "has the format 3"),
        ({"format_version": [1]}, r"has the format \[1\]"),
        ({"colour": 1}, "unknown field `colour`"),
        ({"format_version": 1}, "missing required field `health`"),
    ],
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
    ("field", "value", "expected", "place"),
    [
        ("seed", "zero", "`int`", "$.seed"),
        ("seed", True, "`int`", "$.seed"),
        ("status", "done", "'done'", "$.status"),
        ("seconds", None, "`float`", "$.seconds"),
        ("flags", "collapsed", "`array`", "$.flags"),
        ("flags", ["collapsed"], "`object`", "$.flags[0]"),
        ("counters", {"step": "12"}, "`int`", "$.counters[...]"),
        ("curves", {"d/loss": [1, 2]}, "`array`", "$.curves[...][0]"),
        ("curves", {"d/loss": [[1.5, 2]]}, "`int`", "$.curves[...][0][0]"),
        ("metrics", ["fd"], "`object`", "$.metrics[0]"),
        ("metrics", [{"name": "fd"}], "`value`", "$.metrics[0]"),
        ("metrics", [{**MEASURED, "value": "1"}], "`float`", "$.metrics[0].value"),
        ("metrics", [{**MEASURED, "colour": 1}], "`colour`", "$.metrics[0]"),
    ],
)
def test_a_record_with_a_field_of_another_type_is_refused_in_one_sentence(
    fake_results: Path, field: str, value: object, expected: str, place: str
) -> None:
    path = sorted(fake_results.glob("*-seed*.json"))[0]
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(UserError) as error:
        read_records(fake_results)
    said = str(error.value)
    assert said.startswith(f"{path}: is no record of a run: ")
    assert said.endswith(f" at `{place}`; remove the file, and `ganzoo bench` makes it anew")
    assert expected in said
    assert "\n" not in said
