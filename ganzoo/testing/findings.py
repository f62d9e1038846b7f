"""What a conformance check found: each breach with its place and its remedy."""

import contextlib
import inspect
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

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

    def expect_scalar(self, value: Tensor, where: str) -> bool:
        """Record a breach unless a tensor is a scalar."""
        return self.expect(value.shape == (), where, f"its shape is {tuple(value.shape)}", "return a scalar")

    def expect_report(self, name: str, value: Tensor, where: str) -> None:
        """Record a breach unless what a component reports is a detached scalar."""
        is_number = value.shape == () and not value.requires_grad
        self.expect(is_number, where, f"'{name}' is no detached scalar", "call .detach() and take a mean")

    def expect_kept(self, tensor: Tensor, original: Tensor, where: str, what: str) -> None:
        """Record a breach unless a tensor that a component was given equals the copy made before."""
        self.expect(torch.equal(tensor, original), where, f"it changes {what}", "work on a new tensor")

    def expect_resumed(self, holds: bool, *, remedy: str = "keep what changes in buffers") -> None:
        """Record a breach unless a component goes on from a state that was saved and loaded as it would have."""
        self.expect(holds, "state", "loaded from its state_dict, it goes on differently", remedy)

    def expect_batch_statistics(self, first: Tensor, second: Tensor, declared: bool, where: str) -> None:
        """Record a breach unless an image's output depends on the others of its batch exactly if it is declared.

        Args:
            first: its output.
            second: its output, when the others of its batch are other ones.
            declared: `uses_batch_statistics`.
            where: the part of the component.
        """
        depends = not torch.allclose(first, second, rtol=1e-3, atol=1e-5)
        self.expect(
            depends == declared,
            where,
            f"uses_batch_statistics is {declared}, but an image's output "
            + ("depends on its batch" if depends else "does not depend on its batch"),
            f"set uses_batch_statistics = {depends}",
        )

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
