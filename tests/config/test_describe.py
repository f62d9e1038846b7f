"""Types and meanings of parameters, on classes written for it."""

import re
from collections.abc import Sequence
from typing import Literal

import pytest

from ganzoo import registry
from ganzoo.cli import call
from ganzoo.component import Part
from ganzoo.config.describe import describe, type_name, wrapped
from ganzoo.config.docstring import Docstring, argument_meanings, parse
from ganzoo.config.experiment import Experiment
from ganzoo.losses.base import AdversarialLoss
from ganzoo.metrics.base import Metric


class Base:
    """A base.

    Args:
        first: of the base.
        second: of the base, and
            in two lines.
    """


class Derived(Base):
    """A class.

    Text that stands apart.

    Args:
        first: of its own.
        third: last: with a colon.

    Raises:
        ValueError: never.
    """


def test_meanings_come_from_the_class_and_its_bases_its_own_first():
    assert argument_meanings(Derived) == {
        "first": "of its own.",
        "second": "of the base, and in two lines.",
        "third": "last: with a colon.",
    }


def test_a_class_without_arguments_has_no_meanings():
    assert argument_meanings(int) == {}


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        (int, "int"),
        (float | None, "float | None"),
        (Literal["a", "b"], "'a' | 'b'"),
        (tuple[Part[Metric], ...], "[@metrics.NAME, ...]"),
        (Part[AdversarialLoss] | None, "@losses.NAME | None"),
        (tuple[int, float], "(int, float)"),
        (list[str], "[str, ...]"),
        (Sequence[Literal["a", "b"]], "['a' | 'b', ...]"),
    ],
)
def test_types_are_shown_as_a_recipe_writes_them(annotation, shown):
    assert type_name(annotation) == shown


@pytest.mark.parametrize("name", registry.index())
def test_no_type_of_a_parameter_shows_the_module_that_python_has_it_in(name):
    assert [p.type for p in describe(name).parameters if re.search(r"\b(collections|typing|ganzoo)\.", p.type)] == []


def test_the_sections_of_a_docstring_are_not_part_of_its_text():
    docstring = describe("experiment", roots={"experiment": Experiment}).docstring
    assert docstring.text == docstring.body == "One run, and how its images are judged."


def test_the_file_is_named():
    assert describe("pretext.rotation").file.endswith("ganzoo/pretext/rotation.py")


def test_a_discriminator_shows_its_taps_and_a_data_set_its_shape():
    taps = describe("architectures.resnet_discriminator").supports
    assert "block0" in next(value for key, value in taps.items() if key.startswith("taps"))
    assert describe("data.digits").supports["classes"] == "10"


@pytest.mark.parametrize("name", ["data.cifar10", "data.cifar100"])
def test_a_data_set_shows_nothing_of_how_its_files_are_read(name):
    assert describe(name).supports.keys() == {"image shape", "classes", "images"}


def test_paragraphs_are_filled_and_indented_ones_left_as_they_are():
    assert wrapped("a b\nc d\n\n  x\n    y", 4) == "a b\nc d\n\n  x\n    y"
    assert wrapped("a b\nc d", 80) == "a b c d"
    assert wrapped(">>> a\nb\n\nc\nd", 80) == ">>> a\nb\n\nc d"


def test_source_and_departures_are_told_apart_from_the_rest():
    layer = describe("normalizations.layer").docstring
    assert layer.source.endswith("arXiv:1704.00028, section 4.")
    assert layer.departures == [
        "Departure: scale and shift are learned for each channel, not for each channel and pixel."
    ]
    resnet = describe("architectures.resnet_generator").docstring
    assert len(resnet.departures) == 2
    assert resnet.departures[1].startswith("Departures from it: the sigmoid")
    assert resnet.body.startswith("A linear layer to 4x4")
    assert all(word not in resnet.body for word in ("Source:", "Departures"))
    assert describe("losses.hinge").docstring.departures == []


@pytest.mark.parametrize("name", registry.index())
def test_source_and_departures_begin_a_line_of_their_own(name):
    docstring = parse(registry.get(name))
    texts = [docstring.body, docstring.source, *(text.partition(": ")[2] for text in docstring.departures)]
    assert docstring.source
    assert ">>>" not in docstring.body
    assert [text for text in texts if re.search(r"\b(Source|Departure)s?\b[^:.]*:\s", text)] == []


class Documented:
    """Say it.

    More,
    in two lines. Source: no section, within a line.
    Departures from it: a
    b.

    Sources: x,
    y.
    Departure: c: d.

    The end.

    >>> one = 1
    >>> one + one
    2

    Example:
        >>> 3
        3

    Args:
        a: b.
    """


def test_a_section_ends_at_the_next_one_or_at_an_empty_line():
    assert parse(Documented) == Docstring(
        body="Say it.\n\nMore,\nin two lines. Source: no section, within a line.\n\nThe end.",
        source="x, y.",
        departures=["Departures from it: a b.", "Departure: c: d."],
        arguments={"a": "b."},
        example=">>> one = 1\n>>> one + one\n2\n>>> 3\n3",
    )


def test_the_command_shows_source_and_departures(capsys):
    assert call(["describe", "normalizations.layer"]) == 0
    out = capsys.readouterr().out
    assert "Source: Ba et al., arXiv:1607.06450, equation 3" in out
    assert "Departure:" in out
