"""Compare two runs bit by bit: in what they differ, and from which step on."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.config.operative import diff
from ganzoo.errors import UserError
from ganzoo.runs.folder import Row, RunFolder
from ganzoo.training.checkpoint import read_networks

NUM_SHOWN = 5


def compare_runs(a: Path, b: Path) -> list[str]:
    """Return the differences between two runs as sentences; an empty list if they are identical.

    Compared are the bytes of the operative configurations, the bytes of `metrics.jsonl`, and every bit of every tensor
    of the networks (tasks, moving average and buffers included) in the newest checkpoints.

    Args:
        a: a run folder.
        b: another.

    Raises:
        UserError: a folder holds no run, or no intact checkpoint.
    """
    folders = RunFolder.existing(a), RunFolder.existing(b)
    for folder in folders:
        if not folder.checkpoints():
            raise UserError(f"'{folder.path}' has no checkpoint yet, so nothing can be compared; let it run further")
    return [
        *_configuration_differences(*folders),
        *_row_differences(*folders),
        *_weight_differences(*folders),
    ]


def _configuration_differences(a: RunFolder, b: RunFolder) -> list[str]:
    text_a, text_b = (folder.operative_path.read_text(encoding="utf-8") for folder in (a, b))
    if text_a == text_b:
        return []
    lines = diff(text_a, text_b)
    what = "the operative configurations differ"
    return [what + ":" + "".join(f"\n  {line}" for line in lines) if lines else f"{what} in their comments"]


def _row_differences(a: RunFolder, b: RunFolder) -> list[str]:
    if _bytes(a.metrics_path) == _bytes(b.metrics_path):
        return []
    return [_first_different_row(a.metrics(), b.metrics())]


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _first_different_row(rows_a: Sequence[Row], rows_b: Sequence[Row]) -> str:
    for row_a, row_b in zip(rows_a, rows_b, strict=False):
        # Compared as text, since NaN differs from itself and 1 equals 1.0.
        keys = [key for key in {**row_a, **row_b} if repr(row_a.get(key)) != repr(row_b.get(key))]
        if keys:
            shown = ", ".join(f"{key} {row_a.get(key)} and {row_b.get(key)}" for key in keys[:NUM_SHOWN])
            more = f" and {len(keys) - NUM_SHOWN} more" if len(keys) > NUM_SHOWN else ""
            step = row_a["step"] if row_a["step"] == row_b["step"] else f"{row_a['step']} or {row_b['step']}"
            return f"metrics.jsonl differs from step {step} on: {shown}{more}"
    if len(rows_a) == len(rows_b):
        return "metrics.jsonl differs in how its numbers are written alone: the rows are equal, the bytes are not"
    longer = max(rows_a, rows_b, key=len)
    first = longer[min(len(rows_a), len(rows_b))]
    return f"metrics.jsonl differs from step {first['step']} on: one has {len(rows_a)} rows, the other {len(rows_b)}"


def _weight_differences(a: RunFolder, b: RunFolder) -> list[str]:
    step_a, step_b = a.checkpoints()[-1], b.checkpoints()[-1]
    if step_a != step_b:
        return [f"the newest checkpoints are of different steps: {step_a} and {step_b}"]
    tensors_a, tensors_b = (read_networks(folder.checkpoint_path(step_a)) for folder in (a, b))
    only = sorted(tensors_a.keys() ^ tensors_b.keys())
    unequal = [n for n in tensors_a if n in tensors_b and not same_bits(tensors_a[n], tensors_b[n])]
    found = []
    if only:
        found.append(f"{len(only)} tensors of step {step_a} are in one checkpoint alone, e.g. {only[0]}")
    if unequal:
        num = len(tensors_a.keys() & tensors_b.keys())
        found.append(f"{len(unequal)} of {num} tensors of step {step_a} differ, e.g. {unequal[0]}")
    return found


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors agree in type, shape and every bit (so 0.0 and -0.0 differ, and NaN equals itself)."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8))
