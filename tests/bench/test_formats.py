"""The formats: what a reader sees, and what a program reads."""

import csv
import io
import re

import pytest
from msgspec.structs import replace

from ganzoo.bench.analysis import build_table
from ganzoo.bench.formats import comma_separated, escape_latex, latex, markdown, markdown_summary, unbroken
from ganzoo.bench.number_format import fixed, significant, summary_text
from ganzoo.bench.record import write_record
from ganzoo.bench.results import read_results
from ganzoo.bench.statistics import summarize

FD = "fd_efflite0_64px"


@pytest.fixture
def table(fake_results):
    return build_table(read_results(fake_results), has_reported=True, is_compute_matched=True)


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [(232.123, 4.13, "232.1"), (0.92478, 0.0062, "0.9248"), (1234.6, 123.0, "1235"), (0.5, 0.0, "0.500")],
)
def test_a_value_has_the_decimals_that_give_its_spread_two_digits(value, spread, text):
    assert fixed(value, spread) == text


@pytest.mark.parametrize(("value", "text"), [(232.123, "232.1"), (123456.0, "123456"), (0.001234, "0.001234")])
def test_a_value_alone_has_four_digits(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.6290, 0.6296], "0.6290 to 0.6296"),
        ([257.7, 296.1], "257.7 to 296.1"),
        ([0.98, 1.12], "0.9800 to 1.120"),
        ([0.82211, 0.82209], "0.8221"),
        ([3.0], "3.000"),
    ],
)
def test_the_ends_of_a_range_have_the_digits_of_single_runs(values, text):
    assert summary_text(summarize(values, higher_is_better=True), "") == text


def test_every_line_of_a_markdown_table_is_as_long_as_its_head(table):
    for block in re.findall(r"(?:^\|.*\n)+", markdown(table), re.MULTILINE):
        assert len({len(line) for line in block.splitlines()}) == 1


def test_notes_fit_a_terminal(table):
    assert all(len(line) <= 120 for line in markdown(table).splitlines() if not line.startswith("|"))


def test_markdown_says_values_verdicts_and_failures(table):
    text = markdown(table)
    assert re.search(r"\| SSGAN +\| 220\.8 ± 5\.0, better +\|", text)
    assert "median 242.8 (2 of 5 lost), worse" in text
    assert "seed 1: failed: a loss or a weight is NaN" in text
    assert "not distinguishable |" in text
    tests = "paired t test or rank sum test, Holm's correction for the 3 rows of each column"
    assert f"{tests} (several columns are several chances), level 0.05." in " ".join(text.split())


def test_with_three_seeds_there_are_ranges_single_runs_and_no_verdict(tmp_path, fakes):
    text = markdown(build_table(read_results(fakes.write(tmp_path / "three", num_seeds=3, num_planned=5))))
    assert "232.4 to 237.2" in text
    assert re.search(r"\| Unconditional +\| fd_efflite0_64px +\| 232\.5  \| 232\.4  \| 237\.2 ", text)
    assert "236.3 to 242.2 (1 of 3 failed)" in text
    assert text.count("no run yet") == 1
    assert "All rows: no run yet with seed 3, 4." in text
    assert not re.search(r"±|better\b(?!\.)|n\.d\.", text.split("### Noise")[0])
    noise = text.split("### Noise")[1]
    assert "deviation over seeds" not in noise
    assert "takes 5 sound runs of a row, and no row has them" in " ".join(noise.split())


def test_rows_that_miss_different_seeds_are_named(tmp_path, fakes):
    folder = fakes.write(tmp_path / "some", num_seeds=2, num_planned=3)
    (folder / "ssgan-seed1.json").unlink()
    text = markdown(build_table(read_results(folder)))
    assert "- Unconditional: no run yet with seed 2.\n- SSGAN: no run yet with seed 1, 2.\n" in text
    assert "All rows" not in text


def test_the_view_at_equal_images_is_not_said_to_be_at_equal_compute(table, tmp_path, fakes):
    title = "### At an equal number of D images: 384,000\n"
    matched = " ".join(markdown(table).split(title)[1].split("###")[0].split())
    assert "A learning rate that decays is then at different points of its schedule." in matched
    assert "A run that failed or collapsed later is lost here too." in matched
    assert "equal compute" not in markdown(table)
    sound = fakes.write(tmp_path / "sound", rows={name: fakes.rows[name] for name in ("uncond", "ssgan")})
    text = markdown(build_table(read_results(sound), is_compute_matched=True))
    assert "is lost here too" not in text.split(title)[1]


def test_cost_says_what_counts_as_an_image_and_what_its_seconds_hold(table):
    cost = " ".join(markdown(table).split("### Cost")[1].split("###")[0].split())
    assert "views of pretext tasks and images of penalties" in cost
    assert "in records of earlier versions evaluations on the way are in them" in cost


def test_an_error_says_what_it_is_of(tmp_path, fakes):
    def noise(source):
        folder = fakes.write(tmp_path / source, num_seeds=2)
        for record in read_results(folder).records:
            metrics = tuple(replace(m, error_source=source) for m in record.metrics)
            write_record(replace(record, metrics=metrics), folder)
        return " ".join(markdown(build_table(read_results(folder))).split("### Noise")[1].split("###")[0].split())

    subsets, probes, sampling = (noise(source) for source in ("subsets", "probe seeds", "sampling seeds"))
    assert all("the noise of measuring one trained run" in text for text in (subsets, probes, sampling))
    assert "they are drawn from the same images and overlap, so the error is too small" in subsets
    assert "the noise of the probe's training images alone" in probes
    assert "overlap" not in sampling + probes
    assert "training images" not in sampling + subsets


def test_nothing_is_bold(table):
    assert "**" not in markdown(table)
    assert "\\textbf" not in latex(table)


def test_reported_numbers_are_in_a_table_of_their_own_with_their_protocol(table):
    text = markdown(table)
    main, reported = text.split("### ")[1:3]
    assert "19.73" not in main
    assert "reported FID [1]" in reported
    assert "best of 3 seeds, 10k fake against 10k real test images" in " ".join(reported.split())


def test_the_summary_is_the_first_table_without_its_title(table):
    assert markdown(table).split("\n", 2)[2].startswith(markdown_summary(table))


def test_csv_holds_every_run_and_every_summary_unrounded(table):
    lines = list(csv.DictReader(io.StringIO(comma_separated(table))))
    runs = [line for line in lines if line["kind"] == "run" and line["view"] == "final"]
    assert len(runs) == 4 * 3 * 5
    by_cell = {(row.name, key): cell for row in table.rows for key, cell in row.cells.items()}
    for line in runs:
        run = by_cell[line["row"], line["metric"]].runs[int(line["seed"])]
        assert line["value"] == ("" if run.measured is None else repr(run.measured))
        assert line["trouble"] == run.trouble
    summary = next(x for x in lines if (x["kind"], x["row"], x["metric"]) == ("summary", "ssgan", FD))
    assert float(summary["mean"]) == by_cell["ssgan", FD].summary.mean
    assert summary["verdict"] == "better"
    assert {line["kind"] for line in lines} == {"run", "summary", "cost", "reported"}


def test_latex_escapes_its_special_signs_and_has_as_many_cells_as_columns(table):
    assert escape_latex(r"50 % of a_b & {c} \ -> ±") == (r"50 \% of a\_b \& \{c\} \textbackslash{} $\rightarrow$ $\pm$")
    assert escape_latex("a|b\N{NO-BREAK SPACE}c") == r"a\textbar{}b~c"
    found = re.findall(r"^\\begin\{tabular\}\{(\w+)\}(.*?)^\\end\{tabular\}\}$", latex(table), re.DOTALL | re.MULTILINE)
    assert len(found) == latex(table).count(r"\begin{table}") > 4
    for alignments, body in found:
        for line in body.splitlines():
            if line.endswith(r"\\"):
                assert len(re.findall(r"(?<!\\)&", line)) == len(alignments) - 1


def test_a_long_latex_cell_is_broken_between_words_and_never_between_a_number_and_its_sign(table):
    text = latex(table)
    assert r"\begin{tabular}[t]{@{}l@{}}Unconditional, no \\ spectral norm\end{tabular} & " in text
    assert r"\begin{tabular}[t]{@{}l@{}}0.827~$\pm$~0.026, \\ better\end{tabular}" in text
    assert r" & recall\_efflite0\_64px~$\uparrow$ \\" in text
    lines = re.findall(r"@\{\}\}(.*?)\\end\{tabular\}", text)
    assert max(len(part) for line in lines for part in line.split(r" \\ ") if "$" not in part) <= 20 + len(r"\_\_")


def test_the_word_between_two_numbers_ends_a_line_and_begins_none():
    nbsp = "\N{NO-BREAK SPACE}"
    assert unbroken("0.5733 to 0.6633 (1 of 3 failed)") == f"0.5733{nbsp}to 0.6633 (1 of 3 failed)"
    assert unbroken("g = +0.98, similar to SSGAN") == f"g{nbsp}={nbsp}+0.98, similar to SSGAN"


def test_a_latex_note_that_begins_with_a_bracket_keeps_it(table):
    assert r"\item {}[1] Chen et al." in latex(table)


def test_latex_says_which_packages_it_needs_and_shrinks_what_is_wider_than_the_text(table):
    text = latex(table)
    assert text.startswith("% needs \\usepackage{booktabs} and \\usepackage{graphicx}\n")
    assert text.count(r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%") == text.count(
        r"\begin{table}"
    )


def test_marks_of_mixed_runs_are_explained(tmp_path, fakes):
    folder = fakes.write(tmp_path / "r", rows={"uncond": fakes.row("Unconditional")}, num_seeds=2)
    write_record(fakes.record("uncond", 2, {FD: 230.0}, device_name="H100", label="Unconditional"), folder)
    text = markdown(build_table(read_results(folder), allow_mixed=True))
    assert r"\*: made or measured under other conditions" in text
    assert "H100 in uncond-seed2" in text
