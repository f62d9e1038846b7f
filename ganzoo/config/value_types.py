"""Whether a value from a configuration has the type that its parameter asks for, and how values are written in gin."""

import ast
import collections.abc
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from ganzoo.component import Component, Part
from ganzoo.config.gin_parser import Macro, Reference
from ganzoo.errors import nearest
from ganzoo.registry import KINDS

BuildPart = Callable[[Reference | Part[Component], type[Component], str], Part[Component]]
"""Makes the part of a reference: (reference, the class it must be of, what asks for it)."""


class WrongTypeError(Exception):
    """A value of the wrong type; the message says what was expected."""


def coerce(value: object, annotation: object, what: str, build: BuildPart) -> object:
    """Return a value as its parameter takes it: lists as tuples, whole numbers as floats, references as parts.

    Args:
        value: a literal, a reference, or a list or dict of them.
        annotation: of the parameter.
        what: the name of the parameter, for messages.
        build: makes the parts.

    Raises:
        WrongTypeError: it is of another type.
    """
    member = _member_for(value, annotation)
    if member is None:
        raise WrongTypeError(f"{what} must be {describe(annotation)}, not {render(value)}{_hint(value, annotation)}")
    origin, arguments = typing.get_origin(member), typing.get_args(member)
    if isinstance(value, Reference | Part):
        asked = arguments[0] if origin is Part else Component
        return build(value, asked if inspect.isclass(asked) and issubclass(asked, Component) else Component, what)
    if member is float and isinstance(value, int):
        try:
            return float(value)
        except OverflowError:
            largest = f"{sys.float_info.max:.2g}"
            raise WrongTypeError(
                f"{what} must be a number of at most {largest} in size, not one of {len(str(abs(value)))} digits"
            ) from None
    if member is Path and isinstance(value, str):
        return Path(value)
    if isinstance(value, list | tuple):
        if origin is tuple and arguments[-1] is not Ellipsis:
            if len(value) != len(arguments):
                raise WrongTypeError(f"{what} must be {describe(member)}, not {render(value)}")
            inner = list(arguments)
        else:
            inner = [arguments[0] if arguments else Any] * len(value)
        pairs = enumerate(zip(value, inner, strict=True), start=1)
        items = [coerce(item, type_, f"{what}, item {i},", build) for i, (item, type_) in pairs]
        return items if origin is list or member is list else tuple(items)
    if isinstance(value, dict):
        inner_type = arguments[1] if arguments else Any
        return {key: coerce(item, inner_type, f"{what}[{key!r}]", build) for key, item in value.items()}
    return value


def _member_for(value: object, annotation: object) -> object | None:
    """Return the member of a union (or the type itself) that takes a value, exact matches before conversions."""
    members = _members(annotation)
    for strict in (True, False):
        for member in members:
            if _accepts(value, member, strict=strict):
                return member
    return None


def _members(annotation: object) -> list[object]:
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return [inner for member in typing.get_args(annotation) for inner in _members(member)]
    return [annotation]


SEQUENCES = (list, tuple, collections.abc.Sequence)
MAPPINGS = (dict, collections.abc.Mapping)


def _accepts(value: object, member: object, *, strict: bool) -> bool:
    """Return whether a value fits a type by its outermost form."""
    origin = typing.get_origin(member) or member
    if member is Any or member is object or isinstance(member, TypeVar):
        return not strict
    if isinstance(value, Reference | Part):
        return origin is Part
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in typing.get_args(member))
    if isinstance(value, list | tuple):
        return origin in SEQUENCES
    if isinstance(value, dict):
        return origin in MAPPINGS
    if value is None:
        return member is None or member is type(None)
    if strict:
        return type(value) is member
    return (member is float and type(value) is int) or (member is Path and isinstance(value, str | Path))


def describe(annotation: object) -> str:
    """Say in words what a type takes."""
    return " or ".join(dict.fromkeys(_describe(member) for member in _members(annotation)))


WORDS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "a string in quotes",
    Path: "a path in quotes",
    type(None): "None",
    None: "None",
}


def _describe(member: object) -> str:
    origin, arguments = typing.get_origin(member) or member, typing.get_args(member)
    if origin is Literal:
        return f"{'one of ' if len(arguments) > 1 else ''}{', '.join(map(repr, arguments))}"
    if origin is Part:
        return f"a reference to {describe_class(arguments[0])}"
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return f"a list of {len(arguments)} ({', '.join(describe(a) for a in arguments)})"
    if origin in SEQUENCES:
        return f"a list, each item {describe(arguments[0])}" if arguments else "a list"
    if origin in MAPPINGS:
        return "a dict"
    return WORDS.get(member, f"of the type {getattr(member, '__name__', member)}")


def describe_class(component: object) -> str:
    """Say in words what a contract's class is: `FeatureExtractor` is "a feature extractor (@features.NAME)"."""
    name = getattr(component, "__name__", str(component))
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    kind = getattr(component, "kind", None)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}" + (f" (@{kind}.NAME)" if kind in KINDS else "")


def _hint(value: object, annotation: object) -> str:
    """Suggest the fix of a likely slip."""
    members = _members(annotation)
    if isinstance(value, Reference) and any((typing.get_origin(m) or m) in SEQUENCES for m in members):
        return f"; write [{render(value)}]"
    if not isinstance(value, str):
        return ""
    choices = [c for m in members if typing.get_origin(m) is Literal for c in typing.get_args(m)]
    if choices:
        return nearest(value, [str(c) for c in choices])
    if any(typing.get_origin(m) is Part for m in members):
        return f"; write @{value}, without quotes" if "." in value else ""
    try:
        unquoted = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return ""
    fits = _member_for(unquoted, annotation) is not None
    return f"; write {value}, without quotes" if fits else ""


def render(value: object) -> str:
    """Write a value as gin text that reads back as the same value."""
    if isinstance(value, Reference | Part):
        return f"@{value.scope}/{value.name}" if value.scope else f"@{value.name}"
    if isinstance(value, Macro):
        return f"%{value.name}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(render(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {render(item)}' for key, item in value.items())}}}"
    return repr(str(value)) if isinstance(value, Path) else repr(value)
