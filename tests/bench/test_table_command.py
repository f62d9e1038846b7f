"""`ganzoo table` as a user calls it."""

import pytest

from ganzoo import cli


def call(capsys, *arguments):
    code = cli.call([str(a) for a in ("table", *arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_markdown_is_shown(capsys, fake_results):
    code, out, err = call(capsys, fake_results)
    assert (code, err) == (0, "")
    assert out.startswith("### SSGAN and its baseline, simulated\n")


@pytest.mark.parametrize(
    ("name", "begins"),
    [("csv", "kind,view,row"), ("tex", "% needs \\usepackage{booktabs}"), ("html", "<div class"), ("md", "### ")],
)
def test_every_format_can_be_written_to_a_file(capsys, fake_results, tmp_path, name, begins):
    out = tmp_path / "new" / f"table.{name}"
    code, said, _ = call(capsys, fake_results, "--format", name, "--out", out, "--compute-matched", "--reported")
    assert (code, said) == (0, f"written: {out}\n")
    assert out.read_text(encoding="utf-8").startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "htlm"], "no format 'htlm'; did you mean 'html'?"),
        (["--format", "x"], "no format 'x'; there are md, csv, tex and html"),
        (["--metrics", "kd_efflite_64px"], "no metric 'kd_efflite_64px' in these results; did you mean"),
        (["--out", "/dev/null/t.md"], "cannot write '/dev/null/t.md'"),
    ],
)
def test_a_mistake_is_one_sentence(capsys, fake_results, arguments, said):
    code, out, err = call(capsys, fake_results, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_folder_that_is_not_there_is_one_sentence(capsys, tmp_path):
    code, _, err = call(capsys, tmp_path / "nowhere")
    assert code == 2
    assert "no folder" in err
