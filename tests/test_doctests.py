"""Every registered component shows in its docstring what it does, and what it shows is true.

An example may use torch, `part`, what travels through a step, the toys of `ganzoo.testing` and the names of its module.
"""

import doctest
import sys

import pytest
import torch

from ganzoo import batch, registry
from ganzoo.testing import toys

BUILT_IN = [name for name, listing in registry.index().items() if listing.origin == "ganzoo"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_component_shows_an_example_that_is_true(name: str) -> None:
    component = registry.get(name)
    known = {**vars(batch), **vars(toys), **vars(sys.modules[component.__module__]), "torch": torch}
    known["part"] = registry.part
    (example,) = doctest.DocTestFinder(recurse=False).find(component, name, globs=known)
    assert example.examples, f"the docstring of {name} has no line that begins with >>>"
    said: list[str] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert not said, "".join(said)
