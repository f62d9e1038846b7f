"""What a run tells whoever watches it; the trainer prints nothing itself."""

from collections.abc import Mapping
from typing import Protocol


class Monitor(Protocol):
    """Receives a run's messages and progress."""

    def say(self, text: str) -> None:
        """Show one sentence."""

    def start(self, step: int, num_steps: int) -> None:
        """Begin to show progress from `step` generator updates on."""

    def progress(self, step: int, values: Mapping[str, float]) -> None:
        """Show the generator updates done and the latest row of values (`d/loss`, ...); it stays until the next."""

    def close(self) -> None:
        """Stop showing progress."""


class Silent:
    """A monitor that shows nothing and keeps what was said."""

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
