"""Conformance checks that the author of a component runs: `check_component("pretext.jigsaw")`."""

from ganzoo.testing.check import check_component
from ganzoo.testing.findings import ContractError
from ganzoo.testing.plugins import temporary_plugins

__all__ = ["ContractError", "check_component", "temporary_plugins"]
