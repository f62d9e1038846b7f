"""A sign of a run gone wrong, as data, and how it is read from a `result.json`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ganzoo.errors import UserError
from ganzoo.runs.folder import Json

UNCLASSIFIED = "unclassified"
"""The kind of a sentence that no version is known to have written; nothing is decided by it."""

SENTENCES = {
    "collapsed": r"collapsed (from|at) step (?P<step>\d+): .*",
    "never_covered": r"the generated images never covered the data: .*",
    "saturated": r"discriminator saturated: .* from step (?P<step>\d+)( on)?",
    "memorizes": r"the discriminator memorises from step (?P<step>\d+): .*",
    "forgotten_task": r"\S+ is forgotten from step (?P<step>\d+): .*",
    "unlearned_task": r"\S+ is not learnt: .*",
    "exploding_singular_values": r"singular values explode from step (?P<step>\d+): .*",
    "broken_spectral_norm": r"spectral normalization fails from step (?P<step>\d+): .*",
    "metric_failed": r"\S+ could not be computed: .*",
}
"""Every sentence that a version of ganzoo has written, by the kind of its flag."""


@dataclass(frozen=True)
class Flag:
    """One sign of a run gone wrong.

    Args:
        kind: what it is a sign of, such as `collapsed`; decisions look at it alone.
        step: from which on it holds; None for the whole run.
        text: a sentence for the reader.
    """

    kind: str
    step: int | None
    text: str


def flags_to_json(flags: Sequence[Flag]) -> list[Json]:
    """Return flags as they stand in `result.json`."""
    return [asdict(flag) for flag in flags]


def flags_of(result: Mapping[str, Json]) -> list[Flag]:
    """Return the flags of a `result.json`, and a flag `metric_failed` for each metric that could not be computed.

    Results of earlier versions have sentences under `health`.

    Raises:
        UserError: an entry is none of these.
    """
    lists = [result.get(key) or [] for key in ("flags", "health", "metric_failures")]
    return [_flag(entry) for entries in lists if isinstance(entries, list) for entry in entries]


def _flag(entry: Json) -> Flag:
    match entry:
        case {"kind": str(kind), "step": int() | None as step, "text": str(text)}:
            return Flag(kind, step, text)
        case {"metric": str(metric), "reason": str(reason)}:
            return Flag("metric_failed", None, f"{metric} could not be computed: {reason}")
        case str(sentence):
            return flag_of_sentence(sentence)
    raise UserError(f"result.json has the flag {entry!r}; it must be an object with a kind, a step and a text")


def flag_of_sentence(sentence: str) -> Flag:
    """Return the flag of a sentence from a file of the time when flags were sentences; only here are they read back."""
    for kind, pattern in SENTENCES.items():
        match = re.fullmatch(pattern, sentence, re.DOTALL)
        if match is not None:
            step = match.groupdict().get("step")
            return Flag(kind, None if step is None else int(step), sentence)
    return Flag(UNCLASSIFIED, None, sentence)
