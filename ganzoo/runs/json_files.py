"""JSON files read into types: what is missing or of another type is said with its place in the file."""

import json
from pathlib import Path
from typing import TypeVar

import msgspec

from ganzoo.errors import UserError

Form = TypeVar("Form")


def read_json(path: Path, form: type[Form], *, what: str, remedy: str) -> Form:
    """Read a JSON file into a type; NaN and infinity are numbers, as the module `json` writes them.

    Args:
        path: the file.
        form: the type of its content, such as a `msgspec.Struct`.
        what: what the file should be, such as "record of a run", for messages.
        remedy: what the user can do about a damaged file, for messages.

    Raises:
        UserError: it cannot be read, or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"cannot be read ({error}); {remedy}", where=str(path)) from error
    return convert(value, form, where=str(path), what=what, remedy=remedy)


def convert(value: object, form: type[Form], *, where: str, what: str, remedy: str) -> Form:
    """Return the content of the JSON file `where` as a type; otherwise as `read_json`.

    A string is never taken for a number, nor a number with a point for a whole one.
    """
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        wrong = str(error).replace(" - at ", " at ")
        raise UserError(f"is no {what}: {wrong[0].lower()}{wrong[1:]}; {remedy}", where=where) from error
