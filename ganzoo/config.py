"""From a recipe to an experiment: find, read, load plugins, resolve, refuse what was not used.

Nothing is global: gin's parser gives statements (`gin_reader.py`), the rules by which they become an `Experiment` are
in `resolver.py`, and a `Configuration` holds the outcome.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ganzoo import registry
from ganzoo.errors import UserError
from ganzoo.gin_reader import find_recipe, read_file, read_override, recipes_dir, shown
from ganzoo.operative import diff, operative_text, parse_operative, values_of

if TYPE_CHECKING:
    from ganzoo.evaluation_protocol import EvaluationProtocol
    from ganzoo.experiment import Experiment

__all__ = ["Configuration", "Resolved", "diff", "load", "load_protocol", "recipes_dir"]

PROTOCOLS = "protocols"  # the folder of packaged protocols, below that of the recipes


class Resolved(NamedTuple):
    """What one parameter came to: its full key, its value as gin text, and where it was bound (or `default`)."""

    key: str
    value: str
    where: str


@dataclass(frozen=True)
class Configuration:
    """A recipe, resolved.

    Args:
        name: the recipe's, without folder and ending.
        experiment: what it describes.
        plugins: loose files that were loaded for it.
        locations: where each bound parameter was bound, by the key of the operative text.
        text: the recipe as given, with includes in their place and the overrides after it.
    """

    name: str
    experiment: "Experiment"
    plugins: tuple[Path, ...]
    locations: Mapping[str, str]
    text: str

    def operative(self, extra_header: Sequence[str] = ()) -> str:
        """Return every parameter of every part in use as gin text that loads to an equal experiment."""
        return operative_text(self.experiment, extra_header)

    def source(self) -> str:
        """Return the configuration as it was given, with includes in their place; it loads from any folder."""
        return self.text

    @property
    def resolved(self) -> list[Resolved]:
        """Every parameter in use with its value and where that was bound, in the order of the operative text."""
        values = values_of(self.experiment)
        return [Resolved(key, text, self.locations.get(key, "default")) for key, text in values.items()]

    def with_values(self, *, seed: int | None = None, num_threads: int | None = None) -> "Configuration":
        """Return the configuration with another seed, or with the number of threads that a run settled on.

        Args:
            seed: given on the command line, and therefore part of `source`; None leaves it.
            num_threads: None leaves it.

        Raises:
            UserError: a value out of range.
        """
        given = {"seed": (seed, f"--seed {seed}"), "num_threads": (num_threads, "settled by the run")}
        experiment, locations = self.experiment, dict(self.locations)
        for name, (value, where) in given.items():
            if value is not None:
                try:
                    experiment = replace(experiment, **{name: value})  # type: ignore[arg-type]
                except ValueError as error:
                    raise UserError(f"experiment.{error}", where=where) from error
                locations[f"experiment.{name}"] = where
        text = self.text if seed is None else f"{self.text}# --seed\nexperiment.seed = {seed}\n"
        return replace(self, experiment=experiment, locations=locations, text=text)


def load(recipe: str | Path, *, overrides: Sequence[str] = (), plugins: Iterable[Path] = ()) -> Configuration:
    """Resolve a recipe.

    Args:
        recipe: a path, or the name of a packaged recipe.
        overrides: texts of `--set`, which win over the files, later ones over earlier ones.
        plugins: loose Python files that register components.

    Raises:
        UserError: anything in it that is unreadable, unknown, unused, missing or of a wrong type, with its place.
    """
    path = find_recipe(str(recipe))
    source = read_file(path)
    overriding = [read_override(text) for text in overrides]
    if not source.bindings and not overriding:
        raise UserError("is empty: it binds nothing; see `ganzoo list` and the packaged recipes", where=shown(path))

    # Only now may code run: plugins, then torch and the modules of the components that are named.
    loaded = tuple(Path(plugin).resolve() for plugin in plugins)
    for plugin in loaded:
        registry.load_file(plugin)
    _refuse_missing_plugins(source.text, shown(path))
    from ganzoo.experiment import Experiment
    from ganzoo.resolver import Resolver

    bindings = [*source.bindings, *(binding for bindings in overriding for binding in bindings)]
    resolver = Resolver(bindings, shown(path), root="experiment", described=Experiment)
    experiment = resolver.resolve()
    text = source.text + "".join(f"# --set\n{override.strip()}\n" for override in overrides)
    return Configuration(path.stem, experiment, loaded, resolver.locations, text)


def load_protocol(protocol: str | Path) -> "EvaluationProtocol":
    """Resolve a protocol: a file that binds `experiment.metrics`, the parameters `eval_...` and the metrics' own.

    Recipes may include such a file.

    Args:
        protocol: a path, or the name of a packaged protocol.

    Raises:
        UserError: as for a recipe; also a binding that is no part of an evaluation.
    """
    path = find_recipe(str(protocol), folder=PROTOCOLS, what="protocol")
    source = read_file(path)
    from ganzoo.evaluation_protocol import EvaluationProtocol
    from ganzoo.resolver import Resolver

    resolver = Resolver(
        source.bindings, shown(path), root="experiment", described=EvaluationProtocol, what="evaluation protocol"
    )
    found = resolver.resolve()
    if not found.metrics:
        raise UserError("binds no metrics; bind experiment.metrics = [@metrics....]", where=shown(path))
    return found


def _refuse_missing_plugins(text: str, where: str) -> None:
    """Refuse an operative text whose plugins are not there, before its bindings seem to name unknown components."""
    for key in parse_operative(text):
        if key.startswith("plugin ") and (name := key.removeprefix("plugin ")) not in registry.index():
            raise UserError(
                f"uses the plugin '{name}', which is not here; install its package or give its file with --plugin "
                "(a run folder keeps a copy in plugins/)",
                where=where,
            )
