"""The folders of the package, of its cache, and of data sets."""

import os
from pathlib import Path

PACKAGE = Path(__file__).parent
"""The folder of the package `ganzoo`."""


def cache_folder() -> Path:
    """Return `$GANZOO_CACHE`, else `$XDG_CACHE_HOME/ganzoo`, else `~/.cache/ganzoo`; it need not exist."""
    if own := os.environ.get("GANZOO_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser() / "ganzoo"
    return Path.home() / ".cache" / "ganzoo"


def data_folders(data_dir: Path | None) -> list[Path]:
    """Return the folders in which data sets are sought, in order.

    Args:
        data_dir: the user's own folder (`--data-dir`), which comes first; None if not given.
    """
    usual = [Path("data"), cache_folder() / "data"]
    return usual if data_dir is None else [data_dir.expanduser(), *usual]


def image_caches() -> Path:
    """Return the folder for decoded and resized images; it need not exist."""
    return cache_folder() / "images"


def quoted(paths: list[Path]) -> str:
    """Return paths as text: 'a', 'b' or 'c'."""
    texts = [f"'{path}'" for path in paths]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"
