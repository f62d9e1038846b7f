"""The flags of old files: records of format 1, and results of runs of that time, have flags as sentences alone.

This is the only place where sentences are read back. Files written now hold every flag with its kind.
"""

import re
from collections.abc import Iterable

from ganzoo.diagnostics.flags import Flag

UNCLASSIFIED = "unclassified"
"""The kind of a sentence that no version is known to have written; no table decides anything by it."""

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


def flags_of_sentences(sentences: Iterable[str]) -> tuple[Flag, ...]:
    """Return a flag for each sentence of an old file, with the sentence unchanged."""
    return tuple(_flag(sentence) for sentence in sentences)


def _flag(sentence: str) -> Flag:
    for kind, pattern in SENTENCES.items():
        match = re.fullmatch(pattern, sentence, re.DOTALL)
        if match is not None:
            step = match.groupdict().get("step")
            return Flag(kind, None if step is None else int(step), sentence)
    return Flag(UNCLASSIFIED, None, sentence)
