"""Signals that end a fleet."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from streamer.stream.signals import handled_signals

_ENDINGS = (signal.SIGINT, signal.SIGTERM)
_LAUNCHING = threading.Event()


@contextmanager
def noted_signals(answer: str | None = None) -> Iterator[list[int]]:
    """The SIGINT and SIGTERM received so far; the second one ends the process at once.

    An exception during a call to the JVM would leave the connection out of step, and one during
    its launch would leave it running. So signals are noted, and the caller checks them between
    calls. Outside the main thread, which alone can handle signals, nothing is noted.

    Args:
        answer: line to print at the first signal, to show that it was received.
    """
    numbers: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        numbers.append(number)
        if len(numbers) > 1:
            sys.exit(128 + number)
        if answer is not None:
            # Written directly, because a stream may be in the middle of a write.
            os.write(2, f"{answer}\n".encode())

    with handled_signals(dict.fromkeys(_ENDINGS, note)):
        yield numbers


def _ignore_sigterm_if_launched() -> None:
    if _LAUNCHING.is_set():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ignore_sigterm_if_launched)


@contextmanager
def children_ignoring_sigterm() -> Iterator[None]:
    """Let processes launched in this context ignore SIGTERM.

    A service manager sends the signal to all processes, but the query must be stopped from here
    before the JVM ends. PySpark offers no other hook for its child than the one for all forks.
    """
    _LAUNCHING.set()
    try:
        yield
    finally:
        _LAUNCHING.clear()
