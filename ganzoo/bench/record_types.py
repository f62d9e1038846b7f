"""What the fields of a run's record hold, and the refusal of a record that holds something else."""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from ganzoo.errors import UserError
from ganzoo.runs.folder import Json

MAX_SHOWN = 60  # characters of a wrong value in a message
REMEDY = "remove the file, and `ganzoo bench` makes it anew"


def check_record(value: Mapping[str, Json], *, where: str) -> None:
    """Refuse a record with a field of another type than `RunRecord` has.

    Args:
        value: with exactly the fields of a record.
        where: the file, for messages.

    Raises:
        UserError: the first field that is wrong.
    """
    _check_types(value, FIELDS, where=where)
    optional = {"error_source"}  # older records lack it
    for number, measured in enumerate(cast(list[dict[str, Json]], value["metrics"]), start=1):
        wrong = sorted(measured.keys() - optional ^ MEASURED.keys() - optional)
        of = f" of its metric {number}"
        if wrong:
            raise UserError(f"is no record of a run: '{wrong[0]}'{of} is missing or unknown; {REMEDY}", where=where)
        _check_types(measured, MEASURED, where=where, of=of)


class _Form(NamedTuple):
    """What a field of a record holds, in words, and whether a value is such."""

    what: str
    fits: Callable[[Json], bool]


def _is_whole(value: Json) -> bool:
    return type(value) is int


def _is_number(value: Json) -> bool:
    return type(value) in (int, float)


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_curve(value: Json) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, list) and len(point) == 2 and _is_whole(point[0]) and _is_number(point[1]) for point in value
    )


def _all(container: type, fits: Callable[[Json], bool]) -> Callable[[Json], bool]:
    """Return whether a value is a list or an object, and all in it fits."""
    return lambda value: (
        isinstance(value, container)
        and all(map(fits, value.values() if isinstance(value, dict) else cast(list[Json], value)))
    )


_TEXT = _Form("a string", _is_text)
_TEXT_OR_NONE = _Form("a string or null", lambda value: value is None or _is_text(value))
_WHOLE = _Form("a whole number", _is_whole)
_NUMBER = _Form("a number", _is_number)
_COUNTS = _Form("an object of whole numbers", _all(dict, _is_whole))
_OBJECT = _Form("an object", lambda value: isinstance(value, dict))

FIELDS: dict[str, _Form] = {
    **dict.fromkeys(("grid", "row", "label", "recipe", "operative"), _TEXT),
    **dict.fromkeys(("reason", "samples"), _TEXT_OR_NONE),
    **dict.fromkeys(("seed", "num_threads", "peak_memory_bytes"), _WHOLE),
    "status": _Form("'finished' or 'failed'", lambda value: value in ("finished", "failed")),
    "seconds": _NUMBER,
    "environment": _OBJECT,
    **dict.fromkeys(("counters", "num_parameters"), _COUNTS),
    "metrics": _Form("a list of objects", _all(list, _OBJECT.fits)),
    "health": _Form("a list of strings", _all(list, _is_text)),
    "curves": _Form("an object of lists of [step, value]", _all(dict, _is_curve)),
}
MEASURED: dict[str, _Form] = {
    **dict.fromkeys(("name", "error_source"), _TEXT),
    "value": _NUMBER,
    "standard_error": _Form("a number or null", lambda value: value is None or _is_number(value)),
    "higher_is_better": _Form("true or false", lambda value: isinstance(value, bool)),
    "protocol": _OBJECT,
}


def _check_types(value: Mapping[str, Json], forms: Mapping[str, _Form], *, where: str, of: str = "") -> None:
    """Refuse the first field that holds something else than it should."""
    for name, form in forms.items():
        if name in value and not form.fits(value[name]):
            given = json.dumps(value[name])
            shown = given if len(given) <= MAX_SHOWN else f"{given[:MAX_SHOWN]}..."
            raise UserError(
                f"is no record of a run: '{name}'{of} must be {form.what}, not {shown}; {REMEDY}",
                where=where,
            )
