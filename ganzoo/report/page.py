"""Render a template as a page that loads nothing from outside itself."""

import json
from typing import TYPE_CHECKING

from ganzoo.bench.formats import unbroken
from ganzoo.errors import UserError

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_BYTES = 5_000_000


def render(template: str, **values: object) -> str:
    """Return a page.

    Args:
        template: a file of `templates/`.
        values: what it shows; text is escaped.

    Raises:
        UserError: the page would be larger than 5 MB.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ganzoo.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined,
    )  # fmt: skip
    environment.filters["pretty_json"] = lambda value: json.dumps(value, indent=1, sort_keys=True)
    environment.filters["breakable"] = _breakable
    environment.filters["unbroken"] = unbroken
    page = environment.get_template(template).render(**values)
    size = len(page.encode())
    if size > MAX_BYTES:
        raise UserError(
            f"the page of '{values.get('title')}' would have {size / 1e6:.1f} MB, and 5 MB is the limit; `ganzoo "
            "table` shows the numbers of a benchmark, and result.json holds those of a run"
        )
    return page


def room_left(page: str) -> int:
    """Return how many more bytes a page may have."""
    return MAX_BYTES - len(page.encode())


def _breakable(text: str) -> "Markup":
    """Let a name such as `coverage_efflite0_64px` break after its underscores, so that wide tables fit."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(piece) for piece in text.split("_"))
