"""The page of a benchmark."""

from functools import partial

from ganzoo.bench.analysis import build_table
from ganzoo.bench.results import Results
from ganzoo.bench.text_tables import CONDITIONS, text_tables
from ganzoo.diagnostics.row_keys import RowKey
from ganzoo.report.page import render, room_left
from ganzoo.report.pictures import cost_picture, curves_picture, image_uri, points_picture

MARKUP_CHARACTERS = 500  # of a grid, beside the picture itself
Samples = list[tuple[int, list[tuple[str, str]]]]


def bench_page(results: Results) -> str:
    """Return the page of a grid's results.

    Args:
        results: of one grid.

    Raises:
        UserError: runs that share no table.
    """
    table = build_table(results, is_compute_matched=True)
    records = {row: results.of_row(row) for row in results.labels}
    keys = [RowKey.parse(key) for key in dict.fromkeys(key for record in results.records for key in record.curves)]
    titles = {key: key.subject for key in keys if key.group == "metric"}
    titles |= {key: f"accuracy of {key.owner} on real images" for key in keys if key.matches("d/*/accuracy_real")}
    curves = [
        (title, curves_picture(table, records, str(key), title=title, is_share=key.accuracy_of is not None))
        for key, title in titles.items()
    ]
    shared, *rows = results.proof.lines()
    costs = [(column.key, cost_picture(table, column)) for column in table.columns]
    page = partial(
        render,
        "bench.html",
        title=table.title,
        tables=[own for own in text_tables(table) if own.title != CONDITIONS],  # they have a place of their own
        points=[(column.key, points_picture(table, column)) for column in table.columns],
        curves=[(key, picture) for key, picture in curves if picture is not None],
        costs=[(key, picture) for key, picture in costs if picture is not None],
        shared=shared,
        rows=rows,
    )
    room = room_left(page(samples=[], left_out=sorted({record.seed for record in results.records})))
    samples, left_out = _samples(results, room)
    return page(samples=samples, left_out=left_out)


def _samples(results: Results, room: int) -> tuple[Samples, list[int]]:
    """Return the sample grids of as many seeds as there is room for, and the seeds that are left out.

    Each seed has the grids of all rows as (label, picture); they come from the same latents.

    Args:
        results: of one grid.
        room: bytes.
    """
    seeds = sorted({record.seed for record in results.records if record.samples})
    found: Samples = []
    for place, seed in enumerate(seeds):
        pictures = [
            (record.label, image_uri(results.path / record.samples))
            for row in results.labels
            for record in results.of_row(row)
            if record.seed == seed and record.samples and (results.path / record.samples).is_file()
        ]
        room -= sum(len(picture) + MARKUP_CHARACTERS for _, picture in pictures)
        if room < 0:
            return found, seeds[place:]
        found.append((seed, pictures))
    return found, []
