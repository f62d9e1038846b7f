"""From bindings to what they describe: a dataclass whose parts have all of their arguments.

A reference `@scope/kind.name` takes each parameter from `scope/kind.name.parameter` if that is bound, else from
`kind.name.parameter`, else from the default.
"""

import re
import typing
from collections.abc import Sequence
from dataclasses import MISSING, fields
from inspect import Parameter
from typing import Generic, TypeVar

from ganzoo import registry
from ganzoo.component import Bound, Component, Part, annotation_of, options_of, parameter_refusal
from ganzoo.config.bindings import Bindings, keys_of
from ganzoo.config.gin_parser import Binding, Reference
from ganzoo.config.refusals import Refusals
from ganzoo.config.root import RecipeRoot
from ganzoo.config.value_types import (
    asked_class,
    converted,
    describe_class,
    item_types,
    member_for,
    render,
    wrong_type,
)
from ganzoo.errors import ParameterError, UserError

Root = TypeVar("Root", bound=RecipeRoot)


class Resolver(Generic[Root]):
    """Turns bindings into the dataclass that they describe.

    Args:
        bindings: in order; later ones win.
        recipe: the file, for messages that are about none of its lines.
        root_class: the dataclass whose fields are bound.
    """

    def __init__(self, bindings: Sequence[Binding], recipe: str, root_class: type[Root]) -> None:
        self.bindings, self.recipe, self.root_class = Bindings(bindings), recipe, root_class
        self.refusals = Refusals(self.bindings, root_class)
        self.building: list[str] = []  # the references whose arguments are being resolved, outermost first
        self.locations: dict[str, str] = {}  # the full key of a parameter -> where it was bound

    def root(self) -> Root:
        """Return what the bindings describe, with all parts.

        Raises:
            UserError: the first mistake, with its place.
        """
        for binding in self.bindings.bound.values():
            self.refusals.check_selector(binding)
        hints = typing.get_type_hints(self.root_class)
        keys = {field.name: f"{self.root_class.root_name}.{field.name}" for field in fields(self.root_class)}
        required = [f.name for f in fields(self.root_class) if f.default is MISSING and f.default_factory is MISSING]
        found = {name: self.bindings.bound[key] for name, key in keys.items() if key in self.bindings.bound}
        values = {name: self._bound_value(binding, keys[name], hints[name]) for name, binding in found.items()}
        missing = [keys[name] for name in required if name not in values]
        if missing:
            raise UserError(f"the {self.root_class.file_kind} does not bind {', '.join(missing)}", where=self.recipe)
        try:
            root = self.root_class(**values)
        except ParameterError as error:
            places = {name: self.bindings.place([key]) for name, key in keys.items()}
            raise parameter_refusal(error, places, where=self.recipe) from error
        self.refusals.check_all_used()
        return root

    def _bound_value(self, binding: Binding, key: str, annotation: object) -> object:
        """Return a binding's value for the parameter of this full key."""
        self.bindings.used.add(binding.key)
        self.locations[key] = binding.where
        value = self.bindings.expand(binding.value, binding.where)
        return self._resolve(value, annotation, binding.key, self.bindings.place([binding.key]))

    def _resolve(self, value: object, annotation: object, what: str, place: Bound) -> object:
        """Return a value as its parameter takes it: lists as tuples, whole numbers as floats, references as parts.

        Args:
            value: a literal, a reference, a part, or a list or dict of them.
            annotation: of the parameter.
            what: the parameter, or the item of its value, for messages.
            place: where the whole value was bound.
        """
        member = member_for(value, annotation)
        if member is None:
            raise UserError(wrong_type(value, annotation, what) + place.macro, where=place.where)
        if isinstance(value, Reference | Part):
            return self._part(value, asked_class(member), what)
        if isinstance(value, list | tuple):
            pairs = enumerate(zip(value, item_types(member, len(value)), strict=True), start=1)
            items = [self._resolve(item, inner, f"{what}, item {i},", place) for i, (item, inner) in pairs]
            return converted(items, member)
        if isinstance(value, dict):
            (inner,) = item_types(member, 1)
            return {key: self._resolve(item, inner, f"{what}[{key!r}]", place) for key, item in value.items()}
        return converted(value, member)

    def _part(self, reference: Reference | Part[Component], expected: type[Component], what: str) -> Part[Component]:
        """Return the part that a reference stands for; its component must be of the class expected."""
        where, text = reference.where, render(reference)
        if isinstance(reference, Reference) and reference.called:
            raise UserError(f"{text}() is called here; write {text}: ganzoo builds it when it is needed", where=where)
        if reference.scope and not re.fullmatch(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*", reference.scope):
            raise UserError(f"the scope of {text} must be a plain name", where=where)
        component = registry.get(reference.name, where=where)
        if not issubclass(component, expected):
            actual = next(c for c in component.__mro__[1:] if c.__module__.endswith(".base") or c is Component)
            raise UserError(
                f"{what} must be a reference to {describe_class(expected)}, and {text} is {describe_class(actual)}",
                where=where,
            )
        if text in self.building:
            raise UserError(f"{text} refers to itself; give the inner one another scope", where=where)
        self.building.append(text)
        self.bindings.reached.setdefault(text[1:], where)
        arguments, places = self._arguments(component, reference)
        self.building.pop()
        return Part(reference.name, component, arguments, reference.scope, where, places)

    def _arguments(
        self, component: type[Component], reference: Reference | Part[Component]
    ) -> tuple[dict[str, object], dict[str, Bound]]:
        """Return every argument that a configuration may bind, defaults included, and where parameters were bound.

        A runtime argument is bound at the field of the root that has its name.
        """
        name, scope, where = reference.name, reference.scope, reference.where
        self.refusals.check_arguments(component, name)
        given = reference.arguments if isinstance(reference, Part) else {}
        runtime_args = sorted(component.runtime_args & {*self.refusals.fields})
        places = {arg: self.bindings.place([f"{self.root_class.root_name}.{arg}"]) for arg in runtime_args}
        arguments: dict[str, object] = {}
        for option, parameter in options_of(component).items():
            keys, annotation = keys_of(scope, name, option), annotation_of(component, option)
            binding = self.bindings.find(keys)
            default = given.get(option, parameter.default)
            if binding is not None:
                places[option] = self.bindings.place(keys)
                arguments[option] = self._bound_value(binding, keys[0], annotation)
            elif default is not Parameter.empty:
                what = f"the default of {name}.{option}"
                arguments[option] = self._resolve(default, annotation, what, Bound(what, where, "; mend the component"))
            else:
                raise UserError(f"{name} needs its parameter '{option}'; bind {name}.{option}", where=where)
        return arguments, places
