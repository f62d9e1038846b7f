"""The page on results says what the committed records say, and its pictures show them."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ganzoo.bench.analysis import build_table
from ganzoo.bench.results import read_results

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs/results.md").read_text("utf-8").split())
LINES = (ROOT / "docs/results.md").read_text("utf-8").splitlines()
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


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_results", ROOT / "benchmarks/draw_results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    for condition, words in CONDITIONS.items():
        counts = " | ".join(str(num_worse(metric, condition)) for metric in METRICS)
        assert f"| {words} | {counts} |" in LINES


def test_the_counts_in_its_sentences_are_those_of_the_records() -> None:
    worse = {metric: {c: num_worse(metric, c) for c in CONDITIONS} for metric in METRICS}
    assert f"higher with it in {sum(worse['fd'].values())} of 12 pairs, in all three under" in PAGE
    assert worse["fd"]["sn_d1"] == 3
    others = sum(num for condition, num in worse["fd"].items() if condition != "sn_d1")
    assert f"higher in {others} of 9 pairs, lower in {9 - others}" in PAGE
    cells = [(metric, condition) for metric in METRICS for condition in CONDITIONS if worse[metric][condition] == 0]
    assert cells == [("kd", "sn_d2")]
    assert "One cell of the table above speaks for rotation: the kernel distance under spectral norm with two D" in PAGE
    assert worse["recall"]["sn_d2"] == worse["coverage"]["sn_d2"] == 3
    assert sum(worse["recall"].values()) == sum(worse["coverage"].values()) == 11
    assert "Recall and coverage are lower with rotation in 11 of 12 pairs each" in PAGE


def test_the_spreads_in_its_sentences_are_those_of_the_records() -> None:
    distances = values("fd")

    def spread(row: str) -> float:
        of_row = [distances[row, seed] for seed in range(3)]
        return max(of_row) - min(of_row)

    with_it, without_it = ([round(spread(f"{kind}_{c}")) for c in CONDITIONS] for kind in ("ssgan", "uncond"))
    told = "{}, {}, {} and {} against {}, {}, {} and {}".format(*with_it, *without_it)
    assert told in PAGE
    assert sum(a > b for a, b in zip(with_it, without_it, strict=True)) == 3
    in_one = [distances["uncond_sn_d1", seed] for seed in range(3)]
    in_two = [distances["uncond_sn_d2", seed] for seed in range(3)]
    assert min(in_two) < min(in_one) < max(in_one) < max(in_two)
    narrowest = min({row for row, _ in distances}, key=spread)
    assert narrowest == "uncond_sn_d1"


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
    assert "SSGAN is worse in all 12 pairs" in PAGE
    images = [run["counters"]["num_d_images"] / run["counters"]["step"] for run in runs(ROBUSTNESS)]
    longest, shortest = matched.num_d_images / min(images), matched.num_d_images / max(images)
    said = re.search(r"([\d,]+) images are ([\d,]+) updates of the cheapest row and (\d+) of the dearest", PAGE)
    assert said is not None
    assert [number.replace(",", "") for number in said.groups()] == [
        f"{number:.0f}" for number in (matched.num_d_images, longest, shortest)
    ]


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
    assert len(shares) == 60
    assert all(earlier > present for earlier, present in shares)
    assert (
        "At all 60 evaluations that have earlier fakes (five of each of twelve runs) D recognises them better" in PAGE
    )
    runs_with_memory = [(row, seed) for row, seed in curves if row != "rotation_only"]
    falls = {
        fakes: sum(
            balanced(curves, *run, fakes, 3000) < balanced(curves, *run, fakes, 1000) for run in runs_with_memory
        )
        for fakes in ("earlier", "present")
    }
    assert f"lower after 3,000 updates than after 1,000 in {falls['earlier']} of the 12 runs" in PAGE
    assert f"on fakes of the moment, it falls in {falls['present']} of the 12" in PAGE


def test_its_ranges_on_earlier_fakes_are_those_of_the_records(curves: Curves) -> None:
    told = []
    for row in ("uncond", "ssgan", "replay"):
        values = [balanced(curves, row, seed, "earlier", 3000) for seed in range(3)]
        told.append(" to ".join(f"{value:.3f}".lstrip("0") for value in (min(values), max(values))))
    assert "{} for the unconditional GAN, {} for SSGAN and {} for replay".format(*told) in PAGE


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
    gains = [curves["ssgan", s]["probe_block3"][3000] - curves["uncond", s]["probe_block3"][3000] for s in range(3)]
    told = "by {}, {} and {}".format(*(f"{gain:.4f}".lstrip("0") for gain in gains))
    assert told in PAGE
    fashion = (ROOT / "benchmarks/results/fashion/table.md").read_text("utf-8")
    assert re.search(r"\| SSGAN +\| probe_block3 +\| \+0\.0019 ± 0\.0038 ", fashion)
    above = [found["probe_block3"][3000] - 0.787 for found in curves.values()]
    assert (round(min(above), 2), round(max(above), 2)) == (0.01, 0.04)


def test_the_unconditional_runs_are_those_of_the_other_grid() -> None:
    for seed in range(3):
        name = f"uncond-seed{seed}.json"
        here, there = (json.loads((f / name).read_text("utf-8")) for f in (FORGETTING, FORGETTING.parent / "fashion"))
        for key in ("d/loss", "g/loss", "d/grad_norm"):
            assert here["curves"][key] == there["curves"][key]
