"""What the bindings of a configuration mean: macros, scopes, types, and which of them were used.

A reference `@scope/kind.name` takes each parameter from `scope/kind.name.parameter` if that is bound, from
`kind.name.parameter` otherwise, and else from the default. Of several bindings of one key the last one counts.
"""

import inspect
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Generic, TypeVar

from ganzoo import registry
from ganzoo.component import Component, Part, annotation_of, options_of
from ganzoo.config.gin_parser import Binding, Macro, Reference, Value
from ganzoo.config.root import RecipeRoot
from ganzoo.config.value_types import WrongTypeError, coerce, describe_class, render
from ganzoo.errors import Bound, UserError, nearest

Root = TypeVar("Root", bound=RecipeRoot)


class Resolver(Generic[Root]):
    """Turns bindings into the dataclass that they describe.

    Args:
        bindings: in order; later ones win.
        recipe: the file, for messages about what is in none of its lines.
        root_class: the dataclass whose fields are bound.
    """

    def __init__(self, bindings: Sequence[Binding], recipe: str, root_class: type[Root]) -> None:
        self.recipe, self.root_class = recipe, root_class
        self.root_name, self.what = root_class.root_name, root_class.file_kind
        self.statements = list(bindings)
        self.bound = {binding.key: binding for binding in bindings if binding.argument}
        self.macros = {binding.key: binding for binding in bindings if not binding.argument}
        self.used: set[str] = set()
        self.reached: dict[str, str] = {}  # every `scope/kind.name` in use -> where it is referred to
        self.building: list[str] = []
        self.locations: dict[str, str] = {}

    def resolve(self) -> Root:
        """Return what the root's bindings describe, with all parts, after refusing every binding without effect.

        Raises:
            UserError: whatever is wrong, with its place.
        """
        for binding in self.bound.values():
            self._check_selector(binding)
        hints = typing.get_type_hints(self.root_class)
        values: dict[str, object] = {}
        missing = []
        for field in fields(self.root_class):
            key = f"{self.root_name}.{field.name}"
            if key in self.bound:
                values[field.name] = self._value(self.bound[key], key, hints[field.name])
            elif field.default is MISSING and field.default_factory is MISSING:
                missing.append(key)
        if missing:
            raise UserError(f"the {self.what} does not bind {', '.join(missing)}", where=self.recipe)
        try:
            root = self.root_class(**values)
        except ValueError as error:
            # The message of a field's value begins with the field's name.
            name = str(error).split(" ", 1)[0]
            field_binding = self.bound.get(f"{self.root_name}.{name}")
            message = f"{self.root_name}.{error}" if name in hints else str(error)
            raise UserError(message, where=field_binding.where if field_binding else self.recipe) from error
        self._refuse_unused()
        return root

    def _check_selector(self, binding: Binding) -> None:
        """Refuse a left side that names no field of the root and no component; parameters are checked when built."""
        selector, argument = binding.selector, binding.argument
        names = [field.name for field in fields(self.root_class)]
        if selector == self.root_name:
            if binding.scope:
                raise UserError(
                    f"'{binding.key}': the {self.root_name} has no scope; write {selector}.{argument}",
                    where=binding.where,
                )
            if argument not in names:
                raise UserError(
                    f"the {self._owner} has no parameter '{argument}'{nearest(argument, names)}", where=binding.where
                )
            return
        known = registry.index()
        if selector in known:
            return
        if f"{selector}.{argument}" in known:
            raise UserError(
                f"'{binding.key}' is a component, not a parameter; write {binding.key}.PARAMETER = ...",
                where=binding.where,
            )
        field = selector.removeprefix(f"{self.root_name}.")
        part = self.bound.get(f"{self.root_name}.{field}")
        if part is not None and isinstance(part.value, Reference):
            name = render(part.value)[1:]
            raise UserError(
                f"'{binding.key}' is no parameter: a part's parameters are bound by its own name, "
                f"{name}.{argument} = ...",
                where=binding.where,
            )
        full = [name for name in known if name.endswith(f".{selector}")]
        if full:
            choices = " or ".join(f"'{name}.{argument}'" for name in full)
            raise UserError(
                f"'{selector}' is short for a component; write its full name, {choices}", where=binding.where
            )
        hint = registry.suggestion(selector, roots=[self.root_name])
        raise UserError(f"no component '{selector}'{hint}", where=binding.where)

    @property
    def _owner(self) -> str:
        """What has the root's parameters, for messages."""
        return self.root_name if self.what == "recipe" else self.what

    def _value(self, binding: Binding, key: str, annotation: object) -> object:
        """Return a binding's value for a parameter, macros expanded, references built, of the right type."""
        self.used.add(binding.key)
        self.locations[key] = binding.where
        value = self._expand(binding.value, binding.where)
        try:
            return coerce(value, annotation, binding.key, self._part)
        except WrongTypeError as error:
            raise UserError(f"{error}{self._macros_of(binding)}", where=binding.where) from error

    def _macros_of(self, binding: Binding) -> str:
        """Say where the macros of a binding's value are defined."""
        names = [name[1:] for name in _names_in(binding.value) if name.startswith("%")]
        return "".join(dict.fromkeys(f"; %{name} is defined at {self.macros[name].where}" for name in names))

    def _expand(self, value: Value, where: str, within: tuple[str, ...] = ()) -> Value:
        """Replace macros by their values; `within` are the macros whose definitions are being expanded."""
        if isinstance(value, Macro):
            macro = self.macros.get(value.name)
            if macro is None:
                raise UserError(f"no macro '%{value.name}'{nearest(value.name, self.macros)}", where=where)
            if value.name in within:
                raise UserError(f"the macro '%{value.name}' is defined by itself", where=macro.where)
            self.used.add(value.name)
            return self._expand(macro.value, macro.where, (*within, value.name))
        if isinstance(value, list):
            return [self._expand(item, where, within) for item in value]
        if isinstance(value, tuple):
            return tuple(self._expand(item, where, within) for item in value)
        if isinstance(value, dict):
            return {key: self._expand(item, where, within) for key, item in value.items()}
        return value

    def _part(self, reference: Reference | Part[Component], expected: type[Component], what: str) -> Part[Component]:
        """Return the part that a reference stands for, after checking that it is of the class expected."""
        where, text = reference.where, render(reference)
        if isinstance(reference, Reference):
            if reference.called:
                raise UserError(
                    f"{text}() is called here; write {text}: ganzoo builds it when it is needed", where=where
                )
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
        self.reached.setdefault(text[1:], where)
        given = reference.arguments if isinstance(reference, Part) else {}
        arguments = self._arguments(component, reference.name, reference.scope, where, given)
        self.building.pop()
        bound = self._bound(component, reference.name, reference.scope)
        return Part(reference.name, component, arguments, reference.scope, where, bound)

    def _bound(self, component: type[Component], name: str, scope: str) -> dict[str, Bound]:
        """Return where a part's arguments were bound, and the runtime arguments that are fields of the root."""
        keys = {option: _keys(scope, name, option) for option in options_of(component)}
        root_fields = {field.name for field in fields(self.root_class)}
        runtime_args = sorted(root_fields & component.runtime_args)
        keys |= {name: [f"{self.root_name}.{name}"] for name in runtime_args}
        found: dict[str, Bound] = {}
        for parameter, candidates in keys.items():
            binding = next((self.bound[key] for key in candidates if key in self.bound), None)
            if binding is not None:
                found[parameter] = Bound(binding.key, binding.where, self._macros_of(binding))
            elif parameter in runtime_args:
                found[parameter] = Bound(candidates[0], "")
        return found

    def _arguments(
        self, component: type[Component], name: str, scope: str, where: str, given: Mapping[str, object]
    ) -> dict[str, object]:
        """Return every argument of a part that a configuration may bind, defaults included."""
        options = options_of(component)
        self._check_arguments(component, name, list(options))
        section = f"{scope}/{name}" if scope else name
        arguments: dict[str, object] = {}
        for option, parameter in options.items():
            key, annotation = f"{section}.{option}", annotation_of(component, option)
            binding = next((self.bound[k] for k in _keys(scope, name, option) if k in self.bound), None)
            default = given.get(option, parameter.default)
            if binding is not None:
                arguments[option] = self._value(binding, key, annotation)
            elif default is not inspect.Parameter.empty:
                try:
                    arguments[option] = coerce(default, annotation, f"the default of {name}.{option}", self._part)
                except WrongTypeError as error:
                    raise UserError(f"{error}; mend the component", where=where) from error
            else:
                raise UserError(f"{name} needs its parameter '{option}'; bind {name}.{option}", where=where)
        return arguments

    def _check_arguments(self, component: type[Component], name: str, options: list[str]) -> None:
        """Refuse bindings of what is no parameter of a component, or comes from the run and not from a recipe."""
        for binding in self.bound.values():
            if binding.selector != name or binding.argument in options:
                continue
            if binding.argument in component.runtime_args:
                same = binding.argument in {field.name for field in fields(self.root_class)}
                source = f"bind {self.root_name}.{binding.argument} instead" if same else "remove the line"
                raise UserError(
                    f"{binding.key} comes from the data set and the experiment and cannot be bound; {source}",
                    where=binding.where,
                )
            known = f"; it has {', '.join(options)}" if options else "; it has none"
            raise UserError(
                f"{name} has no parameter '{binding.argument}'{nearest(binding.argument, options) or known}",
                where=binding.where,
            )

    def _refuse_unused(self) -> None:
        """Refuse the first binding or macro without effect, unless it is of a part that a later binding replaced."""
        replaced = list(self._replaced())
        for index, binding in enumerate(self.statements):
            winning = (self.bound if binding.argument else self.macros)[binding.key] is binding
            if not winning or binding.key in self.used:
                continue
            name = binding.selector if binding.argument else f"%{binding.key}"
            if any(index < until and name in names for names, until in replaced):
                if binding.argument:
                    component = registry.get(name, where=binding.where)
                    self._check_arguments(component, name, list(options_of(component)))
                continue
            why = self._why_unused(binding) if binding.argument else self._why_unused_macro(binding)
            raise UserError(why, where=binding.where)

    def _replaced(self) -> Iterator[tuple[set[str], int]]:
        """Yield, for every binding that a later one replaced, what its value led to, and the later one's position.

        So a recipe may swap a part, and leave unused what an included file bound for the old one.
        """
        position = {id(statement): index for index, statement in enumerate(self.statements)}
        for index, statement in enumerate(self.statements):
            until = position[id((self.bound if statement.argument else self.macros)[statement.key])]
            if until == index:
                continue
            names: set[str] = set()
            new = set(_names_in(statement.value))
            while new:
                names |= new
                mentioned = (s for s in self.statements if (s.selector if s.argument else f"%{s.key}") in new)
                new = {name for s in mentioned for name in _names_in(s.value)} - names
            yield names, until

    def _why_unused(self, binding: Binding) -> str:
        name, text = binding.selector, f"nothing uses {binding.key}"
        same_name = [reached for reached in self.reached if reached.rpartition("/")[2] == name]
        if not same_name:
            return f"{text}: @{name} is not among the parts of this {self._owner}; bind it there, or remove the line"
        if binding.scope and not any(reached.startswith(f"{binding.scope}/") for reached in same_name):
            scoped = f"{binding.scope}/{name}"
            there = " and ".join(f"@{reached}" for reached in same_name)
            return f"{text}: there is no reference @{scoped}, {name} is used as {there}{nearest(scoped, same_name)}"
        shadows = [
            f"{self.bound[key].key} ({self.bound[key].where})"
            for reached in same_name
            for key in _keys(reached.rpartition("/")[0], name, binding.argument)
            if key in self.bound and key in self.used
        ]
        return (
            f"{text}: every reference has a binding of its own, {' and '.join(shadows)}; remove the line or one of them"
        )

    def _why_unused_macro(self, macro: Binding) -> str:
        mentioned = [name[1:] for s in self.statements for name in _names_in(s.value) if name.startswith("%")]
        own = [f"{self.root_name}.{field.name}" for field in fields(self.root_class)]
        suggestion = nearest(macro.key, mentioned) or nearest(f"{self.root_name}.{macro.key}", own, cutoff=0.85)
        return f"nothing uses the macro {macro.key}{suggestion or '; remove the line'}"


def _keys(scope: str, name: str, option: str) -> list[str]:
    """Return the keys that may bind a parameter of a reference, the most specific scope first."""
    scopes = scope.split("/") if scope else []
    outer = ["/".join(scopes[:n]) for n in range(len(scopes), 0, -1)]
    return [*(f"{s}/{name}.{option}" for s in outer), f"{name}.{option}"]


def _names_in(value: Value) -> Iterator[str]:
    """Yield the components that a value refers to, and its macros as `%NAME`."""
    if isinstance(value, Macro):
        yield f"%{value.name}"
    elif isinstance(value, Reference):
        yield value.name
    items = value if isinstance(value, list | tuple) else list(value.values()) if isinstance(value, dict) else []
    for item in items:
        yield from _names_in(item)
