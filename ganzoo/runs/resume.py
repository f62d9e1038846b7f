"""The settings a run folder keeps when a run is resumed: the configuration and the number of threads."""

from collections.abc import Callable
from typing import ClassVar, Protocol, Self, TypeVar

import torch

from ganzoo.config.operative import parse_operative
from ganzoo.errors import UserError
from ganzoo.runs.folder import RunFolder


class HasThreads(Protocol):
    """A recipe that sets the number of CPU threads."""

    root_name: ClassVar[str]

    @property
    def num_threads(self) -> int | None:
        """CPU threads; None leaves the choice to torch."""


class Resumable(Protocol):
    """The configuration of a run folder, of `ganzoo run` or `ganzoo forgetting`."""

    @property
    def experiment(self) -> HasThreads:
        """The filled-in recipe."""

    def difference(self, earlier: str) -> list[str]:
        """Return how an operative text differs from this one, a line each."""

    def with_num_threads(self, num_threads: int) -> Self:
        """Return the configuration with another number of threads."""


C = TypeVar("C", bound=Resumable)


def resume_configuration(
    folder: RunFolder, configuration: C, *, what: str, fresh: bool = False, say: Callable[[str], None]
) -> C:
    """Set the number of threads, and return the configuration as it stands, or will stand, in the folder.

    A resumed run uses the number of threads that is asked for, and says so if it is a new one; by default it uses the
    number that it began with. The folder keeps the number that it began with.

    Args:
        folder: of the run, locked.
        configuration: what to run in it.
        what: what the folder holds, for messages: "run", "study".
        fresh: whether the folder will be cleared; then its settings do not matter.
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
    resumed = configuration.with_num_threads(began_with)
    difference = resumed.difference(text)
    if difference:
        raise UserError(
            f"'{folder.path}' holds a {what} of another configuration; choose another --out, or start over with "
            "--fresh. It differs in:\n  " + "\n  ".join(difference)
        )
    torch.set_num_threads(asked or began_with)
    if asked is not None and asked != began_with:
        say(f"this {what} began with {began_with} threads and goes on with {asked}: the last bits may differ")
    return resumed
