"""What a folder that was begun fixes for those that go on in it: the configuration, and the number of threads."""

from collections.abc import Callable
from typing import ClassVar, Protocol, Self, TypeVar

import torch

from ganzoo.config.operative import parse_operative
from ganzoo.errors import UserError
from ganzoo.runs.folder import RunFolder


class HasThreads(Protocol):
    """The root of a recipe that says how many CPU threads it takes."""

    root_name: ClassVar[str]

    @property
    def num_threads(self) -> int | None:
        """CPU threads; None leaves the choice to torch."""


class Settleable(Protocol):
    """A configuration that a folder can be of."""

    @property
    def experiment(self) -> HasThreads:
        """What it describes."""

    def difference(self, earlier: str) -> list[str]:
        """Return how an operative text differs from this one, a line each."""

    def with_num_threads(self, num_threads: int) -> Self:
        """Return the configuration with the number of threads that a run settled on."""


S = TypeVar("S", bound=Settleable)


def settle(
    folder: RunFolder,
    configuration: S,
    *,
    what: str,
    fresh: bool = False,
    say: Callable[[str], None],
) -> S:
    """Fix the number of threads, and return the configuration as the folder has it or is to have it.

    A folder goes on with another number of threads if that is asked for, which is said; else with the one that it
    began with.

    Args:
        folder: of the run, locked.
        configuration: what is to be run in it.
        what: is done in the folder, for messages: "run", "study".
        fresh: whether what is in the folder is to be removed, and fixes nothing.
        say: receives a sentence about another number of threads.

    Raises:
        UserError: the folder holds another configuration.
    """
    asked = configuration.experiment.num_threads
    if fresh or not folder.operative_path.exists():
        torch.set_num_threads(asked or torch.get_num_threads())
        return configuration.with_num_threads(torch.get_num_threads())

    text = folder.operative_path.read_text(encoding="utf-8")
    recorded = parse_operative(text).get(f"{configuration.experiment.root_name}.num_threads", "")
    began_with = int(recorded) if recorded.isdigit() else asked or torch.get_num_threads()
    settled = configuration.with_num_threads(began_with)
    difference = settled.difference(text)
    if difference:
        raise UserError(
            f"'{folder.path}' holds a {what} of another configuration; choose another --out, or start over with "
            "--fresh. It differs in:\n  " + "\n  ".join(difference)
        )
    torch.set_num_threads(asked or began_with)
    if asked is not None and asked != began_with:
        say(f"this {what} began with {began_with} threads and goes on with {asked}: its last bits may differ")
    return settled
