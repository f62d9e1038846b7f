"""Arguments that several commands share, and how the files of `--out` are written."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ganzoo.errors import UserError

Recipe = Annotated[
    str,
    typer.Argument(metavar="RECIPE", help="Path of a gin file, or the name of a packaged recipe such as ssgan_resnet."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="BINDING", help="A gin binding that overrides the recipe's; may be repeated."),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="A Python file that registers components; may be repeated."),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
Step = Annotated[
    int | None, typer.Option("--step", metavar="N", help="Take the checkpoint of this step; default: the newest.")
]
Device = Annotated[str, typer.Option("--device", metavar="D", help="cpu, cuda, cuda:1, mps, ...")]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", help="CPU threads; sets num_threads.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Remove what is in the folder and start anew.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where data sets are sought first.",
        show_default=False,
        exists=True,
        file_okay=False,
    ),
]


def seeds_of(text: str) -> list[int]:
    """Return the seeds of `--seeds 0,1,2`.

    Raises:
        UserError: it is not a list of whole numbers from 0 on.
    """
    seeds = [seed.strip() for seed in text.split(",")]
    if not all(seed.isdecimal() for seed in seeds):
        raise UserError(f"--seeds takes whole numbers with commas between them, such as 0,1,2, not '{text}'")
    return [int(seed) for seed in seeds]


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError of the body, which writes a file, into a message.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write '{path}' ({error.strerror or error}); choose another --out") from error


def write_for_user(path: Path, content: str) -> None:
    """Write the file of an option `--out`, atomically.

    Raises:
        UserError: it cannot be written.
    """
    from ganzoo.runs.folder import write_atomically

    with writing(path):
        write_atomically(path, content)
