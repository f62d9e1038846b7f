"""What a component is, and a component together with its arguments: the part of a configuration.

Nothing here knows which components there are; `registry` does.
"""

import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from ganzoo.errors import Bound, UserError, blame


class Component:
    """Base of every kind's contract (`ganzoo/<kind>/base.py`)."""

    kind: ClassVar[str]
    """The kind a subclass registers under."""
    runtime_args: ClassVar[frozenset[str]] = frozenset()
    """Constructor arguments that the builder supplies and a configuration may not bind. A component takes
    those it needs by naming them in its constructor."""


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
    """Return the arguments that a component can do without, with their defaults."""
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


@dataclass(frozen=True)
class Part(Generic[C_co]):
    """A component together with its arguments, to be built once per use: what `@kind.name` in gin becomes.

    Args:
        name: `kind.name`.
        component: the class.
        arguments: the configured arguments, by name.
        scope: the gin scope of the reference (`G` in `@G/optim.adam`), or empty.
        where: `file:line` of the reference, for error messages.
        bound: where the arguments, and the runtime arguments that a configuration binds elsewhere, were bound.
    """

    name: str
    component: "type[C_co]"
    arguments: Mapping[str, object] = field(default_factory=dict)
    scope: str = ""
    where: str = field(default="", compare=False)
    bound: Mapping[str, Bound] = field(default_factory=dict, compare=False, repr=False)

    @property
    def section(self) -> str:
        """Before what a configuration binds of it: `scope/kind.name`."""
        return f"{self.scope}/{self.name}" if self.scope else self.name

    def __call__(self, **runtime_args: object) -> C_co:
        """Build the component from its arguments and the runtime arguments, of which it gets those it names.

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
            raise self.refusal(str(error)) from error

    def refusal(self, message: str) -> UserError:
        """Return the error that says why the component refuses what it was given, where that was bound.

        Args:
            message: the component's, with the short names of its parameters.
        """
        own = {name: Bound(f"{self.section}.{name}", "") for name in options_of(self.component)}
        text, where = blame(message, of=self.name, parameters={**own, **self.bound})
        return UserError(text, where=where or self.where)

    def with_component(self, component: type[C]) -> "Part[C]":
        """Return a part of another component of the same kind, keeping the arguments that it also takes."""
        kept = {n: v for n, v in self.arguments.items() if n in options_of(component)}
        return Part(name_of(component), component, kept, self.scope, self.where, self.bound)


def complete_arguments(part: Part[Component]) -> dict[str, object]:
    """Return a part's arguments together with the defaults of those it does not give."""
    return {**default_arguments(part.component), **part.arguments}
