"""The page on evaluation shows what was measured: its table and its figures are those of the committed results."""

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ganzoo.diagnostics.flag import Flag, flags_of, flags_to_json
from ganzoo.diagnostics.flags import RULES

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


def test_its_table_has_every_kind_of_flag() -> None:
    table = PAGE.partition("| kind | condition |")[2].partition("\n\n")[0]
    listed = re.findall(r"`(\w+)`", "".join(line.split(" | ")[0] for line in table.splitlines()))
    kinds = {rule.kind for rule in RULES} | {rule.never[0] for rule in RULES if rule.never}
    failed = {"metric_failures": [{"metric": "fd", "reason": "it is NaN"}]}
    assert sorted(listed) == sorted(kinds | {flag.kind for flag in flags_of(failed, where=Path("result.json"))})


def test_it_says_what_a_flag_in_a_result_is() -> None:
    entry = flags_to_json([Flag("collapsed", 10, "collapsed from step 10: ...")])[0]
    paragraph = PAGE.partition("in its list `flags`")[2].partition("\n\n")[0]
    assert isinstance(entry, dict)
    assert all(f"`{key}`" in paragraph for key in entry)


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
