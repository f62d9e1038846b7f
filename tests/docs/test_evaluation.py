"""The page on evaluation shows what was measured: its table and its figures are those of the committed results."""

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
RESULTS = ROOT / "benchmarks" / "results"
REACTIONS = json.loads((RESULTS / "metric_reactions.json").read_text("utf-8"))
COSTS = json.loads((RESULTS / "evaluation.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def reactions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("metric_reactions", ROOT / "benchmarks" / "metric_reactions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_that_of_the_committed_result(reactions: ModuleType) -> None:
    shown = PAGE.partition(reactions.BEGIN)[2].partition(reactions.END)[0]
    assert shown.strip() == reactions.table(REACTIONS).strip()


def test_the_result_is_of_the_claims_that_the_benchmark_states(reactions: ModuleType) -> None:
    for degradation, row in REACTIONS["degraded"].items():
        for name, cell in row.items():
            assert cell["claim"] == reactions.CLAIMS[name].get(degradation)


def test_every_verdict_follows_from_its_value(reactions: ModuleType) -> None:
    for row in REACTIONS["degraded"].values():
        for name, cell in row.items():
            undegraded = REACTIONS["undegraded"][name]
            again = reactions.verdict(cell["claim"], cell["value"], undegraded["mean"], undegraded["deviation"])
            assert again == cell


def test_the_commands_of_the_page_are_those_of_the_results() -> None:
    for result in (REACTIONS, COSTS):
        assert result["command"] in PAGE


def test_the_figures_of_cost_are_those_of_the_result(read_marks: Callable[[Path], dict[str, str]]) -> None:
    distance, extraction, memory = COSTS["frechet_distance"], COSTS["extraction"], COSTS["memory"]
    assert read_marks(ROOT / "docs" / "evaluation.md") == {
        "frechet distance": f"{distance['times_as_fast']['median']:.1f}",
        "frechet distance with moments": f"{distance['times_as_fast_with_moments']['median']:.1f}",
        "extraction": f"{100 * extraction['share_of_the_bare_rate']['median']:.0f}",
    }
    for name in ("frechet_distance", "kernel_distance", "precision_recall", "density_coverage"):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `metrics.{name}`"))
        cells = re.findall(r"[\d.,]+", row.replace("`", ""))
        assert str(memory[name]["peak_memory_mib"]) in cells
        assert str(memory[name]["peak_memory_mib"] - memory["features"]["peak_memory_mib"]) in cells
        assert str(memory[name]["seconds"]) in cells
