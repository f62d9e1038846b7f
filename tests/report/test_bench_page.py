"""The page of a benchmark: it shows every row, its tables sort, and every seed has its samples."""

import html
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from msgspec.structs import replace

from ganzoo import cli
from ganzoo.bench.analysis import build_table
from ganzoo.bench.results import read_results
from ganzoo.bench.text_table import TextTable
from ganzoo.report import bench_page as bench_page_module
from ganzoo.report import page as page_module
from ganzoo.report.bench_page import bench_page
from ganzoo.report.page import render
from ganzoo.report.pictures import cost_picture, curves_picture, data_uri, points_picture


@pytest.fixture(scope="module")
def simulated() -> ModuleType:
    path = Path(__file__).parent.parent / "bench" / "conftest.py"
    spec = importlib.util.spec_from_file_location("simulated_results", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results(simulated: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with their page, `report.html`, which is made once for all tests."""
    folder: Path = simulated.write_fake_results(tmp_path_factory.mktemp("results") / "fake", picture_width=8)
    assert cli.call(["report", str(folder)]) == 0
    return folder


def column(browser: Any, number: int) -> list[str]:
    rows = "[...document.querySelector('table.sortable').tBodies[0].rows]"
    found: list[str] = browser.driver.execute_script(f"return {rows}.map(r => r.cells[arguments[0]].innerText)", number)
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in found]


@pytest.mark.browser
def test_a_click_on_a_heading_sorts_by_number_and_a_second_one_turns_round(results: Path, browser: Any) -> None:
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


@pytest.mark.browser
@pytest.mark.parametrize(
    "ascending",
    [
        ["< .001", ".012", ".110", "1.000"],
        ["g = \u22121.20", "g = -0.31", "g = +0.05", "g = +1.10"],
        ["wins 9 %", "wins 80 %"],
        ["median 9.5 (1 of 5 lost), worse", "12.1 ± 0.3", "median 242.8 (2 of 5 lost)"],
        ["980", "1,244", "5e4"],
        ["density_efflite0_64px", "fd_efflite0_64px", "kd_efflite0_8px"],
        ["0.32 to 0.33", "0.4", "12.5"],
    ],
)
def test_numbers_sort_by_their_size_words_below_them_and_lost_cells_at_the_end(
    ascending: list[str], tmp_path: Path, browser: Any
) -> None:
    last = ["12 of 15 failed", ""]
    words = [] if ascending[0][0].isalpha() and "_" in ascending[0] else ["failed"]
    cells = [last[0], *words, *ascending[::-1], last[1]]
    cells = cells[::2] + cells[1::2]
    rows = tuple((f"row {i}", cell) for i, cell in enumerate(cells))
    page = tmp_path / "page.html"
    lists = dict.fromkeys(("samples", "points", "curves", "costs", "rows", "left_out"), ())
    page.write_text(
        render("bench.html", title="t", shared="", tables=[TextTable("s", ("", "x"), "lr", rows, ())], **lists)
    )
    browser.open(page)
    button = browser.driver.find_element("css selector", "table.sortable thead th:nth-child(2) button")
    for expected in (ascending, ascending[::-1]):
        button.click()
        found = column(browser, 1)
        assert found[: len(ascending)] == expected
        assert found[len(ascending) : len(ascending) + len(words)] == words
        assert sorted(found[-2:]) == sorted(last)


def test_the_page_shows_every_row_every_metric_and_the_proof(results: Path, parse: Any) -> None:
    page = parse(results / "report.html")
    assert page.addresses() == []
    (text,) = page.texts("main")
    table = build_table(read_results(results))
    assert all(row.label in text for row in table.rows)
    shown = " ".join(text.split())
    assert all(" ".join(line.split()) in shown for line in read_results(results).proof.lines())
    words = [alt for alt, width in page.pictures() if width > 0]
    assert all(f"{column_.key} of every run by row" in words for column_ in table.columns)
    assert (results / "report.html").stat().st_size < 5_000_000


@pytest.mark.browser
def test_the_select_shows_the_grids_of_its_seed_and_hides_the_others(results: Path, browser: Any) -> None:
    browser.open(results / "report.html")
    for seed in (0, 3, 1):
        browser.set_value("seed", seed)
        shown = browser.driver.execute_script(
            "return [...document.querySelectorAll('.seed')].filter(g => g.offsetHeight > 0)"
            ".map(g => [...g.querySelectorAll('img')].map(i => [i.naturalWidth, i.src]));"
        )
        # One row's run of seed 1 failed before it had any.
        rows = [name for name in ("uncond", "ssgan", "ssgan_sbn", "no_sn") if (name, seed) != ("no_sn", 1)]
        uris = [data_uri((results / f"{row}-seed{seed}.png").read_bytes(), "png") for row in rows]
        assert shown == [[[8, uri] for uri in uris]]
    assert "left out" not in browser.driver.find_element("tag name", "main").text


def test_a_page_holds_the_grids_of_the_first_seeds_that_fit_and_says_which_are_left_out(
    simulated: ModuleType, tmp_path: Path, parse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("points_picture", "curves_picture", "cost_picture"):
        monkeypatch.setattr(bench_page_module, name, lambda *_, **__: "data:,")
    bare = len(bench_page(read_results(simulated.write_fake_results(tmp_path / "bare"))).encode())
    folder = simulated.write_fake_results(tmp_path / "fake", picture_width=60)
    size = len(data_uri((folder / "uncond-seed0.png").read_bytes(), "png"))

    monkeypatch.setattr(page_module, "MAX_BYTES", bare + 10 * size)  # seeds 0 and 1 have seven grids
    assert cli.call(["report", str(folder)]) == 0
    page = parse(folder / "report.html")
    assert page.texts("option") == ["0", "1"]
    assert "The grids of 3 seeds (2, 3, 4) are left out" in page.texts("main")[0]

    monkeypatch.setattr(page_module, "MAX_BYTES", bare + size)
    page = bench_page(read_results(folder))
    assert "The grids of 5 seeds (0, 1, 2, 3, 4) are left out" in page
    assert 'id="seed"' not in page


def test_a_value_and_its_interval_stand_on_one_line(results: Path) -> None:
    assert "<td>230.4\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}" in (results / "report.html").read_text("utf-8")


@pytest.mark.browser
def test_the_page_has_no_sideways_scroll_on_a_phone(results: Path, browser: Any, phone: None) -> None:
    browser.open(results / "report.html")
    assert browser.width() == (390, 390)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *arguments: object, **options: object) -> None:
        figures.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def of_title(figures: list[Figure], title: str) -> Axes:
    (axes,) = [f.axes[0] for f in figures if f.axes[0].get_title(loc="left").replace("\n", " ") == title]
    return axes


def test_rows_of_fewer_than_five_runs_are_drawn_run_by_run_and_have_no_mean(
    simulated: ModuleType, tmp_path: Path, drawn: list[Figure]
) -> None:
    folder = simulated.write_fake_results(tmp_path / "fake", num_seeds=3)
    records = read_results(folder).records
    bench_page(read_results(folder))
    curves = of_title(drawn, "fd_efflite0_64px")
    num_curves = sum("metric/fd_efflite0_64px" in record.curves for record in records)
    assert len(curves.get_lines()) == num_curves > len(simulated.ROWS)
    assert len(curves.collections) == 0
    assert curves.get_xlabel() == "generator updates; every run"
    cost = of_title(drawn, "fd_efflite0_64px against cost")
    assert {line.get_marker() for line in cost.get_lines()} == {"o"}
    assert "mean" not in cost.get_xlabel()


def test_rows_of_five_sound_runs_have_a_mean_with_the_range_of_runs(
    simulated: ModuleType, tmp_path: Path, drawn: list[Figure]
) -> None:
    folder = simulated.write_fake_results(tmp_path / "fake", num_seeds=5)
    table = build_table(read_results(folder))
    bench_page(read_results(folder))
    num_means = sum(row.cells["fd_efflite0_64px"].summary.mean is not None for row in table.rows)
    assert len(of_title(drawn, "fd_efflite0_64px").collections) == num_means == 3
    cost = of_title(drawn, "fd_efflite0_64px against cost")
    assert [line.get_marker() for line in cost.get_lines()].count("D") == num_means


def test_a_row_with_a_failed_run_is_drawn_run_by_run_up_to_where_each_ended(
    simulated: ModuleType, tmp_path: Path, drawn: list[Figure]
) -> None:
    rows = {name: simulated.ROWS[name] for name in ("uncond", "no_sn")}
    results = read_results(simulated.write_fake_results(tmp_path / "fake", rows=rows))
    key = "metric/fd_efflite0_64px"
    ended = [replace(r, curves={key: ((1000, 9.0),)}) if r.status == "failed" else r for r in results.of_row("no_sn")]
    records = {"uncond": results.of_row("uncond"), "no_sn": ended}
    curves_picture(build_table(results), records, key, title="fd")
    (axes,) = drawn[0].axes
    lengths = [len(line.get_xdata()) for line in axes.get_lines()]
    assert lengths == [3, 3, 1, 3, 3, 3]  # a mean, then five runs of which the second failed
    assert axes.get_lines()[2].get_marker() == "."
    assert len(axes.collections) == 1
    assert axes.get_xlabel().replace("\n", " ") == "generator updates; mean and range of runs, or every run"


def test_many_rows_look_different_and_leave_the_curves_their_height(
    simulated: ModuleType, tmp_path: Path, drawn: list[Figure]
) -> None:
    def draw(num_rows: int) -> list[float]:
        rows = {f"row{i}": simulated.FakeRow(f"row {i}") for i in range(num_rows)}
        results = read_results(simulated.write_fake_results(tmp_path / str(num_rows), rows=rows))
        table, records = build_table(results), {row: results.of_row(row) for row in rows}
        drawn.clear()
        curves_picture(table, records, "metric/fd_efflite0_64px", title="fd")
        cost_picture(table, table.columns[0])
        return [figure.axes[0].get_window_extent().height / figure.dpi for figure in drawn]

    few, many = draw(8), draw(20)
    assert many == pytest.approx(few, abs=0.25)  # inches
    curves, costs = (figure.axes[0].get_lines() for figure in drawn)
    assert len({(line.get_color(), line.get_linestyle()) for line in curves}) == len(curves) == 20
    for lines in (costs[::2], costs[1::2]):  # runs, means
        assert len({(line.get_color(), line.get_marker()) for line in lines}) == 20


def test_runs_without_a_number_are_counted_beside_the_points(results: Path, drawn: list[Figure]) -> None:
    table = build_table(read_results(results))
    points_picture(table, table.columns[0])
    said = drawn[0].axes[0].get_xlabel().replace("\n", " ")
    assert said == "lower is better; a bar is a mean; 1 of 20 runs has no number"


def test_an_accuracy_is_drawn_from_0_to_1(results: Path, drawn: list[Figure]) -> None:
    table, record = build_table(read_results(results)), read_results(results).records[0]
    record = replace(record, curves={"d/a/accuracy_real": ((1, 0.4), (2, 0.5))})
    records = {row.name: [record] for row in table.rows}
    curves_picture(table, records, "d/a/accuracy_real", title="accuracy", is_share=True)
    low, high = drawn[0].axes[0].get_ylim()
    assert -0.1 < low <= 0
    assert 1 <= high < 1.1


def test_conditions_are_said_once_with_the_rows_below_their_sentence(results: Path) -> None:
    page = (results / "report.html").read_text("utf-8")
    first, *rows = (line.strip() for line in read_results(results).proof.lines())
    plain = html.unescape(page)
    assert plain.count("<h2>Conditions</h2>") == 1
    sentence = f"<p>{first}</p><ul>"
    assert sentence in plain
    below = plain.split(sentence)[1].split("</ul>")[0]
    assert below.count("<li>") == len(rows) > 0
