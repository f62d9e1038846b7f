"""ganzoo: a zoo of GANs whose parts are interchangeable and bound together by gin files."""

from typing import TYPE_CHECKING

from ganzoo.version import __version__

if TYPE_CHECKING:
    from ganzoo.component import Part
    from ganzoo.registry import register

__all__ = ["Part", "__version__", "register"]

HOMES = {"Part": "ganzoo.component", "register": "ganzoo.registry"}
"""Where the names of the package are defined; each is imported when it is asked for."""


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module 'ganzoo' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(HOMES[name]), name)
