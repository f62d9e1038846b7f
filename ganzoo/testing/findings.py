"""What a conformance check found: each breach with its place and its remedy."""

import contextlib
import inspect
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from ganzoo.component import Component, name_of
from ganzoo.testing.tools import BFLOAT16, BFLOAT16_REMEDY


class ContractError(AssertionError):
    """A component breaks the contract of its kind; the message lists every breach."""


class Findings:
    """The breaches of one component, gathered so that its author sees all of them at once.

    Args:
        component: what is checked.
        where: the part of the component that is checked; `at` and `guard` give another.
        items: the breaches found so far, each as one sentence: where it is, what is wrong, and how to mend it.
    """

    def __init__(self, component: type[Component], where: str = "", items: list[str] | None = None) -> None:
        self.component, self.where = component, where
        self.name = name_of(component)
        self.path = inspect.getsourcefile(component) or component.__module__
        self.items: list[str] = [] if items is None else items

    def at(self, where: str) -> "Findings":
        """Return the same findings, for breaches of another part of the component."""
        return Findings(self.component, where, self.items)

    def add(self, what: str, remedy: str) -> None:
        """Record a breach, once: what is wrong, and how to mend it."""
        item = f"{self.where}: {what}; {remedy}"
        if item not in self.items:
            self.items.append(item)

    def expect(self, holds: bool, what: str, remedy: str) -> bool:
        """Record a breach unless the condition holds, and return whether it does."""
        if not holds:
            self.add(what, remedy)
        return holds

    def expect_scalar(self, value: Tensor) -> bool:
        """Record a breach unless a tensor is a scalar."""
        return self.expect(value.shape == (), f"its shape is {tuple(value.shape)}", "return a scalar")

    def expect_shape(self, tensor: Tensor, shape: Sequence[int], what: str, remedy: str) -> bool:
        """Record a breach unless a tensor has a shape; `what` is how the sentence begins, such as "its logits are"."""
        found, wanted = tuple(tensor.shape), tuple(shape)
        return self.expect(found == wanted, f"{what} {found}, not {wanted}", remedy)

    def expect_repeated(self, first: Tensor, second: Tensor, *, what: str = "it", remedy: str) -> None:
        """Record a breach unless a tensor that was computed twice, under equal generators, is the same."""
        is_same = torch.equal(first, second)
        self.expect(is_same, f"{what} does not repeat under an equal generator", remedy)

    def expect_report(self, name: str, value: Tensor) -> None:
        """Record a breach unless what a component reports is a detached scalar."""
        is_number = value.shape == () and not value.requires_grad
        self.expect(is_number, f"'{name}' is no detached scalar", "call .detach() and take a mean")

    def expect_kept(self, tensor: Tensor, original: Tensor, what: str) -> None:
        """Record a breach unless a tensor that a component was given equals the copy made before."""
        self.expect(torch.equal(tensor, original), f"it changes {what}", "work on a new tensor")

    def expect_resumed(self, holds: bool, *, remedy: str = "keep what changes in buffers") -> None:
        """Record a breach unless a component goes on from a state that was saved and loaded as it would have."""
        self.at("state").expect(holds, "loaded from its state_dict, it goes on differently", remedy)

    def expect_batch_statistics(self, first: Tensor, second: Tensor, declared: bool, *, rtol: float = 1e-3) -> None:
        """Record a breach unless an image's output depends on the others of its batch exactly if it is declared.

        Args:
            first: its output.
            second: its output, when the others of its batch are other ones.
            declared: `uses_batch_statistics`.
            rtol: relative difference of rounding, larger for a whole network than for one layer.
        """
        depends = not torch.allclose(first, second, rtol=rtol, atol=1e-5)
        self.expect(
            depends == declared,
            f"uses_batch_statistics is {declared}, but an image's output "
            + ("depends on its batch" if depends else "does not depend on its batch"),
            f"set uses_batch_statistics = {depends}",
        )

    def expect_finite(self, values: Mapping[str, Tensor]) -> None:
        """Record a breach for every tensor that holds NaN or infinity."""
        remedy = BFLOAT16_REMEDY if self.where == BFLOAT16 else "avoid the operation that overflows"
        for name, value in values.items():
            self.expect(bool(torch.isfinite(value).all()), f"{name} is not finite", remedy)

    def expect_all_trained(self, module: nn.Module) -> None:
        """Record a breach for every trainable parameter that has no finite gradient."""
        remedy = "use it, remove it, or set requires_grad_(False)"
        for name, parameter in module.named_parameters():
            if parameter.grad is not None:
                self.expect_finite({f"the gradient of '{name}'": parameter.grad})
            self.expect(
                parameter.grad is not None or not parameter.requires_grad,
                f"parameter '{name}' gets no gradient",
                remedy,
            )

    def expect_untouched(self, parameters: Iterable[nn.Parameter], whose: str) -> None:
        """Record a breach if any of these parameters got a gradient."""
        self.expect(
            all(p.grad is None for p in parameters),
            f"{whose} got a gradient",
            "let the step decide whose turn it is: use the images, outputs and heads it hands over, no copies of them",
        )

    @contextlib.contextmanager
    def no_global_rng(self) -> Iterator[None]:
        """Record a breach if the body draws from torch's global generator."""
        with torch.random.fork_rng(devices=[]):
            before = torch.get_rng_state()
            yield
            self.expect(
                torch.equal(before, torch.get_rng_state()),
                "it draws from torch's global random generator",
                "draw from the generator it is given, `generator=rng`, or make the result deterministic",
            )

    @contextlib.contextmanager
    def guard(self, where: str) -> Iterator["Findings"]:
        """Turn an exception in the body, which checks one part, into a breach of that part; yield its findings."""
        try:
            yield self.at(where)
        except Exception as error:
            self.at(f"{where} ({self._line_of(error)})").add(
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
