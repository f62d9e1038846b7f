"""The command `ganzoo`: arguments in, exit codes out.

0: done. 1: failed. 2: the user's mistake, as one sentence on standard error. 3: ended from outside, by a signal or a
full disk, and the same command goes on. torch is imported only inside the commands that need it, so that help and
listings appear at once.
"""

import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from ganzoo.commands import (
    bench,
    components,
    evaluation,
    forgetting,
    machine,
    new,
    probe,
    report,
    results,
    table,
    training,
)
from ganzoo.commands.terminal import complain, say
from ganzoo.errors import (
    RunFailedError,
    RunInterruptedError,
    UserError,
    is_out_of_memory,
    nearest,
    os_error_text,
    out_of_memory_text,
)
from ganzoo.runs.exit_report import write_exit_report
from ganzoo.version import __version__

# What typer raises for a wrong command line; its classes have moved between modules, so they are reached from here.
USAGE_ERRORS = tuple(c for c in typer.BadParameter.__mro__[:2] if issubclass(c, Exception))

DONE, FAILED, MISTAKE, INTERRUPTED = 0, 1, 2, 3
CTRL_C = 130  # what typer makes of Ctrl-C

app = typer.Typer(
    name="ganzoo",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help without boxes, the same on a terminal and in a pipe
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
COMMANDS: dict[str, Callable[..., None]] = {
    "run": training.run,
    "check": training.check,
    "list": components.list_components,
    "describe": components.describe,
    "new": new.new,
    "sample": results.sample,
    "eval": evaluation.evaluate_run,
    "probe": probe.probe,
    "forgetting": forgetting.forgetting,
    "diff": results.diff,
    "bench": bench.bench,
    "table": table.table,
    "report": report.report,
    "doctor": machine.doctor,
}


def help_text(command: Callable[..., None]) -> str:
    """Return a command's docstring with its examples kept line by line."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(f"\b\n{p}" if p.startswith("Example") else p for p in paragraphs)


for _name, _command in COMMANDS.items():
    app.command(_name, help=help_text(_command))(_command)


def _show_version(asked: bool) -> None:
    if asked:
        say(f"ganzoo {__version__}")
        raise typer.Exit


def ganzoo(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A zoo of GANs whose parts are interchangeable and bound together by gin files.

    Examples:
      ganzoo run quickstart              train a small SSGAN on digits, in minutes
      ganzoo list recipes                what else can be run
      ganzoo check ssgan_resnet          try a recipe out without data
      ganzoo describe pretext.rotation   what a component does, and its parameters
    """


app.callback(help=help_text(ganzoo))(ganzoo)


def call(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    arguments = list(arguments) or ["--help"]
    first = arguments[0]
    if not first.startswith("-") and first not in COMMANDS:
        return _end(MISTAKE, f"no command '{first}'{nearest(first, COMMANDS) or '; `ganzoo --help` lists them'}")
    try:
        code = app(arguments, prog_name="ganzoo", standalone_mode=False)
    except UserError as error:
        return _end(MISTAKE, str(error))
    except USAGE_ERRORS as error:
        return _end(MISTAKE, _usage_message(error, first))
    except RunInterruptedError as error:
        return _end(INTERRUPTED, str(error))
    except RunFailedError as error:
        return _end(FAILED, str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = CTRL_C
    except BrokenPipeError:
        # The reader of a pipe has seen enough; nothing can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except OSError as error:
        return _end(INTERRUPTED, os_error_text(error))
    except Exception as error:
        if isinstance(error, RuntimeError) and is_out_of_memory(error):
            return _end(INTERRUPTED, out_of_memory_text(error))
        notes = " ".join(getattr(error, "__notes__", []))
        _end(FAILED, f"sorry, an unexpected error: a bug in ganzoo or in a component. {notes}".rstrip())
        traceback.print_exc()
        return FAILED
    if code == CTRL_C:
        return _end(
            INTERRUPTED, "interrupted; a run goes on from its newest checkpoint when the same command is given again"
        )
    return code if isinstance(code, int) else DONE


def _end(exit_code: int, message: str) -> int:
    """Say why the command ended, also to the program that started this process, and return the exit code."""
    complain(message)
    write_exit_report(exit_code, message)
    return exit_code


def _usage_message(error: Exception, command: str) -> str:
    """Return a usage error as one sentence."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    sentence = " ".join(message.split()).rstrip(".").replace(": Input should be greater", ": it must be greater")
    shown = f"ganzoo {command} --help" if command in COMMANDS else "ganzoo --help"
    return f"{sentence[:1].lower()}{sentence[1:]}; see `{shown}`"


def main() -> None:
    """Run the command line of this process."""
    sys.exit(call(sys.argv[1:]))
