"""The refusals of left sides: a binding must name a parameter that exists, and something must use it."""

from collections.abc import Iterator
from dataclasses import fields

from ganzoo import registry
from ganzoo.component import Component, options_of
from ganzoo.config.bindings import Bindings, keys_of, names_in
from ganzoo.config.gin_parser import Binding, Reference
from ganzoo.config.root import RecipeRoot
from ganzoo.config.value_types import render
from ganzoo.errors import UserError, nearest


class Refusals:
    """What is wrong with the left sides of a configuration.

    Args:
        bindings: of the configuration.
        root_class: the dataclass whose fields are bound.
    """

    def __init__(self, bindings: Bindings, root_class: type[RecipeRoot]) -> None:
        self.bindings, self.root_name = bindings, root_class.root_name
        self.fields = [field.name for field in fields(root_class)]
        self.owner = self.root_name if root_class.file_kind == "recipe" else root_class.file_kind  # of the fields

    def check_selector(self, binding: Binding) -> None:
        """Refuse a left side that names no field of the root and no component; parameters are checked later."""
        selector, argument = binding.selector, binding.argument
        known = registry.index()
        if selector == self.root_name:
            if not binding.scope and argument in self.fields:
                return
            message = f"the {self.owner} has no parameter '{argument}'{nearest(argument, self.fields)}"
            if binding.scope:
                message = f"'{binding.key}': the {selector} has no scope; write {selector}.{argument}"
        elif selector in known:
            return
        elif f"{selector}.{argument}" in known:
            message = f"'{binding.key}' is a component, not a parameter; write {binding.key}.PARAMETER = ..."
        elif name := self._reference_in(selector):
            meant = f"a part's parameters are bound by its own name, {name}.{argument} = ..."
            message = f"'{binding.key}' is no parameter: {meant}"
        elif full := [name for name in known if name.endswith(f".{selector}")]:
            choices = " or ".join(f"'{name}.{argument}'" for name in full)
            message = f"'{selector}' is short for a component; write its full name, {choices}"
        else:
            message = f"no component '{selector}'{registry.suggestion(selector, roots=[self.root_name])}"
        raise UserError(message, where=binding.where)

    def _reference_in(self, selector: str) -> str:
        """Return the `scope/kind.name` that `experiment.generator` or `generator` is bound to; or an empty string."""
        binding = self.bindings.bound.get(f"{self.root_name}.{selector.removeprefix(f'{self.root_name}.')}")
        return render(binding.value)[1:] if binding and isinstance(binding.value, Reference) else ""

    def check_arguments(self, component: type[Component], name: str) -> None:
        """Refuse bindings of what is no parameter of a component, or comes from the run and not from a recipe."""
        options = list(options_of(component))
        for binding in self.bindings.bound.values():
            if binding.selector != name or binding.argument in options:
                continue
            if binding.argument in component.runtime_args:
                is_field = binding.argument in self.fields
                remedy = f"bind {self.root_name}.{binding.argument} instead" if is_field else "remove the line"
                message = f"{binding.key} comes from the data set and the experiment and cannot be bound; {remedy}"
            else:
                known = f"; it has {', '.join(options)}" if options else "; it has none"
                message = f"{name} has no parameter '{binding.argument}'{nearest(binding.argument, options) or known}"
            raise UserError(message, where=binding.where)

    def check_all_used(self) -> None:
        """Refuse the first binding or macro without effect, unless it is for a part that a later binding replaced."""
        replaced = list(self._replaced())
        for index, binding in enumerate(self.bindings.statements):
            if self.bindings.counting(binding) is not binding or binding.key in self.bindings.used:
                continue
            name = binding.selector if binding.argument else f"%{binding.key}"
            if not any(index < until and name in names for names, until in replaced):
                why = self._why_unused(binding) if binding.argument else self._why_unused_macro(binding)
                raise UserError(why, where=binding.where)
            if binding.argument:
                self.check_arguments(registry.get(name, where=binding.where), name)

    def _replaced(self) -> Iterator[tuple[set[str], int]]:
        """Yield, for every binding that a later one replaced, what its value led to, and the later one's position.

        So a recipe may swap a part and leave the bindings for the old one, which an included file made.
        """
        statements = self.bindings.statements
        position = {id(statement): index for index, statement in enumerate(statements)}
        for index, statement in enumerate(statements):
            until = position[id(self.bindings.counting(statement))]
            if until == index:
                continue
            names: set[str] = set()
            new = set(names_in(statement.value))
            while new:
                names |= new
                mentioned = (s for s in statements if (s.selector if s.argument else f"%{s.key}") in new)
                new = {name for s in mentioned for name in names_in(s.value)} - names
            yield names, until

    def _why_unused(self, binding: Binding) -> str:
        name, text, bound = binding.selector, f"nothing uses {binding.key}", self.bindings.bound
        same_name = [reached for reached in self.bindings.reached if reached.rpartition("/")[2] == name]
        if not same_name:
            return f"{text}: @{name} is not among the parts of this {self.owner}; bind it there, or remove the line"
        if binding.scope and not any(reached.startswith(f"{binding.scope}/") for reached in same_name):
            scoped = f"{binding.scope}/{name}"
            there = " and ".join(f"@{reached}" for reached in same_name)
            return f"{text}: there is no reference @{scoped}, {name} is used as {there}{nearest(scoped, same_name)}"
        shadows = [
            f"{key} ({bound[key].where})"
            for reached in same_name
            for key in keys_of(reached.rpartition("/")[0], name, binding.argument)
            if key in bound and key in self.bindings.used
        ]
        own = " and ".join(shadows)
        return f"{text}: every reference has a binding of its own, {own}; remove the line or one of them"

    def _why_unused_macro(self, macro: Binding) -> str:
        values = [statement.value for statement in self.bindings.statements]
        mentioned = [name[1:] for value in values for name in names_in(value) if name.startswith("%")]
        own = [f"{self.root_name}.{field}" for field in self.fields]
        suggestion = nearest(macro.key, mentioned) or nearest(f"{self.root_name}.{macro.key}", own, cutoff=0.85)
        return f"nothing uses the macro {macro.key}{suggestion or '; remove the line'}"
