"""What a conformance check found: each breach with its place and its remedy."""

import contextlib
import inspect
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.component import Component, name_of


class ContractError(AssertionError):
    """A component breaks the contract of its kind; the message lists every breach."""


@dataclass(frozen=True)
class Finding:
    """One breach.

    Args:
        where: the part of the component, with `file:line` where that is known.
        what: what is wrong.
        remedy: how to mend it.
    """

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


class Findings:
    """The breaches of one component, gathered so that its author sees all of them at once.

    Args:
        component: what is checked.
    """

    def __init__(self, component: type[Component]) -> None:
        self.component = component
        self.name = name_of(component)
        self.path = inspect.getsourcefile(component) or component.__module__
        self.items: list[Finding] = []

    def add(self, where: str, what: str, remedy: str) -> None:
        """Record a breach, once."""
        finding = Finding(where, what, remedy)
        if finding not in self.items:
            self.items.append(finding)

    def expect(self, holds: bool, where: str, what: str, remedy: str) -> bool:
        """Record a breach unless the condition holds, and return whether it does."""
        if not holds:
            self.add(where, what, remedy)
        return holds

    @contextlib.contextmanager
    def guard(self, where: str) -> Iterator[None]:
        """Turn an exception in the body into a breach, and end the body there."""
        try:
            yield
        except Exception as error:
            self.add(
                f"{where} ({self._line_of(error)})",
                f"raises {type(error).__name__}: {error}",
                "it must work under the runtime arguments that its kind's base class describes",
            )

    def _line_of(self, error: BaseException) -> str:
        """Return the innermost line of the component's own file that an exception passed, else of any file."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename == self.path]
        frame = (own or frames)[-1]
        return f"{frame.filename}:{frame.lineno}"

    def raise_if_any(self) -> None:
        """Raise one error that lists all breaches.

        Raises:
            ContractError: there are some.
        """
        if self.items:
            count = f"{len(self.items)} place{'s' if len(self.items) > 1 else ''}"
            lines = "".join(f"\n  {i}. {item}" for i, item in enumerate(self.items, 1))
            raise ContractError(f"{self.name} ({self.path}) breaks its contract in {count}:{lines}")
