"""The description of a component: its docstring, its parameters with their meanings, and what it supports."""

import inspect
import itertools
import re
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ganzoo import registry
from ganzoo.architectures.base import Discriminator, ImageShape
from ganzoo.component import Component, Part, name_of, options_of, parameters_of
from ganzoo.config.docstring import Docstring, argument_meanings, parse
from ganzoo.config.root import RecipeRoot
from ganzoo.data.base import Dataset
from ganzoo.errors import UserError

NO_ROOTS: Mapping[str, type[RecipeRoot]] = {}


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, type, default (empty if it is required) and meaning."""

    name: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Description:
    """What `ganzoo describe` and the gallery show.

    Args:
        name: `kind.name`.
        docstring: of the class.
        parameters: what a configuration may bind.
        runtime_args: what the builder supplies.
        supports: further properties and their values.
        file: the one that defines it; empty for a root.
    """

    name: str
    docstring: Docstring
    parameters: list[Parameter]
    runtime_args: list[str]
    supports: dict[str, str]
    file: str


def describe(name: str, *, roots: Mapping[str, type[RecipeRoot]] = NO_ROOTS) -> Description:
    """Describe the component `kind.name`, or the bindings of a root such as `experiment`.

    Args:
        name: of the component or the root.
        roots: those that are known, by name.

    Raises:
        UserError: there is no such component.
    """
    if name in roots:
        root = roots[name]
        return Description(name, parse(root), _parameters(root, inspect.signature(root).parameters), [], {}, "")
    component = registry.get(name)
    runtime_args = [n for n in parameters_of(component) if n in component.runtime_args]
    parameters = _parameters(component, options_of(component))
    file = inspect.getsourcefile(component) or component.__module__
    return Description(name, parse(component), parameters, runtime_args, dict(_supports(component)), file)


def _parameters(described: type, parameters: Mapping[str, inspect.Parameter]) -> list[Parameter]:
    meanings = argument_meanings(described)
    hints = typing.get_type_hints(described.__init__)  # type: ignore[misc]
    return [
        Parameter(
            name,
            type_name(hints.get(name, typing.Any)),
            "" if parameter.default is parameter.empty else _value(parameter.default),
            meanings.get(name, ""),
        )
        for name, parameter in parameters.items()
    ]


def type_name(annotation: object) -> str:
    """Return a type as recipes write its values: `@metrics.NAME` for `Part[Metric]`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(repr(value) for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(type_name(argument) for argument in arguments)
    if origin is Part:
        return f"@{getattr(arguments[0], 'kind', 'KIND')}.NAME"
    if origin in (tuple, list, Sequence):
        inner = [type_name(argument) for argument in arguments if argument is not Ellipsis]
        return f"({', '.join(inner)})" if origin is tuple and Ellipsis not in arguments else f"[{inner[0]}, ...]"
    if annotation is type(None):
        return "None"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def _value(default: object) -> str:
    return f"@{default.name}" if isinstance(default, Part) else repr(list(default) if default == () else default)


def _supports(component: type[Component]) -> Iterator[tuple[str, str]]:
    """Yield the class attributes that the contracts declare, and facts of an instance with default settings."""
    hidden = {"kind", "runtime_args", *parameters_of(component)}
    for cls in reversed(component.__mro__):
        for name in inspect.get_annotations(cls) if issubclass(cls, Component) else ():
            value = getattr(component, name, None)
            if name not in hidden and not name.startswith("_") and _is_plain(value):
                yield name, ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    if issubclass(component, Dataset):
        yield from _dataset_supports(component)
    if issubclass(component, Discriminator) and component.resolutions:
        yield from _discriminator_supports(component)


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str) or (isinstance(value, tuple | list) and bool(value))


def _dataset_supports(component: type[Dataset]) -> Iterator[tuple[str, str]]:
    try:
        spec = component().spec()
    except (TypeError, ValueError, UserError):
        return  # its shapes follow from parameters without a default
    yield "image shape", " x ".join(map(str, spec.image_shape))
    yield "classes", str(spec.num_classes)
    yield "images", ", ".join(f"{split} {num:,}" for split, num in spec.num_images.items() if num is not None)


def _discriminator_supports(component: type[Discriminator]) -> Iterator[tuple[str, str]]:
    size = component.resolutions[0]
    shape: ImageShape = (3, size, size)
    for part in _parts(component):
        try:
            discriminator = part(image_shape=shape, latent_dim=8, conditioning=None)
        except (TypeError, UserError):
            continue
        yield f"taps at {size} px", ", ".join(f"{name} {shape}" for name, shape in discriminator.tap_shapes.items())
        yield "feature width", str(discriminator.feature_dim)
        return


def _parts(component: type[Discriminator]) -> Iterator[Part[Discriminator]]:
    """Yield ways to build a component: its defaults, and for each required part a known component of its kind."""
    hints = typing.get_type_hints(component.__init__)
    required = [n for n, p in options_of(component).items() if p.default is p.empty]
    kinds = [getattr(argument, "kind", "") for n in required for argument in typing.get_args(hints[n])[:1]]
    known = [[registry.part(n) for n in registry.index() if n.startswith(f"{kind}.")] for kind in kinds]
    for choice in itertools.product(*known):
        yield Part(name_of(component), component, dict(zip(required, choice, strict=False)))


def wrapped(text: str, width: int) -> str:
    """Return a docstring's paragraphs filled to a width; examples and indented paragraphs stay as they are."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(p if re.search(r"^(\s|>>>)", p, re.MULTILINE) else textwrap.fill(p, width) for p in paragraphs)
