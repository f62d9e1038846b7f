"""A sign of a run gone wrong, as data, and how it is read from a `result.json`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from ganzoo.evaluation.evaluate import MetricFailure
from ganzoo.runs.folder import Json
from ganzoo.runs.json_files import convert

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


class _Flags(msgspec.Struct):
    """What a `result.json` says of trouble; `health` are the sentences of earlier versions."""

    flags: tuple[Flag, ...] = ()
    health: tuple[str, ...] = ()
    metric_failures: tuple[MetricFailure, ...] = ()


def flags_of(result: Mapping[str, Json], *, where: Path) -> list[Flag]:
    """Return the flags of a result, and a flag `metric_failed` for each metric that could not be computed.

    Args:
        result: what `result.json` holds.
        where: its path, for messages.

    Raises:
        UserError: an entry is no flag.
    """
    remedy = "the run folder is damaged: bring the file back"
    found = convert(result, _Flags, where=str(where), what="result of a run", remedy=remedy)
    failed = [f"{failure.metric} could not be computed: {failure.reason}" for failure in found.metric_failures]
    return [
        *found.flags,
        *(flag_of_sentence(sentence) for sentence in found.health),
        *(Flag("metric_failed", None, text) for text in failed),
    ]


def flag_of_sentence(sentence: str) -> Flag:
    """Return the flag of a sentence from a file of the time when flags were sentences; only here are they read back."""
    for kind, pattern in SENTENCES.items():
        match = re.fullmatch(pattern, sentence, re.DOTALL)
        if match is not None:
            step = match.groupdict().get("step")
            return Flag(kind, None if step is None else int(step), sentence)
    return Flag(UNCLASSIFIED, None, sentence)
