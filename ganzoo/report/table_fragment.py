"""The table of a benchmark as a piece of HTML with its own style, to be put into another page."""

from ganzoo.bench.table import Table
from ganzoo.bench.text_tables import text_tables
from ganzoo.report.page import render


def table_fragment(table: Table) -> str:
    """Return all that a table says as one `div` of HTML; it looks like the tables of `bench_page`.

    Raises:
        UserError: it would be larger than 5 MB.
    """
    return render("fragment.html", title=table.title, tables=text_tables(table)) + "\n"
