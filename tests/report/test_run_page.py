"""The page of a run: it asks for nothing outside itself, shows text as text, and its slider shows every step."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ganzoo import cli
from ganzoo.config.load import load
from ganzoo.report.pictures import data_uri
from ganzoo.report.run_page import differences_from_defaults, run_page
from ganzoo.runs.folder import RunFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    recipe = folder / "tiny.gin"
    recipe.write_text(
        "include 'base/protocol.gin'\ninclude 'base/resnet.gin'\nG_WIDTH = 4\nD_WIDTH = 4\n"
        "experiment:\n    dataset = @data.digits\n    num_steps = 4\n    batch_size = 8\n    latent_dim = 8\n"
        "    sample_every = 2\n    log_every = 1\n    num_threads = 1\n    pretext = [@pretext.rotation]\n"
        "data.digits.size = 16\n"
    )
    assert cli.call(["run", str(recipe), "--out", str(folder / "run")]) == 0
    assert cli.call(["report", str(folder / "run")]) == 0
    return folder / "run"


@pytest.mark.browser
def test_the_slider_shows_the_grid_of_every_step(run: Path, browser: Any) -> None:
    browser.open(run / "report.html")
    sample, shown = (browser.driver.find_element("id", name) for name in ("sample", "shown"))
    for place, step in enumerate((0, 2, 4)):
        browser.set_value("step", place)
        grid = (run / f"samples/step-{step:08d}.png").read_bytes()
        assert sample.get_attribute("src") == data_uri(grid, "png")
        assert shown.text == f"{step} updates"
    assert browser.complaints() == []
    assert browser.requests() == []


def test_every_picture_is_in_the_page_and_has_words(run: Path, parse: Any) -> None:
    page = parse(run / "report.html")
    assert page.addresses() == []
    assert len(page.pictures()) > 5
    assert all(words and width > 0 for words, width in page.pictures())


@pytest.mark.browser
def test_the_page_has_no_sideways_scroll_on_a_phone(run: Path, browser: Any, phone: None) -> None:
    browser.open(run / "report.html")
    assert browser.width() == (390, 390)


@pytest.mark.browser
def test_on_a_phone_values_and_defaults_stand_below_their_parameter(run: Path, browser: Any, phone: None) -> None:
    browser.open(run / "report.html")
    overflow, shown = browser.driver.execute_script(
        "const t = document.querySelector('table.stacked'); const row = t.tBodies[0].rows[0];"
        "return [t.parentElement.scrollWidth - t.parentElement.clientWidth, row.innerText];"
    )
    assert overflow == 0
    assert len(shown.splitlines()) == 3


@pytest.mark.browser
def test_pictures_keep_their_text_and_grids_their_lines_on_a_phone(run: Path, browser: Any, phone: None) -> None:
    browser.open(run / "report.html")
    charts = browser.driver.execute_script(
        "return [...document.querySelectorAll('figure img')].map(i => i.naturalWidth)"
    )
    grid = browser.driver.execute_script(
        "const i = document.getElementById('sample');"
        "return [getComputedStyle(i).imageRendering, i.width, i.naturalWidth];"
    )
    # Nine points are 12 px at full size; a phone of 390 px has 340 px for a chart.
    assert max(charts) * 10 / 12 < 340
    assert grid[0] == "auto"
    assert grid[1] <= grid[2]


def test_a_device_without_a_name_of_its_own_is_said_once(run: Path) -> None:
    page = run_page(RunFolder(run))
    assert "<b>cpu</b><span>device</span>" in page
    assert "none (required)" in page


def test_what_differs_from_the_defaults_is_what_the_recipe_bound_to_something_else(run: Path) -> None:
    experiment = load(str(run / "operative.gin")).experiment
    found = {key: (value, default) for key, value, default in differences_from_defaults(experiment)}
    assert found["experiment.batch_size"] == ("8", "64")
    assert found["architectures.resnet_generator.width"] == ("4", "256")
    assert found["experiment.pretext"] == ("[@pretext.rotation]", "[]")
    assert found["experiment.dataset"] == ("@data.digits", None)  # required
    assert "pretext.rotation.alpha" not in found  # bound nowhere
    assert "experiment.num_d_steps" not in found


def test_text_from_outside_is_shown_and_never_run(run: Path, tmp_path: Path, parse: Any) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    result = json.loads((copy / "result.json").read_text())
    evil = "<script>document.title = 'broken'</script>"
    flag = {"kind": "collapsed", "step": 3, "text": f"now: {evil}"}
    (copy / "result.json").write_text(json.dumps({**result, "flags": [flag], "health": [evil], "name": "a <b> name"}))
    cli.call(["report", str(copy)])
    page = parse(copy / "report.html")
    assert page.texts("title") == ["a <b> name"]
    assert f"now: {evil}" in "".join(page.texts(".warn"))
    assert "broken" not in "".join(page.texts("script"))


def test_an_unfinished_run_has_a_page(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "result.json").unlink()
    assert "not finished" in run_page(RunFolder(copy))


def test_a_folder_that_is_neither_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.call(["report", str(tmp_path)]) == 2
    assert "holds neither a run (operative.gin) nor the results of a benchmark" in capsys.readouterr().err


def test_a_run_of_few_rows_is_not_said_to_be_free_of_what_takes_more(run: Path) -> None:
    page = run_page(RunFolder(run))
    judged, _, rest = (
        page.partition("No sign of trouble in what could be judged: ")[2].partition("</div>")[0].partition(".")
    )
    assert "generated images that hardly differ" in judged
    assert "saturated" not in judged
    assert "Fewer than 10 rows" in rest
    assert "a saturated discriminator, rotation that is not learnt." in rest
