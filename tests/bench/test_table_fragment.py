"""The table as a piece of HTML."""

import html.parser

from ganzoo.bench.analysis import build_table
from ganzoo.bench.results import read_results
from ganzoo.report.table_fragment import table_fragment


class Cells(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag != "wbr":  # which has no end
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] in (["td"], ["th"]):
            self.text.append(data)


def test_html_is_balanced_and_escapes_what_it_shows(tmp_path, fakes):
    rows = {"uncond": fakes.row("<script>alert(1)</script> & more")}
    text = table_fragment(build_table(read_results(fakes.write(tmp_path / "r", rows=rows))))
    assert "<script>" not in text
    parser = Cells()
    parser.feed(text)
    assert parser.open == []
    assert "<script>alert(1)</script> & more (baseline)" in parser.text


def test_html_has_every_table_with_its_notes(fake_results):
    table = build_table(read_results(fake_results))
    text = table_fragment(table)
    assert text.count("<table") == 5
    assert all(f"<h3>{title}</h3>" in text for title in (table.title, "Noise", "Cost", "Protocols", "Conditions"))
    assert "220.8\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}5.0, better" in text
    assert "SSGAN, seed" not in text
    assert "Unconditional, no spectral norm, seed 1: failed: a loss or a weight is NaN" in text
