"""What ganzoo says when something outside its control is wrong, and how it suggests a near name."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake of the user: one or two sentences, no traceback, exit code 2.

    Args:
        message: what was given, what was expected, and how to mend it.
        where: `file:line`, or the text of a `--set`, if the mistake stands in a configuration.
    """

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)


class RunFailedError(Exception):
    """A run that cannot go on through no mistake in its configuration: exit code 1, state kept."""


def os_error_text(error: OSError) -> str:
    """Return what an operating system's error says, the file first, as half a sentence."""
    if error.filename is None:
        return f"the run cannot go on ({error})"
    return f"cannot use '{error.filename}' ({error.strerror or error})"


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return "; did you mean 'x'?" for the known name closest to `name`, or an empty string.

    Args:
        name: what was given.
        known: what there is.
        cutoff: the least similarity, in (0, 1], of a suggestion.
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean '{matches[0]}'?" if matches else ""
