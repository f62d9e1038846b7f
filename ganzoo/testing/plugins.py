"""Plugins for the length of a test."""

import contextlib
from collections.abc import Iterator

from ganzoo import registry


@contextlib.contextmanager
def temporary_plugins() -> Iterator[None]:
    """Forget, at the end of the body, every component of a plugin or of a test that was registered in it."""
    loaded, files = set(registry._loaded), dict(registry._files)
    registry._entry_points.cache_clear()
    try:
        yield
    finally:
        # ganzoo's own stay: their modules are imported once, and would not register again.
        for name in set(registry._loaded) - loaded - registry._builtin().keys():
            del registry._loaded[name]
        registry._files.clear()
        registry._files.update(files)
        registry._entry_points.cache_clear()
