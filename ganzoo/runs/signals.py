"""Stopping a run by a signal without losing a step."""

import contextlib
import signal
from collections.abc import Iterator


class StopRequest:
    """The signal that asked to save and stop, or None."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None


@contextlib.contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGINT in the body into a request to stop after the current step; a second one stops at once."""
    stop = StopRequest()
    previous = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def request(number: int, _frame: object) -> None:
        stop.signal = signal.Signals(number)
        for one, handler in previous.items():
            signal.signal(one, handler)

    for number in previous:
        signal.signal(number, request)
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
