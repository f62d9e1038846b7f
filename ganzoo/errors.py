"""What ganzoo says when something outside its control is wrong, and how it suggests a near name."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class UserError(Exception):
    """A mistake of the user: one or two sentences, no traceback, exit code 2.

    Args:
        message: what was given, what was expected, and how to mend it.
        where: `file:line`, or the text of a `--set`, if the mistake stands in a configuration.
    """

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)


class Bound(NamedTuple):
    """Where a parameter has its value from: its full name, the place (empty for a default), and a macro's place."""

    key: str
    where: str
    macro: str = ""


def blame(message: str, *, of: str, parameters: Mapping[str, Bound]) -> tuple[str, str]:
    """Return what a component says of its parameters with their full names, and the place of the first that is bound.

    Args:
        message: of the component, which knows its parameters by their short names.
        of: the component's name, for a message that does not begin with a parameter.
        parameters: by short name.
    """
    named = [m[0] for m in re.finditer(r"(?<![\w.'@])[a-z]\w*(?![\w'(]|\.\w)", message) if m[0] in parameters]
    bound = next((parameters[name] for name in named if parameters[name].where), None)
    begins = bool(named) and re.match(rf"{named[0]}\b", message) is not None

    def in_full(found: re.Match[str]) -> str:
        known = parameters.get(found["name"])
        return f"{found['before']}{known.key}" if known else found[0]

    # Elsewhere, a word such as "size" may mean anything; after a verb it is something to bind.
    text = re.sub(r"(?P<before>\b(?:set|raise|lower|use) )(?P<name>[a-z]\w*)(?![\w.])", in_full, message)
    text = f"{parameters[named[0]].key}{text.removeprefix(named[0])}" if begins else f"{of}: {text}"
    return (text + bound.macro, bound.where) if bound is not None else (text, "")


class RunFailedError(Exception):
    """A run that cannot go on through no mistake in its configuration: exit code 1, state kept."""


class NotFiniteError(RunFailedError):
    """A value, a weight or a pixel is NaN or infinite, and would be again from the same checkpoint."""


class RunInterruptedError(RunFailedError):
    """What ended a run lies outside it, such as a signal or a full disk, and says nothing of its recipe: exit code 3.

    The same command goes on from the newest checkpoint.
    """


def os_error_text(error: OSError) -> str:
    """Return what an operating system's error says, the file first, as half a sentence."""
    if error.filename is None:
        return f"{error}"
    return f"cannot use '{error.filename}' ({error.strerror or error})"


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether torch raised an error for want of memory; of a CPU's it has no class."""
    words = ("out of memory", "can't allocate memory", "not enough memory", "Storage size calculation overflowed")
    return any(word in str(error) for word in words)


def out_of_memory_text(error: RuntimeError, *, remedy: str = "lower experiment.batch_size or the widths") -> str:
    """Return what torch says of too little memory as half a sentence."""
    reason = str(error).split("] ")[-1].partition("\n")[0].strip(". ")
    return f"there is too little memory ({reason}); {remedy}"


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.65) -> str:
    """Return "; did you mean 'x'?" for the known name closest to `name`, or an empty string.

    Args:
        name: what was given.
        known: what there is.
        cutoff: the least similarity, in (0, 1], of a suggestion.
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean '{matches[0]}'?" if matches else ""
