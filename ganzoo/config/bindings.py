"""The bindings of a configuration: which one counts for a key, what its macros stand for, and which were used."""

from collections.abc import Iterator, Sequence

from ganzoo.component import Bound
from ganzoo.config.gin_parser import Binding, Macro, Reference, Value
from ganzoo.errors import UserError, nearest


class Bindings:
    """All statements of a configuration, and what the resolver has used of them.

    Args:
        statements: bindings and definitions of macros, in order; of several of one key, the last counts.
    """

    def __init__(self, statements: Sequence[Binding]) -> None:
        self.statements = list(statements)
        self.bound = {binding.key: binding for binding in statements if binding.argument}
        self.macros = {binding.key: binding for binding in statements if not binding.argument}
        self.used: set[str] = set()  # the keys of bindings and macros
        self.reached: dict[str, str] = {}  # every `scope/kind.name` in use -> where it is referred to

    def counting(self, statement: Binding) -> Binding:
        """Return the last binding of a statement's key."""
        return (self.bound if statement.argument else self.macros)[statement.key]

    def find(self, keys: Sequence[str]) -> Binding | None:
        """Return the binding of the first of these keys that is bound."""
        return next((self.bound[key] for key in keys if key in self.bound), None)

    def place(self, keys: Sequence[str]) -> Bound:
        """Return where the first of these keys that is bound was bound."""
        binding = self.find(keys)
        return Bound(keys[0]) if binding is None else Bound(binding.key, binding.where, self.macros_of(binding))

    def macros_of(self, binding: Binding) -> str:
        """Return the end of a sentence that says where the macros of a binding's value are defined."""
        names = [name[1:] for name in names_in(binding.value) if name.startswith("%")]
        return "".join(dict.fromkeys(f"; %{name} is defined at {self.macros[name].where}" for name in names))

    def expand(self, value: Value, where: str, within: tuple[str, ...] = ()) -> Value:
        """Return a value with its macros replaced.

        Args:
            value: of a binding or a macro.
            where: its place.
            within: the macros whose definitions are being expanded, outermost first.
        """
        if isinstance(value, Macro):
            macro = self.macros.get(value.name)
            if macro is None:
                raise UserError(f"no macro '%{value.name}'{nearest(value.name, self.macros)}", where=where)
            if value.name in within:
                raise UserError(f"the macro '%{value.name}' is defined by itself", where=macro.where)
            self.used.add(value.name)
            return self.expand(macro.value, macro.where, (*within, value.name))
        if isinstance(value, list | tuple):
            items = [self.expand(item, where, within) for item in value]
            return items if isinstance(value, list) else tuple(items)
        if isinstance(value, dict):
            return {key: self.expand(item, where, within) for key, item in value.items()}
        return value


def keys_of(scope: str, name: str, option: str) -> list[str]:
    """Return the keys that may bind a parameter of a reference, the most specific scope first."""
    scopes = scope.split("/") if scope else []
    outer = ["/".join(scopes[:n]) for n in range(len(scopes), 0, -1)]
    return [*(f"{s}/{name}.{option}" for s in outer), f"{name}.{option}"]


def names_in(value: Value) -> Iterator[str]:
    """Yield the components that a value refers to, and its macros as `%NAME`."""
    if isinstance(value, Macro):
        yield f"%{value.name}"
    elif isinstance(value, Reference):
        yield value.name
    items = value if isinstance(value, list | tuple) else list(value.values()) if isinstance(value, dict) else []
    for item in items:
        yield from names_in(item)
