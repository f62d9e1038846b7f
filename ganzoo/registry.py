"""Components, their names, and where they are found.

A component is a class registered under a kind: `@register("pretext")` on the class `rotation` makes
`pretext.rotation`, one name for gin, the command line, the docs and the tests. Built-in components are found by
their folder (`ganzoo/pretext/*.py`), by reading the files and not by importing them, so that listing names costs no
torch import. Other packages add theirs by an entry point in the group `ganzoo.components` whose name is the
component's (`pretext.jigsaw`), and a single file adds its own by `load_file`.
"""

import ast
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from ganzoo.aliases import known_as
from ganzoo.component import C, Component, Part, name_of, options_of, parameters_of, summary_of
from ganzoo.errors import UserError, closest, nearest
from ganzoo.paths import PACKAGE

ENTRY_POINT_GROUP = "ganzoo.components"
PLUGIN_MODULE = "ganzoo_plugin_"  # how the module of a loose file begins
IF_PLUGIN = "if it is a plugin, give its file with --plugin FILE or install its package"

KINDS: dict[str, str] = {
    "architectures": "networks: generators and discriminators",
    "losses": "adversarial losses",
    "penalties": "regularisers of the discriminator",
    "normalizations": "normalization layers of a network",
    "conditioning": "how class labels enter both networks",
    "pretext": "self-supervised tasks of the discriminator",
    "augment": "augmentation of the images that the discriminator sees",
    "optim": "optimizers with their learning-rate schedules",
    "remedies": "remedies against forgetting, for a network trained on one task after another",
    "data": "data sets",
    "features": "feature extractors for metrics",
    "metrics": "measures of the generated images",
}


@dataclass(frozen=True)
class Listing:
    """One known component: its name, the module that defines it, who brings it, and its first sentence."""

    name: str
    module: str
    origin: str
    summary: str = ""
    load: Callable[[], object] = lambda: None


_loaded: dict[str, type[Component]] = {}
_files: dict[str, tuple[Path, str]] = {}  # loose plugin files: component name -> (path, sha256)


def register(kind: str) -> Callable[[type[C]], type[C]]:
    """Register a class as the component `kind.<class name>`.

    >>> from ganzoo.losses.hinge import hinge
    >>> @register("losses")
    ... class my_hinge(hinge):
    ...     least_d_loss = 1.0
    >>> get("losses.my_hinge").least_d_loss
    1.0

    Args:
        kind: one of `KINDS`; the class must derive from that kind's base class.

    Raises:
        TypeError: the class breaks a rule that every component keeps; the message says which and how to mend it.
    """

    def decorate(component: type[C]) -> type[C]:
        name = f"{kind}.{component.__name__}"
        if kind not in KINDS:
            raise TypeError(f"no kind '{kind}' for {component.__name__}{nearest(kind, KINDS)}")
        if getattr(component, "kind", None) != kind:
            raise TypeError(f"{name} must derive from the base class in ganzoo/{kind}/base.py")
        for parameter in parameters_of(component).values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise TypeError(
                    f"{name} takes '*{parameter.name}', which would swallow a misspelt parameter: name each"
                )
            if parameter.kind is parameter.POSITIONAL_ONLY:
                raise TypeError(f"{name} takes '{parameter.name}' by position only; arguments are given by name")
        if name in _loaded and _is_another(component, _loaded[name]):
            raise TypeError(f"{name} is registered twice in one file; rename one")
        if (other := index().get(name)) and not _is_same_origin(other, component):
            raise TypeError(f"{name} is registered twice: here and in {other.origin}; rename one")
        _loaded[name] = component
        return component

    return decorate


def _is_another(component: type[Component], earlier: type[Component]) -> bool:
    """Return whether a plugin file defines a second class of the same name; a notebook may define a class again."""
    module = sys.modules.get(component.__module__)
    return component.__module__.startswith(PLUGIN_MODULE) and getattr(module, component.__name__, None) is earlier


def _is_same_origin(listing: Listing, component: type[Component]) -> bool:
    """Return whether a listing is of this class; a package may offer it from another of its modules."""
    if listing.name in _entry_points() and listing.name not in _loaded:
        return listing.module.split(".")[0] == component.__module__.split(".")[0]
    return listing.module == component.__module__


@cache
def _builtin() -> dict[str, Listing]:
    """Find `@register("kind") class name` in ganzoo's own folders by reading the files."""
    found = {}
    for kind in KINDS:
        for path in sorted((PACKAGE / kind).glob("*.py")):
            module = f"ganzoo.{kind}.{path.stem}"
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef) and f"register({kind!r})" in map(ast.unparse, node.decorator_list):
                    name = f"{kind}.{node.name}"
                    summary = (ast.get_docstring(node) or "").split("\n", 1)[0]
                    found[name] = Listing(name, module, "ganzoo", summary, partial(importlib.import_module, module))
    return found


@cache
def _entry_points() -> dict[str, Listing]:
    found: dict[str, Listing] = {}
    for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
        load = partial(_load_entry_point, entry)
        other = found.get(entry.name)
        if other is not None and (other.module, other.origin) != (entry.module, origin):
            load = partial(_refuse_clash, entry.name, other.origin, origin)
            origin = f"{other.origin} and {origin}"
        found[entry.name] = Listing(entry.name, entry.module, origin, "", load)
    return found


def _refuse_clash(name: str, first: str, second: str) -> None:
    raise UserError(f"both {first} and {second} add '{name}'; uninstall one of them")


def _load_entry_point(entry: importlib.metadata.EntryPoint) -> None:
    origin = entry.dist.name if entry.dist else entry.value
    if entry.name in _builtin():
        raise UserError(f"the package {origin} adds '{entry.name}', a name that ganzoo has; rename it there")
    try:
        component = entry.load()
    except (Exception, SystemExit) as error:
        _forget_unloaded(entry.module.partition(".")[0])
        raise UserError(
            f"the plugin '{entry.name}' of {origin} cannot be loaded: {error}; mend or uninstall it"
        ) from error
    if not (inspect.isclass(component) and issubclass(component, Component)):
        raise UserError(f"the plugin '{entry.name}' of {origin} is no component: decorate a class with @register")
    if name_of(component) != entry.name or _loaded.get(entry.name) is not component:
        raise UserError(
            f"the package {origin} offers '{entry.name}', but its class registers as '{name_of(component)}': "
            "give entry point and class the same name"
        )


def _forget_unloaded(package: str) -> None:
    """Forget the components of those modules of a package whose import failed.

    Other modules stay: they are loaded, and would not register their components again.
    """
    for name, component in list(_loaded.items()):
        module = component.__module__
        if module.partition(".")[0] == package and module not in sys.modules:
            del _loaded[name]


def _reason(error: BaseException) -> str:
    """Return what went wrong in a plugin: the error with its class, or the sentence of `register` alone."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    is_own = frame is not None and frame.tb_frame.f_globals.get("__name__") == __name__
    return str(error) if is_own else f"{type(error).__name__}: {error}"


def load_file(path: Path) -> list[str]:
    """Load the components of a loose Python file (`--plugin FILE`) and return their names.

    Raises:
        UserError: no such file, it cannot be imported, or it registers nothing.
    """
    path = path.resolve()
    if not path.is_file():
        raise UserError(f"no plugin file '{path}'; --plugin takes the path of a Python file")
    source = path.read_bytes()
    digest = hashlib.sha256(source).hexdigest()
    if known := [name for name, (_, known_digest) in _files.items() if known_digest == digest]:
        return known
    module_name = f"{PLUGIN_MODULE}{path.stem}_{digest[:8]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"the plugin '{path}' is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(module_name)
        _forget_unloaded(module_name)
        raise UserError(f"the plugin '{path}' cannot be loaded: {_reason(error)}") from error
    names = sorted(name for name, c in _loaded.items() if c.__module__ == module_name)
    if not names:
        raise UserError(f"the plugin '{path}' registers no component: decorate its class with @register(\"<kind>\")")
    _files.update(dict.fromkeys(names, (path, digest)))
    return names


def plugin_file(name: str) -> tuple[Path, str] | None:
    """Return the path and sha256 of the loose file that brought a component, or None."""
    return _files.get(name)


def plugin_sha256(name: str) -> str | None:
    """Return the sha256 of the file that defines a loaded component, or None for one of ganzoo's own."""
    if name in _files:
        return _files[name][1]
    if name in _builtin():
        return None
    path = getattr(sys.modules.get(_loaded[name].__module__), "__file__", None)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else "unknown"


def index() -> dict[str, Listing]:
    """Return every known component by name and import none: built-in, of other packages, of loaded files."""
    loaded = {
        name: Listing(name, c.__module__, str(_files[name][0]) if name in _files else c.__module__, summary_of(c))
        for name, c in _loaded.items()
    }
    return dict(sorted({**loaded, **_entry_points(), **_builtin()}.items()))


def get(name: str, *, where: str = "") -> type[Component]:
    """Return the component called `kind.name`, after importing the module that defines it.

    Raises:
        UserError: there is none; the nearest name is given.
    """
    if name not in _loaded:
        listing = index().get(name)
        if listing is None:
            raise UserError(f"no component '{name}'{suggestion(name)}", where=where)
        listing.load()
    return _loaded[name]


def suggestion(name: str, *, roots: Sequence[str] = ()) -> str:
    """Return the end of a sentence about a name that is no component: the name that was meant, or where to look.

    Args:
        name: what was given, usually `kind.name`.
        roots: other names that may have been meant.
    """
    known = index()
    kind, _, last = name.rpartition(".")
    if same_last_name := [k for k in known if k.rpartition(".")[2] == last]:
        return f"; did you mean '{same_last_name[0]}'?"
    if meant := known_as(name):
        return f"; ganzoo has it as {meant}"
    of_kind = [k for k in known if kind not in KINDS or k.startswith(f"{kind}.")]
    if kind in KINDS or not kind:
        # Without the kind, or all names of a kind would resemble each other.
        lasts = {root: root for root in roots} | {k.rpartition(".")[2]: k for k in of_kind}
        meant = lasts.get(closest(last, lasts), "")
    else:
        meant = closest(name, [*roots, *known], cutoff=0.8)
    if meant:
        return f"; did you mean '{meant}'?"
    listing = f"`ganzoo list {kind}`" if kind in KINDS else "`ganzoo list`"
    return f"; {listing} shows the {len(of_kind)} there are; {IF_PLUGIN}"


def part(name: str, **arguments: object) -> Part[Component]:
    """Return a part, as a reference in a recipe makes it.

    >>> part("optim.adam", learning_rate=1e-4).arguments
    {'learning_rate': 0.0001}
    >>> part("data.synthetic", size=8)().spec().image_shape
    (3, 8, 8)

    Raises:
        UserError: no such component, or no such argument.
    """
    component = get(name)
    for argument in arguments:
        if argument not in options_of(component):
            raise UserError(f"{name} has no parameter '{argument}'{nearest(argument, options_of(component))}")
    return Part(name, component, arguments)
