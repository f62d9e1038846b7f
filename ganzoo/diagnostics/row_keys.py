"""The keys of the numbers in `metrics.jsonl`: formed and parsed here alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

Rows = Sequence[Mapping[str, int | float]]
Series = list[tuple[int, float]]


@dataclass(frozen=True)
class RowKey:
    """One key, such as `d/loss`, `d/rotation/accuracy_real`, `metric/fd/test` or `sigma/discriminator.logit`.

    Args:
        group: `d` or `g` for an update of that network, `metric`, `sigma` (singular values), `augment`, or `health`.
        name: of the number; of a singular value, the layer.
        owner: the pretext task that reports the number of an update; empty if it is the update's own.
        split: the reference split of a measurement, where a run has the number for several splits.
    """

    group: str
    name: str
    owner: str = ""
    split: str = ""

    @classmethod
    def parse(cls, text: str) -> "RowKey":
        """Return the key of a text; `str` gives the text back."""
        group, _, rest = text.partition("/")
        if group == "metric":
            name, _, split = rest.partition("/")
            return cls(group, name, split=split)
        owner, _, name = rest.rpartition("/") if group in ("d", "g") else ("", "", rest)
        return cls(group, name, owner=owner)

    def __str__(self) -> str:
        return "/".join(part for part in (self.group, self.owner, self.name, self.split) if part)

    @property
    def subject(self) -> str:
        """What the number says something about: a task, a layer, or a measurement with its split."""
        return self.owner or "/".join(part for part in (self.name, self.split) if part)

    @property
    def accuracy_of(self) -> str | None:
        """The images that a task's accuracy is over, such as `real` or `fake`; None if it is no such accuracy."""
        is_accuracy = self.owner and self.name.startswith("accuracy_")
        return self.name.removeprefix("accuracy_") if is_accuracy else None

    def matches(self, pattern: str) -> bool:
        """Return whether the text of the key fits a pattern, in which `*` stands for anything."""
        return fnmatchcase(str(self), pattern)


def is_logged(row: Mapping[str, int | float]) -> bool:
    """Return whether a row holds the values of updates, and not those of a sample or an evaluation."""
    return "d/loss" in row


def keys(rows: Rows, pattern: str = "*") -> list[RowKey]:
    """Return the keys that fit a pattern, in the order in which they first appear."""
    found = [RowKey.parse(text) for text in dict.fromkeys(text for row in rows for text in row)]
    return [key for key in found if key.matches(pattern)]


def series(rows: Rows, key: RowKey | str) -> Series:
    """Return the (step, value) pairs of a key."""
    text = str(key)
    return [(int(row["step"]), float(row[text])) for row in rows if text in row]
