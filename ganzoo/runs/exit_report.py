"""How a process tells the program that started it why it ended: by a small JSON file, so that no output is parsed."""

import contextlib
import os
from pathlib import Path
from typing import TypedDict

from ganzoo.runs.folder import write_json
from ganzoo.runs.json_files import read_json

EXIT_REPORT = "GANZOO_EXIT_REPORT"
"""The environment variable in which a program names the file for the report of a process that it starts."""


class ExitReport(TypedDict):
    """The exit code of a process that did not do what it was asked for, and the sentence that says why."""

    exit_code: int
    message: str


def write_exit_report(exit_code: int, message: str) -> None:
    """Write the report of this process, if the program that started it asked for one."""
    # If the disk is full, the exit code must do.
    with contextlib.suppress(OSError):
        if path := os.environ.get(EXIT_REPORT):
            write_json(Path(path), {"exit_code": exit_code, "message": message})


def read_exit_report(path: Path) -> ExitReport | None:
    """Return the report of a process; None if it did its work, or was killed before it could write one."""
    return read_json(path, ExitReport, what="report of a process", remedy="remove it") if path.exists() else None
