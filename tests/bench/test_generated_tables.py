"""Every table in the repository is the one that its committed records give."""

import importlib.util
import re
from pathlib import Path

import pytest

from ganzoo.bench.statistics import detectable_effect, power
from ganzoo.errors import UserError

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "benchmarks/update_tables.py"


def generated(root: Path) -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("update_tables", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generated(root)


def test_every_generated_table_is_up_to_date():
    stale = [str(p) for p, text in generated(ROOT).items() if not p.exists() or p.read_text("utf-8") != text]
    assert stale == [], "run `python benchmarks/update_tables.py`"


def test_a_folder_gets_its_table_and_a_page_its_block(tmp_path, fakes):
    fakes.write(tmp_path / "benchmarks/results/fake")
    readme = "before\n<!-- table: benchmarks/results/fake -->\nold\n<!-- end -->\nafter\n"
    (tmp_path / "README.md").write_text(readme)
    files = generated(tmp_path)
    assert set(files) == {tmp_path / "benchmarks/results/fake/table.md", tmp_path / "README.md"}
    assert "220.8 ± 5.0, better" in files[tmp_path / "benchmarks/results/fake/table.md"]
    page = files[tmp_path / "README.md"]
    assert page.startswith("before\n<!-- table: benchmarks/results/fake -->\n|")
    assert page.endswith("<!-- end -->\nafter\n")
    assert "220.8 ± 5.0, better" in page
    assert "old" not in page
    (tmp_path / "README.md").write_text(page)
    assert generated(tmp_path)[tmp_path / "README.md"] == page


def test_a_block_has_the_tables_that_it_names(tmp_path, fakes):
    fakes.write(tmp_path / "benchmarks/results/fake")
    readme = "<!-- table: benchmarks/results/fake Results Cost Matched -->\nold\n<!-- end -->\n"
    (tmp_path / "README.md").write_text(readme)
    page = generated(tmp_path)[tmp_path / "README.md"]
    assert page.startswith(f"{readme.partition('old')[0]}|")
    assert re.findall(r"^### (.*)", page, re.MULTILINE) == ["Cost", "At an equal number of D images: 384,000"]
    assert "220.8 ± 5.0, better" in page.split("### ")[0]
    assert "1,076,739" in page.split("### ")[1]
    (tmp_path / "README.md").write_text(page)
    assert generated(tmp_path)[tmp_path / "README.md"] == page


def test_a_block_has_the_columns_that_it_names(tmp_path, fakes):
    fakes.write(tmp_path / "benchmarks/results/fake")
    readme = "<!-- table: benchmarks/results/fake Results metrics=kd_efflite0_64px -->\n<!-- end -->\n"
    (tmp_path / "README.md").write_text(readme)
    page = generated(tmp_path)[tmp_path / "README.md"]
    assert page.splitlines()[0] == readme.splitlines()[0]
    assert [cell.split()[0] for cell in page.splitlines()[1].strip("| ").split("|") if cell] == ["kd_efflite0_64px"]
    (tmp_path / "README.md").write_text(page)
    assert generated(tmp_path)[tmp_path / "README.md"] == page


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Taks", "no table 'Taks'; did you mean 'Tasks'?"),
        ("Xyz", "no table 'Xyz'; there are Results, Reported, "),
    ],
)
def test_a_block_that_names_no_table_is_refused(tmp_path, fakes, name, said):
    fakes.write(tmp_path / "benchmarks/results/fake")
    (tmp_path / "README.md").write_text(f"<!-- table: benchmarks/results/fake {name} -->\n<!-- end -->\n")
    with pytest.raises(UserError, match=re.escape(said)):
        generated(tmp_path)


def test_the_power_in_the_docs_is_the_power_of_the_test():
    lines = (ROOT / "docs/benchmark_protocol.md").read_text("utf-8").splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("| seeds |"))
    rows = [[float(cell) for cell in line.strip("| ").split("|")] for line in lines[head + 2 : head + 7]]
    assert [row[0] for row in rows] == [3, 5, 8, 10, 20]
    for num_seeds, *shown in rows:
        powers = [power(effect, int(num_seeds)) for effect in (0.5, 1.0, 1.5, 2.0, 3.0)]
        effects = [detectable_effect(int(num_seeds), alpha=0.05 / num_rows) for num_rows in (1, 2, 4, 5)]
        assert shown == pytest.approx(powers + effects, abs=0.0051)
