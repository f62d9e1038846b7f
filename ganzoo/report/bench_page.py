"""The page of a benchmark."""

from ganzoo.bench.results import Results
from ganzoo.bench.sheets import CONDITIONS, sheets
from ganzoo.bench.table import build_table
from ganzoo.report.page import render
from ganzoo.report.pictures import cost_picture, curves_picture, image_uri, points_picture

METRIC = "metric/"


def bench_page(results: Results) -> str:
    """Return the page of a grid's results.

    Args:
        results: of one grid.

    Raises:
        UserError: runs that share no table.
    """
    table = build_table(results, is_compute_matched=True)
    records = {row: results.of_row(row) for row in results.rows}
    keys = dict.fromkeys(key for record in results.records for key in record.curves)
    metrics = [key for key in keys if key.startswith(METRIC)]
    accuracies = [key for key in keys if key.startswith("d/") and key.endswith("/accuracy_real")]
    titles = {key: key.removeprefix(METRIC) for key in metrics}
    titles |= {key: f"accuracy of {key.split('/')[1]} on real images" for key in accuracies}
    curves = [
        (title, curves_picture(table, records, key, title=title, is_share=key in accuracies))
        for key, title in titles.items()
    ]
    shared, *rows = results.proof.lines()
    costs = [(column.key, cost_picture(table, column)) for column in table.columns]
    return render(
        "bench.html",
        title=table.title,
        sheets=[sheet for sheet in sheets(table) if sheet.title != CONDITIONS],  # they have a place of their own
        points=[(column.key, points_picture(table, column)) for column in table.columns],
        curves=[(key, picture) for key, picture in curves if picture is not None],
        costs=[(key, picture) for key, picture in costs if picture is not None],
        samples=_samples(results),
        shared=shared,
        rows=rows,
    )


def _samples(results: Results) -> list[tuple[int, list[tuple[str, str]]]]:
    """Return, for each seed, the sample grids of all rows: (label, picture). One seed's come from the same latents."""
    seeds = sorted({record.seed for record in results.records if record.samples})
    return [
        (
            seed,
            [
                (record.label, image_uri(results.path / record.samples))
                for row in results.rows
                for record in results.of_row(row)
                if record.seed == seed and record.samples and (results.path / record.samples).is_file()
            ],
        )
        for seed in seeds
    ]
