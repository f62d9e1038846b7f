"""The messages and the progress of a run; the trainer itself prints nothing."""

from collections.abc import Mapping
from typing import Protocol


class Monitor(Protocol):
    """Receives a run's messages and progress."""

    def say(self, text: str) -> None:
        """Show one sentence."""

    def start(self, step: int, num_steps: int) -> None:
        """Begin to show progress, at `step` of `num_steps` generator updates."""

    def progress(self, step: int, values: Mapping[str, float]) -> None:
        """Show the generator updates done and the latest values (`d/loss`, ...), until the next call."""

    def close(self) -> None:
        """Stop showing progress."""


class Silent:
    """A monitor that shows nothing and keeps all sentences."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        """Keep one sentence."""
        self.said.append(text)

    def start(self, step: int, num_steps: int) -> None:
        """Show nothing."""

    def progress(self, step: int, values: Mapping[str, float]) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""
