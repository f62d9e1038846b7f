"""The page on results says what the committed records say, and its pictures show them."""

import importlib.util
import itertools
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ganzoo.bench.analysis import Cell, Row, Table, build_table
from ganzoo.bench.results import read_results

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/results.md").read_text("utf-8")
LINES = PAGE.splitlines()
TOLD = re.findall(r"([+-]?[\d,]*\.?\d+)<!-- ([\w ,/]+?) -->", PAGE)
"""Every number of the page that is held to the records: how it is written, and the names in the mark behind it."""
FASHION = ROOT / "benchmarks/results/fashion"
ROBUSTNESS = ROOT / "benchmarks/results/robustness"
FORGETTING = ROOT / "benchmarks/results/forgetting"
CONDITIONS = {
    "sn_d1": "spectral norm, 1 D step",
    "sn_d2": "spectral norm, 2 D steps",
    "gp_d1": "gradient penalty, 1 D step",
    "gp_d2": "gradient penalty, 2 D steps",
}
Curves = dict[tuple[str, int], dict[str, dict[int, float]]]  # by row and seed, metric, and step
METRICS = ("fd", "kd", "precision", "recall", "density", "coverage")


def told(name: str) -> list[str]:
    """Return the numbers that the page marks with a name, without commas and with a digit before the point."""
    found = [text.replace(",", "") for text, names in TOLD if name in names.split(" / ")]
    return [f"0{text}" if text.startswith(".") else text for text in found]


def assert_told(name: str, value: float, *, digits: int = 0) -> None:
    """Hold the one number of a name to a value, rounded to so many digits behind the point."""
    assert name in NAMES
    assert told(name) == [f"{value:.{digits}f}"], name


NAMES = {
    "hours of fashion",
    "columns of fashion",
    "ssgan rotation real",
    "updates of ssgan at equal images",
    "fd worse",
    "fd worse elsewhere",
    "recall worse",
    "coverage worse",
    "wider ranges",
    "matched images",
    "longest matched",
    "shortest matched",
    "evaluations with earlier fakes",
    "falls, earlier fakes",
    "falls, present fakes",
    "probe gain, seed 0",
    "probe gain, seed 1",
    "probe gain, seed 2",
    "probe gain of fashion",
    "half width of fashion",
    "least gain over random",
    "most gain over random",
    "quickstart step",
}
"""Of all marks of the page; each is held to the records below."""


def table_rows(header: str) -> dict[str, list[str]]:
    """Return the cells of a table that is written by hand, by its first column."""
    (start,) = [number for number, line in enumerate(LINES) if line == header]
    rows = itertools.takewhile(lambda line: line.startswith("|"), LINES[start + 2 :])
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {first: others for first, *others in cells}


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_results", ROOT / "benchmarks/draw_results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def runs(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*-seed*.json"))]


def values(metric: str) -> dict[tuple[str, int], float]:
    """Return a metric of every run of the grid by row and seed, with the sign turned where higher is better."""
    found = {}
    for run in runs(ROBUSTNESS):
        (measured,) = (m for m in run["metrics"] if m["name"] == f"{metric}_efflite0_64px")
        found[run["row"], run["seed"]] = measured["value"] * (-1 if measured["higher_is_better"] else 1)
    return found


def num_worse(metric: str, condition: str) -> int:
    found = values(metric)
    return sum(found[f"ssgan_{condition}", seed] > found[f"uncond_{condition}", seed] for seed in range(3))


def test_the_pairs_of_the_page_are_those_of_the_records() -> None:
    shown = table_rows("| SSGAN worse in | fd | kd | precision | recall | density | coverage |")
    assert shown == {
        words: [str(num_worse(metric, condition)) for metric in METRICS] for condition, words in CONDITIONS.items()
    }


def test_the_counts_in_its_sentences_are_those_of_the_records() -> None:
    worse = {metric: {c: num_worse(metric, c) for c in CONDITIONS} for metric in METRICS}
    assert_told("fd worse", sum(worse["fd"].values()))
    assert worse["fd"]["sn_d1"] == 3
    assert_told("fd worse elsewhere", sum(num for condition, num in worse["fd"].items() if condition != "sn_d1"))
    cells = [(metric, condition) for metric in METRICS for condition in CONDITIONS if worse[metric][condition] == 0]
    assert cells == [("kd", "sn_d2")]
    assert worse["recall"]["sn_d2"] == worse["coverage"]["sn_d2"] == 3
    for metric in ("recall", "coverage"):
        assert_told(f"{metric} worse", sum(worse[metric].values()))


def test_the_ranges_over_seeds_are_those_of_the_records() -> None:
    distances = values("fd")

    def spread(row: str) -> float:
        of_row = [distances[row, seed] for seed in range(3)]
        return max(of_row) - min(of_row)

    spreads = {c: (spread(f"uncond_{c}"), spread(f"ssgan_{c}")) for c in CONDITIONS}
    shown = table_rows("| range of fd | without rotation | with rotation |")
    assert shown == {CONDITIONS[c]: [f"{value:.0f}" for value in pair] for c, pair in spreads.items()}
    assert_told("wider ranges", sum(with_it > without_it for without_it, with_it in spreads.values()))
    in_one = [distances["uncond_sn_d1", seed] for seed in range(3)]
    in_two = [distances["uncond_sn_d2", seed] for seed in range(3)]
    assert min(in_two) < min(in_one) < max(in_one) < max(in_two)
    assert min({row for row, _ in distances}, key=spread) == "uncond_sn_d1"


def test_no_run_collapsed_and_none_is_missing() -> None:
    assert sorted((run["row"], run["seed"]) for run in runs(ROBUSTNESS)) == sorted(
        (f"{kind}_{condition}", seed) for kind in ("uncond", "ssgan") for condition in CONDITIONS for seed in range(3)
    )
    for run in runs(ROBUSTNESS):
        assert (run["status"], run["health"]) == ("finished", [])


def test_at_equal_d_images_every_pair_says_the_same(drawing: ModuleType) -> None:
    matched = build_table(read_results(ROBUSTNESS), is_compute_matched=True).matched
    assert matched is not None
    pairs = drawing.pairs(matched.cells)
    assert set(pairs) == set(CONDITIONS)
    assert [ssgan > uncond for seeds in pairs.values() for uncond, ssgan in seeds.values()] == [True] * 12
    images = [run["counters"]["num_d_images"] / run["counters"]["step"] for run in runs(ROBUSTNESS)]
    assert_told("matched images", matched.num_d_images)
    assert_told("longest matched", matched.num_d_images / min(images))
    assert_told("shortest matched", matched.num_d_images / max(images))


def test_the_picture_joins_the_runs_of_one_seed(drawing: ModuleType) -> None:
    table = build_table(read_results(ROBUSTNESS))
    pairs = drawing.pairs({row.name: row.cells for row in table.rows})
    distances = values("fd")
    for condition in CONDITIONS:
        assert pairs[condition] == {
            seed: (distances[f"uncond_{condition}", seed], distances[f"ssgan_{condition}", seed]) for seed in range(3)
        }


@pytest.fixture(scope="module")
def curves() -> Curves:
    """Return the metrics of every run of the grid on forgetting over training."""
    return {
        (run["row"], run["seed"]): {
            key.removeprefix("metric/"): dict(points)
            for key, points in run["curves"].items()
            if key.startswith("metric/")
        }
        for run in runs(FORGETTING)
    }


def test_all_runs_on_forgetting_are_there(curves: Curves) -> None:
    rows = ("uncond", "ssgan", "replay", "ewc", "rotation_only")
    assert sorted(curves) == sorted((row, seed) for row in rows for seed in range(3))
    for run in runs(FORGETTING):
        assert (run["status"], run["health"]) == ("finished", [])


def balanced(curves: Curves, row: str, seed: int, fakes: str, step: int) -> float:
    found = curves[row, seed]
    return (found["memory_held_out_reals"][step] + found[f"memory_{fakes}_fakes"][step]) / 2


def test_what_it_says_of_classes_and_of_earlier_fakes_holds(curves: Curves) -> None:
    assert all(found["probe_block3"][3000] > found["probe_block3"][500] for found in curves.values())
    shares = [
        (value, found["memory_present_fakes"][step])
        for found in curves.values()
        for step, value in found.get("memory_earlier_fakes", {}).items()
    ]
    assert_told("evaluations with earlier fakes", len(shares))
    assert all(earlier > present for earlier, present in shares)
    runs_with_memory = [(row, seed) for row, seed in curves if row != "rotation_only"]
    assert len(runs_with_memory) == 12
    for fakes in ("earlier", "present"):
        falls = [balanced(curves, *run, fakes, 3000) < balanced(curves, *run, fakes, 1000) for run in runs_with_memory]
        assert_told(f"falls, {fakes} fakes", sum(falls))


def test_its_ranges_on_earlier_fakes_are_those_of_the_records(curves: Curves) -> None:
    for row, (lowest, highest) in table_rows("| row | lowest | highest |").items():
        name = {"Unconditional": "uncond", "SSGAN": "ssgan", "Replay": "replay"}[row]
        found = [balanced(curves, name, seed, "earlier", 3000) for seed in range(3)]
        assert [lowest, highest] == [f"{value:.3f}".lstrip("0") for value in (min(found), max(found))]


@pytest.mark.parametrize("fakes", ["present", "earlier"])
def test_consolidation_is_the_worst(curves: Curves, fakes: str) -> None:
    for seed in range(3):
        final = {
            row: balanced(curves, row, seed, fakes, 3000)
            for row, other in curves
            if other == seed and row != "rotation_only"
        }
        assert min(final, key=final.__getitem__) == "ewc"


def test_the_picture_has_balanced_accuracies(curves: Curves, drawing: ModuleType) -> None:
    for record in read_results(FORGETTING).records:
        curve = drawing.balanced(record, drawing.EARLIER)
        steps = curves[record.row, record.seed].get("memory_earlier_fakes", {})
        assert curve == {step: balanced(curves, record.row, record.seed, "earlier", step) for step in steps}


def test_the_probes_of_the_page_are_those_of_the_records(curves: Curves) -> None:
    for seed in range(3):
        gain = curves["ssgan", seed]["probe_block3"][3000] - curves["uncond", seed]["probe_block3"][3000]
        assert_told(f"probe gain, seed {seed}", gain, digits=4)
    comparison = row_of(build_table(read_results(FASHION)), "ssgan").cells["probe_block3"].comparison
    assert comparison is not None
    assert_told("probe gain of fashion", comparison.difference, digits=4)
    assert_told("half width of fashion", comparison.half_width, digits=4)
    above = [found["probe_block3"][3000] - 0.787 for found in curves.values()]
    assert_told("least gain over random", min(above), digits=2)
    assert_told("most gain over random", max(above), digits=2)


def test_the_unconditional_runs_are_those_of_the_other_grid() -> None:
    for seed in range(3):
        name = f"uncond-seed{seed}.json"
        here, there = (json.loads((f / name).read_text("utf-8")) for f in (FORGETTING, FORGETTING.parent / "fashion"))
        for key in ("d/loss", "g/loss", "d/grad_norm"):
            assert here["curves"][key] == there["curves"][key]


VERDICT_HEADER = "| row | equal updates: better | worse | n.d. | equal D images: better | worse | n.d. |"


def row_of(table: Table, name: str) -> Row:
    (row,) = [row for row in table.rows if row.name == name]
    return row


@pytest.fixture(scope="module")
def fashion() -> Table:
    return build_table(read_results(FASHION), is_compute_matched=True)


def verdicts(cells: Mapping[str, Cell]) -> dict[str, str]:
    return {key: cell.comparison.verdict for key, cell in cells.items() if cell.comparison is not None}


def test_the_verdicts_of_the_page_are_those_of_the_table(fashion: Table) -> None:
    assert fashion.matched is not None
    assert_told("columns of fashion", len(fashion.columns))
    expected = {}
    for row in fashion.rows:
        if row.name == fashion.baseline:
            continue
        views = [verdicts(row.cells), verdicts(fashion.matched.cells[row.name])]
        words = ("better", "worse", "not distinguishable")
        expected[row.label] = [str(list(found.values()).count(word)) for found in views for word in words]
    assert table_rows(VERDICT_HEADER) == expected


def test_what_it_says_of_single_columns_of_fashion_holds(fashion: Table) -> None:
    worse = ("fd_efflite0_64px", "recall_efflite0_64px", "coverage_efflite0_64px")
    found = verdicts(row_of(fashion, "ssgan").cells)
    assert {key for key, verdict in found.items() if verdict == "worse"} == set(worse)
    sign = {column.key: 1 if column.higher_is_better else -1 for column in fashion.columns}
    for key in worse:
        pairs = zip(row_of(fashion, "ssgan").cells[key].runs, row_of(fashion, "uncond").cells[key].runs, strict=True)
        assert all(sign[key] * (ssgan.value - uncond.value) < 0 for ssgan, uncond in pairs), key
    better = {key for key, verdict in verdicts(row_of(fashion, "cond").cells).items() if verdict == "better"}
    assert better == {"probe_block3"}


def test_the_other_numbers_on_fashion_are_those_of_the_records(fashion: Table) -> None:
    assert_told("hours of fashion", fashion.total_seconds / 3600, digits=1)
    ssgan = row_of(fashion, "ssgan")
    (real,) = [accuracy.summary.mean for accuracy in ssgan.tasks if accuracy.what == "real"]
    assert_told("ssgan rotation real", real, digits=3)
    assert fashion.matched is not None
    assert ssgan.cost is not None
    images_per_step = ssgan.cost.num_d_images / ssgan.cost.num_steps
    assert_told("updates of ssgan at equal images", fashion.matched.num_d_images / images_per_step)


def test_the_numbers_of_the_quickstart_are_those_of_its_result() -> None:
    result = json.loads((ROOT / "docs/images/quickstart_result.json").read_text("utf-8"))
    assert_told("quickstart step", result["step"])
    for metric in result["metrics"]:
        (line,) = [line for line in LINES if line.startswith(f"| `{metric['name']}`")]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1] == f"{metric['value']:.4g}"
        error = metric["standard_error"]
        assert cells[2] == ("" if error is None else f"± {error:.2g}")


def test_every_marked_number_is_held_to_something() -> None:
    assert {name for _, names in TOLD for name in names.split(" / ")} == NAMES
    assert PAGE.count("<!-- ") == len(TOLD) + 2 * PAGE.count("<!-- end -->")
