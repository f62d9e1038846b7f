"""The errors that a user sees, and the suggestion of a near name."""

import difflib
import re
from collections.abc import Iterable, Mapping

MENTION = re.compile(r"\{(\w+)\}")  # of a parameter, in the text of a `ParameterError`


class UserError(Exception):
    """A mistake of the user: one or two sentences, no traceback, exit code 2.

    Args:
        message: what was given, what was expected, and how to mend it.
        where: `file:line` or the text of a `--set`, if the mistake is in a configuration.
    """

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)


class ParameterError(ValueError):
    """A component refuses the value of one of its parameters.

    >>> print(ParameterError("num_keys", "must be at least {batch_size}, not 8"))
    num_keys must be at least batch_size, not 8

    Args:
        name: the parameter; the message begins with it.
        text: what is wrong, and how to mend it. `{other}` mentions another parameter, of the component or of the run.
            A user sees all of them with their full keys, such as `experiment.batch_size`.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self.name, self.text = name, text

    def __str__(self) -> str:
        return self.message({})

    @property
    def names(self) -> list[str]:
        """The parameter and those that the text mentions, in order."""
        return [self.name, *MENTION.findall(self.text)]

    def message(self, keys: Mapping[str, str]) -> str:
        """Return the sentence, with the full keys of those parameters that have one."""
        text = MENTION.sub(lambda found: keys.get(found[1], found[1]), self.text)
        return f"{keys.get(self.name, self.name)} {text}"


def check_at_least(least: int, **values: int | None) -> None:
    """Refuse the first of these parameters, given by name, that is smaller; None is allowed."""
    for name, value in values.items():
        if value is not None and value < least:
            raise ParameterError(name, f"must be at least {least}, not {value}")


def check_not_negative(**values: float) -> None:
    """Refuse the first of these parameters, given by name, that is less than 0."""
    for name, value in values.items():
        if value < 0:
            raise ParameterError(name, f"must not be negative, not {value}")


def check_positive(**values: float) -> None:
    """Refuse the first of these parameters, given by name, that is not greater than 0."""
    for name, value in values.items():
        if value <= 0:
            raise ParameterError(name, f"must be greater than 0, not {value}")


class RunFailedError(Exception):
    """A run cannot go on, though its configuration has no mistake: exit code 1, state kept."""


class NotFiniteError(RunFailedError):
    """A value, a weight or a pixel is NaN or infinite; from the same checkpoint it would be so again."""


class RunInterruptedError(RunFailedError):
    """Something outside a run ended it, such as a signal or a full disk: exit code 3.

    It says nothing about the recipe. The same command resumes the run from its newest checkpoint.
    """


def os_error_text(error: OSError) -> str:
    """Return the operating system's error as half a sentence that begins with the file."""
    if error.filename is None:
        return f"{error}"
    return f"cannot use '{error.filename}' ({error.strerror or error})"


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether torch ran out of memory. On a CPU its error has no class of its own, so the text decides."""
    words = ("out of memory", "can't allocate memory", "not enough memory", "Storage size calculation overflowed")
    return any(word in str(error) for word in words)


def out_of_memory_text(error: RuntimeError, *, remedy: str = "lower experiment.batch_size or the widths") -> str:
    """Return torch's error about too little memory as half a sentence, with a remedy."""
    reason = str(error).split("] ")[-1].partition("\n")[0].strip(". ")
    return f"there is too little memory ({reason}); {remedy}"


def closest(name: str, known: Iterable[str], *, cutoff: float = 0.65) -> str:
    """Return the known name closest to one that was given, or an empty string.

    Args:
        name: what was given.
        known: what there is.
        cutoff: the least similarity, in (0, 1].
    """
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), "")


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.65) -> str:
    """Return the end of a sentence, "; did you mean 'x'?", with the closest known name; empty if none is close."""
    meant = closest(name, known, cutoff=cutoff)
    return f"; did you mean '{meant}'?" if meant else ""
