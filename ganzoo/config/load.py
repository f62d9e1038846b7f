"""From a recipe to what it describes: find it, read it, load its plugins, and resolve its bindings.

`recipe_files.py` gives the bindings, `resolver.py` makes an `Experiment` of them (or the root of another command's
recipes), and a `Configuration` holds the outcome. Nothing is global.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypedDict, TypeVar, Unpack, overload

from ganzoo import registry
from ganzoo.config.gin_parser import Binding
from ganzoo.config.operative import defaults_of, diff, operative_text, parse_operative, values_of
from ganzoo.config.recipe_files import command_of, find_recipe, read_file, read_override, shown
from ganzoo.config.resolver import Resolver
from ganzoo.config.root import RecipeRoot
from ganzoo.errors import ParameterError, UserError

if TYPE_CHECKING:
    from ganzoo.config.evaluation_protocol import EvaluationProtocol
    from ganzoo.config.experiment import Experiment

NO_OPTIONS: Mapping[str, str] = {}

R = TypeVar("R", bound=RecipeRoot)


class Resolved(NamedTuple):
    """One parameter: its full key, its value as gin text, and where it was bound (or `default`)."""

    key: str
    value: str
    where: str


@dataclass(frozen=True)
class Configuration(Generic[R]):
    """A recipe, resolved.

    Args:
        name: the recipe's, without folder and ending.
        experiment: the `Experiment` that it describes, or the root of another command's recipes.
        plugins: loose files that were loaded for it.
        locations: where each bound parameter was bound, by its key in the operative text.
        text: the recipe as given, with included texts in their places and the overrides at the end.
    """

    name: str
    experiment: R
    plugins: tuple[Path, ...]
    locations: Mapping[str, str]
    text: str

    def operative(self) -> str:
        """Return every parameter of every part in use as gin text that loads to an equal experiment."""
        return operative_text(self.experiment)

    def difference(self, earlier: str) -> list[str]:
        """Return the differences from an operative text, which an earlier version may have written, a line each."""
        return diff(earlier, self.operative(), defaults=defaults_of(self.experiment))

    def source(self) -> str:
        """Return the configuration as it was given, without includes; it loads from any folder."""
        return self.text

    @property
    def resolved(self) -> list[Resolved]:
        """Every parameter in use, its value and where it was bound, in the order of the operative text."""
        values = values_of(self.experiment)
        return [Resolved(key, text, self.locations.get(key, "default")) for key, text in values.items()]

    def with_seed(self, seed: int) -> "Configuration[R]":
        """Return the configuration with the seed of the command line, which `source` then has too.

        Raises:
            UserError: a seed out of range.
        """
        changed = self._with_value("seed", seed, where=f"--seed {seed}")
        return replace(changed, text=f"{self.text}# --seed\n{self.experiment.root_name}.seed = {seed}\n")

    def with_num_threads(self, num_threads: int) -> "Configuration[R]":
        """Return the configuration with the number of threads that a run uses."""
        return self._with_value("num_threads", num_threads, where="chosen by the run")

    def _with_value(self, name: str, value: int, *, where: str) -> "Configuration[R]":
        key = f"{self.experiment.root_name}.{name}"
        try:
            experiment = replace(self.experiment, **{name: value})
        except ParameterError as error:
            raise UserError(error.message({name: key}), where=where) from error
        return replace(self, experiment=experiment, locations={**self.locations, key: where})


class Additions(TypedDict, total=False):
    """What a command line adds to a recipe: the further arguments of `load`."""

    overrides: Sequence[str]
    options: Mapping[str, str]
    plugins: Iterable[Path]


@overload
def load(recipe: str | Path, **additions: Unpack[Additions]) -> "Configuration[Experiment]": ...
@overload
def load(recipe: str | Path, root_class: type[R], **additions: Unpack[Additions]) -> Configuration[R]: ...
def load(
    recipe: str | Path,
    root_class: type[R] | None = None,
    *,
    overrides: Sequence[str] = (),
    options: Mapping[str, str] = NO_OPTIONS,
    plugins: Iterable[Path] = (),
) -> Configuration[Any]:
    """Resolve a recipe.

    Args:
        recipe: a path, or the name of a packaged recipe.
        root_class: the class that the recipe fills in; None for `Experiment`.
        overrides: texts of `--set`, which win over the files, later ones over earlier ones.
        options: bindings that stand for other options, by the option as it was given: `--threads 2`.
        plugins: loose Python files that register components.

    Raises:
        UserError: anything in it that is unreadable, unknown, unused, missing or of a wrong type, with its place.
    """
    folder, root_name = ("", "experiment") if root_class is None else (root_class.recipe_folder, root_class.root_name)
    path = find_recipe(str(recipe), folder=folder)
    source = read_file(path)
    overriding = [binding for text in overrides for binding in read_override(text)]
    by_option = [replace(binding, where=given) for given, text in options.items() for binding in read_override(text)]
    for binding in by_option:
        _refuse_contradiction(binding, overriding)
    bindings = [*source.bindings, *overriding, *by_option]
    if not bindings:
        raise UserError("is empty: it binds nothing; see `ganzoo list` and the packaged recipes", where=shown(path))
    for binding in bindings:
        _refuse_other_command(binding, root_name)

    # Only now may code run: plugins, then torch and the modules of the components that are named.
    loaded = tuple(Path(plugin).resolve() for plugin in plugins)
    for plugin in loaded:
        registry.load_file(plugin)
    _refuse_missing_plugins(source.text, shown(path))
    text = source.text + "".join(f"# --set\n{override.strip()}\n" for override in (*overrides, *options.values()))
    resolver: Resolver[Any] = Resolver(bindings, shown(path), root_class or _experiment())
    return Configuration(path.stem, resolver.root(), loaded, resolver.locations, text)


def load_protocol(protocol: str | Path, *, overrides: Sequence[str] = ()) -> "EvaluationProtocol":
    """Resolve a protocol: a file that binds `experiment.metrics`, the parameters `eval_...` and the metrics' own.

    Recipes may include such a file.

    Args:
        protocol: a path, or the name of a packaged protocol.
        overrides: bindings that win over the file, as of `--set`.

    Raises:
        UserError: as for a recipe; also a binding that is no part of an evaluation.
    """
    from ganzoo.config.evaluation_protocol import EvaluationProtocol

    path = find_recipe(str(protocol), folder=EvaluationProtocol.recipe_folder, what=EvaluationProtocol.file_kind)
    bindings = [*read_file(path).bindings, *(binding for text in overrides for binding in read_override(text))]
    found = Resolver(bindings, shown(path), EvaluationProtocol).root()
    if not found.metrics:
        raise UserError("binds no metrics; bind experiment.metrics = [@metrics....]", where=shown(path))
    return found


def _experiment() -> "type[Experiment]":
    """Return the class of an experiment. It needs torch, which a recipe that cannot be read need not wait for."""
    from ganzoo.config.experiment import Experiment

    return Experiment


def _refuse_contradiction(option: Binding, overrides: Sequence[Binding]) -> None:
    """Refuse an option that contradicts a `--set`; of several, the last one counts."""
    other = next((binding for binding in reversed(overrides) if binding.key == option.key), None)
    if other is not None and other.value != option.value:
        raise UserError(f"contradicts {other.where}; leave one of them out", where=option.where)


def _refuse_other_command(binding: Binding, root_name: str) -> None:
    """Refuse a binding of another command's root."""
    command = command_of(binding.selector)
    if command is not None and binding.selector != root_name:
        raise UserError(
            f"'{binding.key}' is for `{command}`, and `{command_of(root_name)}` has no use for it; "
            "use that command, or remove the line",
            where=binding.where,
        )


def _refuse_missing_plugins(text: str, where: str) -> None:
    """Refuse an operative text whose plugins are missing; their components would seem to be misspelt."""
    for key in parse_operative(text):
        if key.startswith("plugin ") and (name := key.removeprefix("plugin ")) not in registry.index():
            raise UserError(
                f"uses the plugin '{name}', which is not here; install its package or give its file with --plugin "
                "(a run folder keeps a copy in plugins/)",
                where=where,
            )
