"""The operative configuration: every parameter of every part in use, as gin text, and the difference of two."""

import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields

from ganzoo import registry
from ganzoo.component import Component, Part, complete_arguments, default_arguments
from ganzoo.config.root import RecipeRoot
from ganzoo.config.value_types import render

# Exactly as `operative_text` writes it: a recipe may have a comment that begins like it.
PLUGIN_LINE = re.compile(r"# (plugin \w+\.\w+): (sha256 (?:[0-9a-f]+|unknown))")
NO_DEFAULTS: Mapping[str, str] = {}


def parts_of(value: object) -> list[Part[Component]]:
    """Return the parts in a value and in their arguments, recursively; in order, each scope and name once."""
    found: dict[str, Part[Component]] = {}

    def collect(value: object) -> None:
        if isinstance(value, Part):
            arguments = complete_arguments(value)
            other = found.setdefault(render(value), value)
            if other is value:
                collect(arguments)
            assert complete_arguments(other) == arguments, f"{render(value)} stands for two sets of arguments"
        elif isinstance(value, Mapping | list | tuple):
            for item in value.values() if isinstance(value, Mapping) else value:
                collect(item)

    collect(value)
    return list(found.values())


def _sections(root: RecipeRoot) -> list[tuple[str, Mapping[str, object], Mapping[str, object]]]:
    """Return what stands before the dot, the values and the defaults: of the root first, then of its parts, sorted."""
    bound = {field.name: getattr(root, field.name) for field in fields(root)}
    defaults = {field.name: field.default for field in fields(root) if field.default is not MISSING}
    parts = sorted(parts_of(bound), key=lambda part: (part.name, part.scope))
    of_parts = [(part.section, complete_arguments(part), default_arguments(part.component)) for part in parts]
    return [(root.root_name, bound, defaults), *of_parts]


def values_of(root: RecipeRoot) -> dict[str, str]:
    """Return every parameter in use, `scope/kind.name.parameter` -> gin text: the root's first, the others sorted."""
    sections = _sections(root)
    return {f"{section}.{name}": render(values[name]) for section, values, _ in sections for name in sorted(values)}


def defaults_of(root: RecipeRoot) -> dict[str, str]:
    """Return those parameters in use that have their default: `scope/kind.name.parameter` -> gin text."""
    defaults = {f"{section}.{name}": render(v) for section, _, known in _sections(root) for name, v in known.items()}
    return {key: text for key, text in values_of(root).items() if defaults.get(key) == text}


def operative_text(root: RecipeRoot) -> str:
    """Return the complete configuration as gin text; equal experiments have equal texts.

    Args:
        root: an experiment, or the root of another command's recipes.
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
        defaults: the values of parameters that the first text lacks, since an earlier version, which did not have them,
            may have written it.
    """
    values_a, values_b = parse_operative(a), parse_operative(b)
    values_a = {**{key: text for key, text in defaults.items() if key in values_b}, **values_a}
    return [
        f"{key}: {values_a.get(key, '(absent)')} -> {values_b.get(key, '(absent)')}"
        for key in {**values_a, **values_b}
        if values_a.get(key) != values_b.get(key) and not any(f"{key}.".startswith(f"{name}.") for name in ignore)
    ]


def parse_operative(text: str) -> dict[str, str]:
    """Return the keys and values of an operative text, hashes of plugins included."""
    found = {}
    for line in text.splitlines():
        if plugin := PLUGIN_LINE.fullmatch(line):
            found[plugin[1]] = plugin[2]
        elif line and not line.startswith("#"):
            key, _, value = line.partition(" = ")
            found[key] = value
    return found
