"""The page on contracts has every kind, and its examples run from the first to the last."""

import doctest
import re
from pathlib import Path

from ganzoo.registry import KINDS

PAGE = (Path(__file__).parents[2] / "docs/contracts.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_kind_has_a_paragraph_an_example_and_its_contract() -> None:
    assert SECTIONS.keys() >= set(KINDS)
    for kind in KINDS:
        paragraph, _, rest = SECTIONS[kind].partition("```python\n")
        assert paragraph.strip(), kind
        assert f'part("{kind}.' in rest, kind
        assert f".. automodule:: ganzoo.{kind}.base\n" in rest, kind


def test_the_examples_give_what_the_page_shows() -> None:
    examples = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    said: list[str] = []
    test = doctest.DocTestParser().get_doctest(examples, {}, "contracts.md", None, None)
    result = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(test, out=said.append)
    assert result.failed == 0, "".join(said)
    assert result.attempted > 40
