"""The accuracies of D in its pretext tasks at the end of training, from the records' curves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ganzoo.bench.record import RunRecord
from ganzoo.bench.statistics import Summary, summarize
from ganzoo.diagnostics.row_keys import RowKey


@dataclass(frozen=True, kw_only=True)
class TaskAccuracy:
    """The accuracy that D had in a task when the runs of a row ended.

    Args:
        task: its name.
        what: the images that the accuracy is of, as the task names them, such as `real` or `fake`. If the steps of
            D and of G both report it, the name says which is G's.
        summary: of the runs, each the mean over the updates of its last row of `metrics.jsonl`; a failed run is lost.
    """

    task: str
    what: str
    summary: Summary


def task_accuracies(records: Sequence[RunRecord]) -> tuple[TaskAccuracy, ...]:
    """Return the accuracies of the tasks of a row, in the order in which they were logged."""
    keys = dict.fromkeys(RowKey.parse(text) for record in records for text in record.curves)
    found = []
    for key in keys:
        if key.accuracy_of is not None:
            summary = summarize([_last(record, str(key)) for record in records], higher_is_better=True)
            is_second = key.group == "g" and replace(key, group="d") in keys
            what = f"{key.accuracy_of}, in G's step" if is_second else key.accuracy_of
            found.append(TaskAccuracy(task=key.owner, what=what, summary=summary))
    return tuple(found)


def _last(record: RunRecord, key: str) -> float | None:
    points = record.curves.get(key, ())
    if record.status != "finished" or not points or not math.isfinite(points[-1][1]):
        return None
    return points[-1][1]
