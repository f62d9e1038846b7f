"""`ganzoo report`: one page that shows a run or a benchmark."""

from pathlib import Path
from typing import Annotated

import typer

from ganzoo.commands.options import write_for_user
from ganzoo.commands.terminal import say
from ganzoo.errors import UserError


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder of a run, or the results of a benchmark.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write the page; default: report.html in the folder."),
    ] = None,
) -> None:
    """Make one HTML page of a run or of a benchmark.

    The page holds everything it shows, opens without a server or a network, and stays below 5 MB. The page of a run
    has metrics, samples over the steps, curves, flags, and the parameters that are not at their default. The page of a
    benchmark has the table, every run, learning curves, quality against cost, samples, and the proof of identical
    conditions.

    Examples:
      ganzoo report runs/quickstart-seed0
      ganzoo report benchmarks/results/fashion --out fashion.html
    """
    from ganzoo.bench.results import PROOF
    from ganzoo.runs.folder import RunFolder

    is_run = RunFolder(folder).operative_path.is_file()
    if not is_run and not (folder / PROOF).is_file():
        raise UserError(
            f"'{folder}' holds neither a run (operative.gin) nor the results of a benchmark ({PROOF}); "
            "give a folder that `ganzoo run` or `ganzoo bench` wrote"
        )
    if is_run:
        from ganzoo.report.run_page import run_page

        page = run_page(RunFolder(folder))
    else:
        from ganzoo.bench.results import read_results
        from ganzoo.report.bench_page import bench_page

        page = bench_page(read_results(folder))
    path = out or folder / "report.html"
    write_for_user(path, page)
    say(f"page: {path}")
