"""A component, and a part of a configuration: a component together with its arguments.

Nothing here knows which components there are; `registry` does.
"""

import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, NamedTuple, TypeVar

from ganzoo.errors import ParameterError, UserError


class Component:
    """Base of every kind's contract (`ganzoo/<kind>/base.py`)."""

    kind: ClassVar[str]
    """The kind a subclass registers under."""
    runtime_args: ClassVar[frozenset[str]] = frozenset()
    """Constructor arguments that the builder supplies and a configuration may not bind. A component names those it
    needs in its constructor."""


@typing.dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field,))
class DeclaredArguments:
    """Mixed into a component, it makes a constructor from the annotated attributes of the class and of its bases.

    `alpha: float = 0.2` declares an option with its default, `feature_dim: int` a runtime argument. A subclass declares
    only what it adds or changes, and does the rest of its construction in `__post_init__`, after its base's. What is no
    argument is a `ClassVar`, or has no annotation.
    """

    def __init_subclass__(cls) -> None:
        """Write the constructor, unless the class has one of its own."""
        super().__init_subclass__()
        dataclass(kw_only=True, eq=False, repr=False, match_args=False)(cls)


C = TypeVar("C", bound=Component)
C_co = TypeVar("C_co", bound=Component, covariant=True)


def name_of(component: type[Component]) -> str:
    """Return the `kind.name` of a component."""
    return f"{component.kind}.{component.__name__}"


def summary_of(component: type[Component]) -> str:
    """Return the first sentence of a component's docstring."""
    return (inspect.getdoc(component) or "").split("\n", 1)[0]


def parameters_of(component: type[Component]) -> dict[str, inspect.Parameter]:
    """Return every argument of a component's constructor, inherited ones included, without `self`."""
    # A torch module that writes no constructor of its own has no arguments, whatever torch's constructor takes.
    if component.__init__ is object.__init__ or component.__init__.__module__ == "torch.nn.modules.module":
        return {}
    signature = inspect.signature(component.__init__)
    return {name: p for name, p in signature.parameters.items() if name != "self"}


def options_of(component: type[Component]) -> dict[str, inspect.Parameter]:
    """Return the arguments that a configuration may bind: all but the runtime arguments."""
    return {n: p for n, p in parameters_of(component).items() if n not in component.runtime_args}


def default_arguments(component: type[Component]) -> dict[str, object]:
    """Return the defaults of those arguments that have one."""
    return {n: p.default for n, p in options_of(component).items() if p.default is not inspect.Parameter.empty}


def annotation_of(component: type[Component], name: str) -> object:
    """Return the resolved type annotation of a constructor argument.

    Raises:
        UserError: an annotation names what its module does not import at run time.
    """
    try:
        return typing.get_type_hints(component.__init__).get(name, typing.Any)
    except NameError as error:
        raise UserError(
            f"an annotation in the constructor of {name_of(component)} cannot be resolved ({error}); "
            "import what it names outside `if TYPE_CHECKING`"
        ) from error


class Bound(NamedTuple):
    """Where a parameter has its value from.

    Args:
        key: its full key.
        where: `file:line` or the text of a `--set`; empty for a default.
        macro: the end of a sentence that says where the value's macros are defined; empty without macros.
    """

    key: str
    where: str = ""
    macro: str = ""


def parameter_refusal(
    error: ParameterError, parameters: Mapping[str, Bound], *, where: str, start: str = ""
) -> UserError:
    """Return the error that a user sees, at the place of the first parameter that was bound.

    Args:
        error: the component's, with short names.
        parameters: those that have a full key, by short name.
        where: the place, if none of them was bound.
        start: the beginning of the message.
    """
    message = start + error.message({name: bound.key for name, bound in parameters.items()})
    named = [parameters[name] for name in error.names if name in parameters]
    place = next((bound for bound in named if bound.where), Bound("", where))
    return UserError(message + place.macro, where=place.where)


@dataclass(frozen=True)
class Part(Generic[C_co]):
    """A component together with its arguments; it is built once per use. `@kind.name` in gin becomes a part.

    Args:
        name: `kind.name`.
        component: the class.
        arguments: the configured arguments, by name.
        scope: the gin scope of the reference (`G` in `@G/optim.adam`), or empty.
        where: `file:line` of the reference, for error messages.
        bound: where the arguments were bound, and those runtime arguments that are bound elsewhere, by short name.
    """

    name: str
    component: "type[C_co]"
    arguments: Mapping[str, object] = field(default_factory=dict)
    scope: str = ""
    where: str = field(default="", compare=False)
    bound: Mapping[str, Bound] = field(default_factory=dict, compare=False, repr=False)

    @property
    def section(self) -> str:
        """`scope/kind.name`: what stands before its parameters in a configuration."""
        return f"{self.scope}/{self.name}" if self.scope else self.name

    def __call__(self, **runtime_args: object) -> C_co:
        """Build the component from its arguments and those runtime arguments that its constructor names.

        Raises:
            UserError: an argument's value is refused by the component.
        """
        unknown = runtime_args.keys() - self.component.runtime_args
        overlap = runtime_args.keys() & self.arguments.keys()
        assert not unknown, f"{self.name}: {unknown} are no runtime arguments of its kind"
        assert not overlap, f"{self.name}: {overlap} are both configured and runtime arguments"
        wanted = {n: v for n, v in runtime_args.items() if n in parameters_of(self.component)}
        try:
            return self.component(**self.arguments, **wanted)
        except ValueError as error:
            raise self.refusal(error) from error

    def refusal(self, error: ValueError) -> UserError:
        """Return the error that a user sees where the component refuses its arguments.

        Args:
            error: the component's. Only a `ParameterError` has the place of a parameter.
        """
        if not isinstance(error, ParameterError):
            return UserError(f"{self.name}: {error}", where=self.where)
        own = {name: Bound(f"{self.section}.{name}") for name in options_of(self.component)}
        start = "" if error.name in own else f"{self.name}: "
        return parameter_refusal(error, {**own, **self.bound}, where=self.where, start=start)

    def with_component(self, component: type[C]) -> "Part[C]":
        """Return a part of another component of the same kind, with those arguments that it takes too."""
        kept = {n: v for n, v in self.arguments.items() if n in options_of(component)}
        return Part(name_of(component), component, kept, self.scope, self.where, self.bound)


def complete_arguments(part: Part[Component]) -> dict[str, object]:
    """Return a part's arguments, and the defaults of the others."""
    return {**default_arguments(part.component), **part.arguments}
