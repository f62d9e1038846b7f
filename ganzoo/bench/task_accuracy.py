"""How well D knows the answers of its pretext tasks at the end of training, from the records' curves."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.bench.record import RunRecord
from ganzoo.bench.statistics import Summary, summarize

ACCURACY = re.compile(r"(?P<role>[dg])/(?P<task>.+)/accuracy_(?P<what>\w+)")


@dataclass(frozen=True, kw_only=True)
class TaskAccuracy:
    """The accuracy that D had in a task when the runs of a row ended.

    Args:
        task: its name.
        what: what the accuracy is of, by the task's own name for it, such as `real` or `fake`; where D's and G's steps
            both report it, that of G's says so.
        summary: of the runs, each the mean over the updates of its last row of `metrics.jsonl`; a failed run is lost.
    """

    task: str
    what: str
    summary: Summary


def task_accuracies(records: Sequence[RunRecord]) -> tuple[TaskAccuracy, ...]:
    """Return the accuracies of the tasks of a row, in the order in which they were logged."""
    keys = dict.fromkeys(key for record in records for key in record.curves)
    found = []
    for key in keys:
        match = ACCURACY.fullmatch(key)
        if match is not None:
            values = [_last(record, key) for record in records]
            summary = summarize(values, higher_is_better=True)
            is_second = match["role"] == "g" and f"d{key[1:]}" in keys
            what = f"{match['what']}, in G's step" if is_second else match["what"]
            found.append(TaskAccuracy(task=match["task"], what=what, summary=summary))
    return tuple(found)


def _last(record: RunRecord, key: str) -> float | None:
    points = record.curves.get(key, ())
    if record.status != "finished" or not points or not math.isfinite(points[-1][1]):
        return None
    return points[-1][1]
