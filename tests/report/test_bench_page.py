"""The page of a benchmark, in a real browser: its tables sort, and every seed has its samples."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ganzoo import cli
from ganzoo.bench.results import read_results
from ganzoo.bench.table import build_table


@pytest.fixture(scope="module")
def simulated() -> ModuleType:
    path = Path(__file__).parent.parent / "bench" / "conftest.py"
    spec = importlib.util.spec_from_file_location("simulated_results", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def results(simulated: ModuleType, tmp_path: Path) -> Path:
    folder: Path = simulated.write_fake_results(tmp_path / "fake")
    return folder


def column(browser: Any, number: int) -> list[str]:
    rows = "[...document.querySelector('table.sortable').tBodies[0].rows]"
    found: list[str] = browser.driver.execute_script(f"return {rows}.map(r => r.cells[arguments[0]].innerText)", number)
    return found


def test_a_click_on_a_heading_sorts_by_number_and_a_second_one_turns_round(results: Path, browser: Any) -> None:
    assert cli.call(["report", str(results)]) == 0
    browser.open(results / "report.html")
    table = build_table(read_results(results))
    first = table.columns[0]
    means = {
        row.label: row.cells[first.key].summary.mean if row.cells[first.key].summary.mean is not None else None
        for row in table.rows
    }
    sound = sorted((label for label, mean in means.items() if mean is not None), key=lambda label: means[label] or 0.0)
    button = browser.driver.find_element("css selector", "table.sortable thead th:nth-child(2) button")
    button.click()
    names = [name.removesuffix(" (baseline)") for name in column(browser, 0)]
    assert [name for name in names if name in sound] == sound
    button.click()
    names = [name.removesuffix(" (baseline)") for name in column(browser, 0)]
    assert [name for name in names if name in sound] == sound[::-1]
    assert browser.complaints() == []
    assert browser.requests() == []


def test_the_page_shows_every_row_every_metric_and_the_proof(results: Path, browser: Any) -> None:
    cli.call(["report", str(results)])
    browser.open(results / "report.html")
    text = browser.driver.find_element("tag name", "main").text
    table = build_table(read_results(results))
    assert all(row.label in text for row in table.rows)
    shown = " ".join(text.split())
    assert all(" ".join(line.split()) in shown for line in read_results(results).proof.lines())
    words = browser.driver.execute_script("return [...document.images].map(i => [i.alt, i.naturalWidth])")
    for column_ in table.columns:
        assert [f"{column_.key} of every run by row", True] in [[alt, width > 0] for alt, width in words]
    assert (results / "report.html").stat().st_size < 5_000_000
