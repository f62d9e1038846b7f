"""The types of parameters: which values they take, how they are called in messages, how values are written in gin."""

import ast
import collections.abc
import inspect
import re
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from ganzoo.component import Component, Part
from ganzoo.config.gin_parser import Macro, Reference
from ganzoo.errors import nearest
from ganzoo.registry import KINDS


def member_for(value: object, annotation: object) -> object | None:
    """Return the member of a union (or the type itself) that takes a value, exact matches before conversions."""
    members = _members(annotation)
    for strict in (True, False):
        for member in members:
            if _accepts(value, member, strict=strict):
                return member
    return None


def item_types(member: object, num_items: int) -> list[object]:
    """Return the types of a list's or tuple's items, or of a dict's values."""
    arguments = typing.get_args(member)
    if _has_fixed_length(member):
        return list(arguments)
    is_mapping = (typing.get_origin(member) or member) in MAPPINGS
    return [arguments[1 if is_mapping else 0] if arguments else Any] * num_items


def asked_class(member: object) -> type[Component]:
    """Return the class of `Part[...]`, the type of a reference."""
    asked = next(iter(typing.get_args(member)), Component)
    return asked if inspect.isclass(asked) and issubclass(asked, Component) else Component


def converted(value: object, member: object) -> object:
    """Return a value in the form of the type that takes it: a float, a path or a tuple."""
    if member is float and isinstance(value, int):
        return float(value)
    if member is Path and isinstance(value, str):
        return Path(value)
    if isinstance(value, list) and (typing.get_origin(member) or member) is not list:
        return tuple(value)
    return value


def wrong_type(value: object, annotation: object, what: str) -> str:
    """Return the sentence that says what a parameter must be and is not, with the likely remedy."""
    if type(value) is int and float in _members(annotation):
        limit = f"a number of at most {sys.float_info.max:.2g} in size"
        return f"{what} must be {limit}, not one of {len(str(abs(value)))} digits"
    return f"{what} must be {describe(annotation)}, not {render(value)}{_hint(value, annotation)}"


def _members(annotation: object) -> list[object]:
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return [inner for member in typing.get_args(annotation) for inner in _members(member)]
    return [annotation]


def _has_fixed_length(member: object) -> bool:
    """Return whether a type is a tuple of so many items, each of its own type."""
    arguments = typing.get_args(member)
    return typing.get_origin(member) is tuple and bool(arguments) and arguments[-1] is not Ellipsis


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
        return origin in SEQUENCES and not (_has_fixed_length(member) and len(value) != len(typing.get_args(member)))
    if isinstance(value, dict):
        return origin in MAPPINGS
    if value is None:
        return member is None or member is type(None)
    if strict:
        return type(value) is member
    if member is float:
        return type(value) is int and abs(value) <= sys.float_info.max
    return member is Path and isinstance(value, str | Path)


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
    if _has_fixed_length(member):
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
    fits = member_for(unquoted, annotation) is not None
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
