"""`ganzoo table`: the results of a grid."""

from pathlib import Path
from typing import Annotated

import typer

from ganzoo.commands.options import write_for_user
from ganzoo.commands.terminal import say
from ganzoo.errors import UserError, nearest


def table(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A folder that `ganzoo bench` wrote.")],
    format_name: Annotated[str, typer.Option("--format", metavar="NAME", help="md, csv, tex or html.")] = "md",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there instead of showing it.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", metavar="A,B", help="Some of the metrics, in this order.")
    ] = None,
    reported: Annotated[
        bool, typer.Option("--reported", help="Put published numbers beside ours, in columns of their own.")
    ] = False,
    compute_matched: Annotated[
        bool, typer.Option("--compute-matched", help="Also compare at an equal number of images seen by D.")
    ] = False,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Show runs of different conditions or protocols, marked.")
    ] = False,
) -> None:
    """Make the table of a grid's results.

    It shows values, intervals and tests that hold at the given number of seeds, failures, noise, cost, protocols, and
    the proof that the rows differ in their axes alone.

    Examples:
      ganzoo table benchmarks/results/fashion
      ganzoo table benchmarks/results/fashion --format html --out table.html --compute-matched
    """
    from ganzoo.bench.formats import FORMATS
    from ganzoo.report.table_fragment import table_fragment

    formats = {**FORMATS, "html": table_fragment}
    if format_name not in formats:
        hint = nearest(format_name, formats) or "; there are md, csv, tex and html"
        raise UserError(f"no format '{format_name}'{hint}")

    from ganzoo.bench.analysis import build_table
    from ganzoo.bench.results import read_results

    built = build_table(
        read_results(results),
        metrics=[name.strip() for name in (metrics or "").split(",") if name.strip()],
        has_reported=reported,
        is_compute_matched=compute_matched,
        allow_mixed=allow_mixed,
    )
    text = formats[format_name](built)
    if out is None:
        say(text.rstrip("\n"))
        return
    write_for_user(out, text)
    say(f"written: {out}")
