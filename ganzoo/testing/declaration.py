"""What every component keeps, whatever its kind: docstring, name and signature."""

import inspect
import re

from ganzoo.component import Component, annotation_of, options_of, parameters_of
from ganzoo.config.docstring import argument_meanings, parse
from ganzoo.errors import UserError
from ganzoo.testing.findings import Findings

SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")


def check_declaration(component: type[Component], findings: Findings) -> None:
    """Check docstring, name and signature."""
    _check_docstring(component, findings.at("docstring"))
    findings.at("class name").expect(
        SNAKE_CASE.fullmatch(component.__name__) is not None,
        f"'{component.__name__}' is not in snake_case",
        "a component's class bears its gin name, e.g. `class jigsaw`",
    )
    _check_signature(component, findings)


def _check_docstring(component: type[Component], findings: Findings) -> None:
    docstring = parse(component)
    if not findings.expect(bool(docstring.body), "there is none", "begin with one sentence on what it does"):
        return
    # `ganzoo list` and the gallery show this line alone.
    findings.expect(
        docstring.body.split("\n", 1)[0].rstrip().endswith("."),
        "its first line is no sentence",
        "begin with one sentence on what it does, ending in a full stop on that line",
    )
    findings.expect(
        bool(docstring.source),
        "no line begins with 'Source:'",
        "name the paper and equation (`Source: Ba et al., arXiv:1607.06450, equation 3.`) or say where it comes from",
    )
    meanings = argument_meanings(component)
    for name in options_of(component):
        findings.at(f"docstring, argument '{name}'").expect(
            name in meanings, "its meaning is not given", f"add `{name}: ...` with its meaning and unit under `Args:`"
        )


def _check_signature(component: type[Component], findings: Findings) -> None:
    for name, parameter in parameters_of(component).items():
        at = findings.at(f"constructor, argument '{name}'")
        at.expect(
            parameter.kind is inspect.Parameter.KEYWORD_ONLY,
            "it can be given by position",
            "put a `*` before the first argument after self",
        )
        at.expect(
            parameter.annotation is not inspect.Parameter.empty,
            "it has no type annotation",
            "annotate it: a configuration's values are checked against the type",
        )
    try:
        for name in parameters_of(component):
            annotation_of(component, name)
    except UserError as error:
        findings.at("constructor").add(str(error), "every annotation must be resolvable at run time")
