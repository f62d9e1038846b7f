"""The operative configuration: every parameter of every part in use, as canonical gin text, and how two differ."""

import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields

from ganzoo import registry
from ganzoo.component import Component, Part, complete_arguments, default_arguments
from ganzoo.config.root import RecipeRoot
from ganzoo.config.value_types import render

# As `operative_text` writes it and no other: a comment that begins so may stand in any recipe.
PLUGIN_LINE = re.compile(r"# (plugin \w+\.\w+): (sha256 (?:[0-9a-f]+|unknown))")
NO_DEFAULTS: Mapping[str, str] = {}


def parts_of(value: object) -> list[Part[Component]]:
    """Return the parts in a value and, recursively, in their arguments, in order, each (scope, name) once."""
    found: dict[str, Part[Component]] = {}
    _collect(value, found)
    return list(found.values())


def _collect(value: object, found: dict[str, Part[Component]]) -> None:
    if isinstance(value, Part):
        other = found.setdefault(render(value), value)
        if other is not value:
            same = complete_arguments(other) == complete_arguments(value)
            assert same, f"{render(value)} stands for two sets of arguments"
            return
        _collect(complete_arguments(value), found)
    elif isinstance(value, Mapping):
        for item in value.values():
            _collect(item, found)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, found)


def values_of(root: RecipeRoot) -> dict[str, str]:
    """Return every parameter in use as `scope/kind.name.parameter` -> gin text, the root's first, then sorted."""
    bound = {field.name: getattr(root, field.name) for field in fields(root)}
    sections: dict[str, Mapping[str, object]] = {root.root_name: bound}
    for part in sorted(parts_of(bound), key=lambda part: (part.name, part.scope)):
        sections[render(part)[1:]] = complete_arguments(part)
    return {
        f"{section}.{name}": render(values[name]) for section, values in sections.items() for name in sorted(values)
    }


def defaults_of(root: RecipeRoot) -> dict[str, str]:
    """Return the parameters in use that have their default: `scope/kind.name.parameter` -> gin text."""
    sections: dict[str, Mapping[str, object]] = {
        root.root_name: {f.name: f.default for f in fields(root) if f.default is not MISSING}
    }
    for part in parts_of([getattr(root, field.name) for field in fields(root)]):
        sections[render(part)[1:]] = default_arguments(part.component)
    known = {f"{section}.{name}": render(v) for section, values in sections.items() for name, v in values.items()}
    return {key: text for key, text in values_of(root).items() if known.get(key) == text}


def operative_text(root: RecipeRoot) -> str:
    """Return the complete configuration as gin text, equal to the bit for equal experiments.

    Args:
        root: what is run: an experiment, or the root of another kind of recipe.
    """
    bound = [getattr(root, field.name) for field in fields(root)]
    header = ["# The operative configuration: every parameter of every part in use."]
    for name in sorted({part.name for part in parts_of(bound)}):
        digest = registry.plugin_sha256(name)
        if digest is not None:
            header.append(f"# plugin {name}: sha256 {digest}")
    lines, section = header, ""
    for key, text in values_of(root).items():
        if key.rpartition(".")[0] != section:
            section = key.rpartition(".")[0]
            lines.append("")
        lines.append(f"{key} = {text}")
    return "\n".join(lines) + "\n"


def diff(a: str, b: str, *, ignore: Collection[str] = (), defaults: Mapping[str, str] = NO_DEFAULTS) -> list[str]:
    """Return how two operative texts differ, a line each: `experiment.batch_size: 64 -> 32`.

    Args:
        a: the first text.
        b: the second text.
        ignore: keys, or whole sections such as `pretext.rotation`, that may differ.
        defaults: what the first text means where it lacks a parameter: an earlier version may have written it, which
            did not know all that there is now.
    """
    values_a, values_b = parse_operative(a), parse_operative(b)
    values_a = {**{key: text for key, text in defaults.items() if key in values_b}, **values_a}
    ignored = tuple(f"{name}." for name in ignore)
    return [
        f"{key}: {values_a.get(key, '(absent)')} -> {values_b.get(key, '(absent)')}"
        for key in {**values_a, **values_b}
        if values_a.get(key) != values_b.get(key) and not f"{key}.".startswith(ignored or ("\0",))
    ]


def parse_operative(text: str) -> dict[str, str]:
    """Return the keys and values of an operative text; a plugin's hash is one of them."""
    found = {}
    for line in text.splitlines():
        if plugin := PLUGIN_LINE.fullmatch(line):
            found[plugin[1]] = plugin[2]
        elif line and not line.startswith("#"):
            key, _, value = line.partition(" = ")
            found[key] = value
    return found
