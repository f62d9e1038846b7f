"""The rows that a run leaves: numbers in `metrics.jsonl` and TensorBoard, seconds and memory in `timing.jsonl`."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping

import torch
from torch.utils.tensorboard import SummaryWriter

from ganzoo.diagnostics.row_keys import is_logged
from ganzoo.hardware import peak_memory_bytes
from ganzoo.runs.folder import RunFolder, append_row, drop_rows_after, read_rows, write_rows


class RowWriter:
    """Writes the rows of one run and measures how long its training takes.

    Args:
        folder: locked for this process.
        step: generator updates done; later rows are dropped. -1 drops all rows, those of step 0 included.
        device: where the networks live.
    """

    def __init__(self, folder: RunFolder, *, step: int, device: torch.device) -> None:
        self.folder, self.device = folder, device
        with folder.writing():
            for path in (folder.metrics_path, folder.timing_path):
                drop_rows_after(path, step)
            self._tensorboard = SummaryWriter(str(folder.tensorboard_path), purge_step=step + 1)
        timings = [row["seconds"] for row in read_rows(folder.timing_path)]
        self.seconds = float(timings[-1]) if timings else 0.0
        self._timed_step = max(step, 0)
        self._since = time.perf_counter()

    def write(self, step: int, values: Mapping[str, float], *, counters: Mapping[str, int] | None = None) -> None:
        """Write one row of numbers, which are reproducible to the bit.

        Args:
            step: generator updates done.
            values: by key, such as `d/loss`.
            counters: `step` among them, where the row says how much was spent so far.
        """
        with self.folder.writing():
            append_row(self.folder.metrics_path, {**(counters or {"step": step}), **values})
            for name, value in values.items():
                self._tensorboard.add_scalar(name, value, step)

    def write_timing(self, step: int) -> None:
        """Write how long training took up to a step and how much memory, unless that row is there already."""
        if self._timed_step == step:
            return
        now = time.perf_counter()
        self._timed_step, self.seconds, self._since = step, self.seconds + now - self._since, now
        is_cuda = self.device.type == "cuda"
        memory = torch.cuda.max_memory_allocated(self.device) if is_cuda else peak_memory_bytes()
        with self.folder.writing():
            append_row(self.folder.timing_path, {"step": step, "seconds": self.seconds, "peak_memory_bytes": memory})

    @contextlib.contextmanager
    def clock_stopped(self) -> Iterator[None]:
        """Keep the time that the body takes out of the seconds of training."""
        began = time.perf_counter()
        yield
        self._since += time.perf_counter() - began

    def sync(self) -> None:
        """Bring all rows to the disk."""
        with self.folder.writing():
            for path in (self.folder.metrics_path, self.folder.timing_path):
                if path.exists():
                    with path.open("rb+") as file:
                        os.fsync(file.fileno())

    def drop_unlogged(self, step: int) -> None:
        """Drop the rows that samples and evaluations wrote at a step, which will write them again."""
        rows = [row for row in self.folder.metrics() if row["step"] != step or is_logged(row)]
        with self.folder.writing():
            write_rows(self.folder.metrics_path, rows)

    def close(self) -> None:
        """Write what TensorBoard has not written yet."""
        with self.folder.writing():
            self._tensorboard.close()
