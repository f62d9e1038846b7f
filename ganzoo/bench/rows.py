"""The rows of a grid, resolved and built without data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ganzoo.bench.axes import Graph, graph
from ganzoo.bench.grid import Grid, Row, recipe_path
from ganzoo.config.experiment import Experiment
from ganzoo.config.load import Configuration, load
from ganzoo.config.recipe_files import read_file, shown
from ganzoo.errors import UserError
from ganzoo.gan.build import build_gan
from ganzoo.runs.code_hashes import evaluation_code_files, training_code_files
from ganzoo.training.dry_run import check_metrics


@dataclass(frozen=True)
class BuiltRow:
    """A row that was built, so that its configuration is sound.

    Args:
        row: as the grid has it.
        configuration: resolved, with a seed that every run replaces by its own.
        graph: of the configuration.
        training_files: sha256 of every file of training code that it uses, by path.
        num_parameters: trained ones of `generator`, `discriminator` and `tasks`.
        evaluation_files: sha256 of every file that its numbers follow from, by path.
    """

    row: Row
    configuration: Configuration[Experiment]
    graph: Graph
    training_files: Mapping[str, str]
    num_parameters: Mapping[str, int]
    evaluation_files: Mapping[str, str]

    def operative(self, seed: int) -> str:
        """Return the complete configuration of the run of a seed."""
        return self.configuration.with_seed(seed).operative()


def build_row(grid: Grid, row: Row, *, plugins: Sequence[Path], num_threads: int) -> BuiltRow:
    """Resolve and build one row; neither its data nor the weights of its metrics are needed.

    The order in which bindings win is: the row's own, the number of threads, the grid's overrides, the protocol, the
    recipe.

    Args:
        grid: that the row is of.
        row: to build.
        plugins: loose files that register components.
        num_threads: CPU threads of every run.

    Raises:
        UserError: whatever is wrong with it, with the row's name.
    """
    shared = [read_file(grid.protocol_path).text] if grid.protocol_path is not None else []
    shared += [*grid.overrides, f"experiment.num_threads = {num_threads}"]
    recipe = recipe_path(grid, row)
    try:
        configuration = load(recipe, overrides=[*shared, *row.bindings], plugins=plugins)
        experiment = configuration.experiment
        spec = experiment.dataset().spec()
        gan = build_gan(experiment, spec)
        check_metrics(experiment, spec, gan)
    except UserError as error:
        where = row.where.get("row.bindings", row.where["row.recipe"])
        raise UserError(f"the row '{row.name}' of {shown(grid.path)}: {error}", where=where) from error
    num_parameters = {
        "generator": _count(gan.generator),
        "discriminator": _count(gan.discriminator),
        "tasks": sum(_count(task) for task in gan.tasks.values()),
    }
    return BuiltRow(
        row=row,
        configuration=configuration,
        graph=graph(experiment),
        training_files=training_code_files(experiment),
        num_parameters=num_parameters,
        evaluation_files=evaluation_code_files(experiment),
    )


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def build_rows(grid: Grid, *, plugins: Sequence[Path], num_threads: int) -> dict[str, BuiltRow]:
    """Build every row of a grid, by name.

    Raises:
        UserError: the first row that is not sound.
    """
    rows = grid.rows_by_name
    return {name: build_row(grid, row, plugins=plugins, num_threads=num_threads) for name, row in rows.items()}
