"""From a recipe to what it describes: find, read, load plugins, resolve, refuse what was not used.

Nothing is global: gin's parser gives statements (`gin_reader.py`), the rules by which they become an `Experiment` (or
the root of another command's recipes) are in `resolver.py`, and a `Configuration` holds the outcome.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ganzoo import registry
from ganzoo.errors import UserError
from ganzoo.gin_reader import FORGETTING_FOLDER, find_recipe, read_file, read_override, recipes_dir, shown
from ganzoo.gin_statements import Binding
from ganzoo.operative import defaults_of, diff, operative_text, parse_operative, values_of

if TYPE_CHECKING:
    from ganzoo.evaluation_protocol import EvaluationProtocol
    from ganzoo.experiment import Experiment
    from ganzoo.forgetting.experiment import ForgettingExperiment

__all__ = [
    "Configuration",
    "ForgettingConfiguration",
    "Resolved",
    "diff",
    "load",
    "load_forgetting",
    "load_protocol",
    "recipes_dir",
]

NO_OPTIONS: Mapping[str, str] = {}
PROTOCOLS = "protocols"  # the folder of packaged protocols, below that of the recipes
EXPERIMENT, FORGETTING = "experiment", "forgetting"
COMMANDS = {EXPERIMENT: "ganzoo run", FORGETTING: "ganzoo forgetting"}
"""What stands before the dot in the bindings of a recipe, and the command that runs it."""


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

    def operative(self) -> str:
        """Return every parameter of every part in use as gin text that loads to an equal experiment."""
        return operative_text(self.experiment)

    def difference(self, earlier: str) -> list[str]:
        """Return how an operative text, perhaps of an earlier version, differs from this one, a line each."""
        return diff(earlier, self.operative(), defaults=defaults_of(self.experiment))

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

    def with_num_threads(self, num_threads: int) -> "Configuration":
        """Return the configuration with the number of threads that a run settled on."""
        return self.with_values(num_threads=num_threads)


@dataclass(frozen=True)
class ForgettingConfiguration:
    """A recipe of a forgetting experiment, resolved.

    Args:
        name: the recipe's, without folder and ending.
        experiment: what it describes.
        plugins: loose files that were loaded for it.
    """

    name: str
    experiment: "ForgettingExperiment"
    plugins: tuple[Path, ...]

    def operative(self) -> str:
        """Return every parameter of every part in use as gin text that loads to an equal experiment."""
        return operative_text(self.experiment, root_name=FORGETTING)

    def difference(self, earlier: str) -> list[str]:
        """Return how an operative text, perhaps of an earlier version, differs from this one, a line each."""
        return diff(earlier, self.operative(), defaults=defaults_of(self.experiment, root_name=FORGETTING))

    def with_num_threads(self, num_threads: int) -> "ForgettingConfiguration":
        """Return the configuration with the number of threads that a run settled on."""
        return replace(self, experiment=replace(self.experiment, num_threads=num_threads))


class _Read(NamedTuple):
    """A recipe whose plugins are loaded and whose bindings are not resolved yet."""

    name: str
    bindings: list[Binding]
    where: str
    plugins: tuple[Path, ...]
    text: str


def load(
    recipe: str | Path,
    *,
    overrides: Sequence[str] = (),
    options: Mapping[str, str] = NO_OPTIONS,
    plugins: Iterable[Path] = (),
) -> Configuration:
    """Resolve a recipe.

    Args:
        recipe: a path, or the name of a packaged recipe.
        overrides: texts of `--set`, which win over the files, later ones over earlier ones.
        options: bindings that stand for other options, by the option as it was given: `--threads 2`.
        plugins: loose Python files that register components.

    Raises:
        UserError: anything in it that is unreadable, unknown, unused, missing or of a wrong type, with its place.
    """
    read = _read(find_recipe(str(recipe)), overrides, options, plugins, root_name=EXPERIMENT)
    from ganzoo.experiment import Experiment
    from ganzoo.resolver import Resolver

    resolver = Resolver(read.bindings, read.where, root_name=EXPERIMENT, root_class=Experiment)
    experiment = resolver.resolve()
    return Configuration(read.name, experiment, read.plugins, resolver.locations, read.text)


def load_forgetting(
    recipe: str | Path,
    *,
    overrides: Sequence[str] = (),
    options: Mapping[str, str] = NO_OPTIONS,
    plugins: Iterable[Path] = (),
) -> ForgettingConfiguration:
    """Resolve a recipe of a forgetting experiment; arguments and errors are those of `load`."""
    path = find_recipe(str(recipe), folder=FORGETTING_FOLDER)
    read = _read(path, overrides, options, plugins, root_name=FORGETTING)
    from ganzoo.forgetting.experiment import ForgettingExperiment
    from ganzoo.resolver import Resolver

    resolver = Resolver(read.bindings, read.where, root_name=FORGETTING, root_class=ForgettingExperiment)
    return ForgettingConfiguration(read.name, resolver.resolve(), read.plugins)


def load_protocol(protocol: str | Path, *, overrides: Sequence[str] = ()) -> "EvaluationProtocol":
    """Resolve a protocol: a file that binds `experiment.metrics`, the parameters `eval_...` and the metrics' own.

    Recipes may include such a file.

    Args:
        protocol: a path, or the name of a packaged protocol.
        overrides: bindings that win over the file, as of `--set`.

    Raises:
        UserError: as for a recipe; also a binding that is no part of an evaluation.
    """
    path = find_recipe(str(protocol), folder=PROTOCOLS, what="protocol")
    source = read_file(path)
    from ganzoo.evaluation_protocol import EvaluationProtocol
    from ganzoo.resolver import Resolver

    bindings = [*source.bindings, *(binding for text in overrides for binding in read_override(text))]
    resolver = Resolver(
        bindings, shown(path), root_name=EXPERIMENT, root_class=EvaluationProtocol, what="evaluation protocol"
    )
    found = resolver.resolve()
    if not found.metrics:
        raise UserError("binds no metrics; bind experiment.metrics = [@metrics....]", where=shown(path))
    return found


def _read(
    path: Path, overrides: Sequence[str], options: Mapping[str, str], plugins: Iterable[Path], *, root_name: str
) -> _Read:
    """Read a recipe and load its plugins; refuse one that is for another command."""
    source = read_file(path)
    overriding = [read_override(text) for text in overrides]
    by_option = [replace(binding, where=given) for given, text in options.items() for binding in read_override(text)]
    for binding in by_option:
        _refuse_contradiction(binding, [set_ for bindings in overriding for set_ in bindings])
    overriding.append(by_option)
    if not source.bindings and not any(overriding):
        raise UserError("is empty: it binds nothing; see `ganzoo list` and the packaged recipes", where=shown(path))
    bindings = [*source.bindings, *(binding for bindings in overriding for binding in bindings)]
    for binding in bindings:
        if binding.selector in COMMANDS and binding.selector != root_name:
            command, own = COMMANDS[binding.selector], COMMANDS[root_name]
            raise UserError(
                f"'{binding.key}' is for `{command}`, and `{own}` has no use for it; "
                "use that command, or remove the line",
                where=binding.where,
            )

    # Only now may code run: plugins, then torch and the modules of the components that are named.
    loaded = tuple(Path(plugin).resolve() for plugin in plugins)
    for plugin in loaded:
        registry.load_file(plugin)
    _refuse_missing_plugins(source.text, shown(path))
    text = source.text + "".join(f"# --set\n{override.strip()}\n" for override in (*overrides, *options.values()))
    return _Read(path.stem, bindings, shown(path), loaded, text)


def _refuse_contradiction(option: Binding, overrides: Sequence[Binding]) -> None:
    """Refuse an option that a `--set` contradicts; of several the last would have won."""
    other = next((binding for binding in reversed(overrides) if binding.key == option.key), None)
    if other is not None and other.value != option.value:
        raise UserError(f"contradicts {other.where}; leave one of them out", where=option.where)


def _refuse_missing_plugins(text: str, where: str) -> None:
    """Refuse an operative text whose plugins are not there, before its bindings seem to name unknown components."""
    for key in parse_operative(text):
        if key.startswith("plugin ") and (name := key.removeprefix("plugin ")) not in registry.index():
            raise UserError(
                f"uses the plugin '{name}', which is not here; install its package or give its file with --plugin "
                "(a run folder keeps a copy in plugins/)",
                where=where,
            )
