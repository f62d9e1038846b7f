"""The files of a run: where they are, and how they are written so that a kill at any moment does no harm."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ganzoo.errors import RunInterruptedError, UserError, is_out_of_memory, os_error_text, out_of_memory_text

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Row = dict[str, int | float]
"""A row of `metrics.jsonl` or `timing.jsonl`: numbers by key; `step` is a whole number."""

LOCK_NAME = ".lock"

LEFTOVERS = (
    "result.json",
    "metrics.jsonl",
    "timing.jsonl",
    "env.json",
    "curves.png",
    "forgetting.json",
    "checkpoints/step-*",
    "checkpoints/.step-*",
    "checkpoints/damaged-step-*",
    "samples/step-*.png",
    "replay/step-*.safetensors",
    "tensorboard/events.out.tfevents.*",
    "curves/*-seed*.json",
)
"""Files that a new run could mistake for its own in a folder without operative.gin. Such a folder can be anything, so
these are names that nothing else is likely to have. Files that a new run overwrites are not listed."""

OWN_NAMES = {pattern.partition("/")[0] for pattern in LEFTOVERS} | {"config.gin", "operative.gin", "plugins"}
"""The names at the top of a folder after a run or part of one."""

TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "status": ((str,), "a string"),
    **dict.fromkeys(("step", "num_real_images", "num_d_images", "num_threads"), ((int,), "a whole number")),
    "seconds": ((int, float), "a number"),
    **dict.fromkeys(("metrics", "metric_failures", "flags", "health", "continued"), ((list,), "a list")),
    **dict.fromkeys(("chance", "data_sha256"), ((dict,), "an object")),
}
"""What `result.json` and `env.json` hold under the keys that are calculated with, as far as they have them."""


class RunFolder:
    """The layout of a run folder.

    Args:
        path: the folder; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / "config.gin"
        self.operative_path = path / "operative.gin"
        self.environment_path = path / "env.json"
        self.metrics_path = path / "metrics.jsonl"
        self.timing_path = path / "timing.jsonl"
        self.result_path = path / "result.json"
        self.checkpoints_path = path / "checkpoints"
        self.samples_path = path / "samples"
        self.replay_path = path / "replay"
        self.tensorboard_path = path / "tensorboard"
        self.plugins_path = path / "plugins"
        self.curves_path = path / "curves.png"

    @classmethod
    def existing(cls, path: Path) -> "RunFolder":
        """Return the folder of a run that was started.

        Raises:
            UserError: there is no run in it.
        """
        folder = cls(path)
        if not folder.operative_path.is_file():
            raise UserError(
                f"'{path}' is no run folder: it has no operative.gin; give the folder that `ganzoo run` made"
            )
        return folder

    def checkpoint_path(self, step: int) -> Path:
        """Return the folder of the checkpoint after `step` generator updates."""
        return self.checkpoints_path / f"step-{step:08d}"

    def checkpoints(self) -> list[int]:
        """Return the steps that have a checkpoint, oldest first."""
        steps = [p.name.removeprefix("step-") for p in self.checkpoints_path.glob("step-*")]
        return sorted(int(step) for step in steps if step.isdigit())

    def environment(self) -> dict[str, Json]:
        """Return what `env.json` says."""
        return _read_object(self.environment_path)

    def result(self) -> dict[str, Json] | None:
        """Return the result of a run that ended, or None. Without an operative.gin it does not count."""
        there = self.operative_path.exists() and self.result_path.exists()
        return _read_object(self.result_path) if there else None

    def metrics(self) -> list[Row]:
        """Return the rows of `metrics.jsonl`."""
        return read_rows(self.metrics_path)

    def clear(self) -> None:
        """Remove the run in the folder, if there is one; only under `lock`, so that no other process uses it.

        The result is removed first and the operative configuration last. So what a kill leaves still belongs to the old
        run, does not look like a finished run, and is removed by the next call. Of a link, the target stays.
        """
        if self.operative_path.exists():
            order = {self.result_path: 0, self.environment_path: 2, self.operative_path: 3}
            for path in sorted(self.path.iterdir(), key=lambda path: order.get(path, 1)):
                if path.name != LOCK_NAME:
                    _remove(path)
        else:
            for path in (path for pattern in LEFTOVERS for path in self.path.glob(pattern)):
                _remove(path.parent if path.parent != self.path and path.parent.is_symlink() else path)

    def check_free(self) -> None:
        """Refuse a folder that is used for something else, so that a run does not mix its files with others.

        Raises:
            UserError: it has files that no run makes, and no run.
        """
        if self.operative_path.exists() or not self.path.is_dir():
            return
        others = sorted(p.name for p in self.path.iterdir() if not p.name.startswith(".") and p.name not in OWN_NAMES)
        if others:
            raise UserError(f"'{self.path}' contains '{others[0]}' and no run; give --out a folder of its own")

    def saved_text(self) -> str:
        """Return, for messages, what a resumed run would start from."""
        steps = self.checkpoints()
        return f"the checkpoint of step {steps[-1]} is kept" if steps else "there is no checkpoint yet"

    @contextlib.contextmanager
    def writing(self, *, saved: str | None = None) -> Iterator[None]:
        """Turn an OSError of the body, which only writes into the folder, into a message.

        Args:
            saved: what is kept, if not the newest checkpoint.

        Raises:
            RunInterruptedError: the folder cannot be written to.
        """
        try:
            yield
        except OSError as error:
            raise RunInterruptedError(
                f"cannot write to '{self.path}' ({error}); {saved or self.saved_text()}"
            ) from error

    @contextlib.contextmanager
    def interrupted_from_outside(self, *, saved: str | None = None) -> Iterator[None]:
        """Turn an error of the body that is not the run's fault into a message; `saved` as of `writing`.

        Raises:
            RunInterruptedError: a file (of a data set, a cache, a network) cannot be used, or memory is too small.
        """
        try:
            yield
        except BrokenPipeError:
            raise  # of standard output: its reader has closed it
        except OSError as error:
            raise RunInterruptedError(f"{os_error_text(error)}; {saved or self.saved_text()}") from error
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise RunInterruptedError(f"{out_of_memory_text(error)}; {saved or self.saved_text()}") from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Reserve the folder for this process.

        Raises:
            UserError: it cannot be created or written to, or another process trains in it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK_NAME).open("w")
        except OSError as error:
            raise UserError(
                f"cannot use '{self.path}' as a run folder ({error.strerror}); choose another --out"
            ) from error
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"another process is running in '{self.path}'; wait for it, or choose another --out"
                ) from None
            except OSError as error:
                raise UserError(
                    f"'{self.path}' cannot be locked ({error.strerror}): its file system has no locks; choose "
                    "another --out"
                ) from error
            yield


def _remove(path: Path) -> None:
    """Remove a file, a folder with all that is in it, or a link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader finds the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Mapping[str, Json]) -> None:
    """Write an object as readable JSON, atomically."""
    write_atomically(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def append_row(path: Path, row: Mapping[str, int | float]) -> None:
    """Append one row to a file of JSON lines."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file of JSON lines; a last line that a kill cut short does not count.

    Raises:
        UserError: another line is not a row, that is, an object of numbers that has a step.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return [_read_row(line, where=f"{path}:{number}") for number, line in enumerate(lines[:-1], start=1)]


def _read_row(line: str, *, where: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        wrong = "it is no object of JSON"
    elif type(row.get("step")) is not int:
        wrong = f"its step is {json.dumps(row.get('step'))}, and must be a whole number"
    else:
        words = [key for key, value in row.items() if type(value) not in (int, float)]
        if not words:
            return row
        wrong = f"'{words[0]}' is {json.dumps(row[words[0]])}, and must be a number"
    raise UserError(f"is no row of a run: {wrong}; mend the line, or remove it", where=where)


def write_rows(path: Path, rows: Iterable[Mapping[str, int | float]]) -> None:
    """Replace a file of JSON lines, atomically."""
    write_atomically(path, "".join(json.dumps(row) + "\n" for row in rows))


def drop_rows_after(path: Path, step: int) -> None:
    """Keep the rows up to and including a step; a resumed run writes the later ones again."""
    if path.exists():
        write_rows(path, [row for row in read_rows(path) if row["step"] <= step])


def _read_object(path: Path) -> dict[str, Json]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"'{path}' cannot be read ({error}); the run folder is damaged") from error
    if not isinstance(value, dict):
        raise UserError("holds no object of JSON; the run folder is damaged: bring the file back", where=str(path))
    for key, (kinds, what) in TYPES.items():
        if key in value and type(value[key]) not in kinds:
            raise UserError(
                f"'{key}' is {json.dumps(value[key])}, and must be {what}; the run folder is damaged: bring the file "
                "back",
                where=str(path),
            )
    return value
