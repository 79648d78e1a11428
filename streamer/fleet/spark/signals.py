"""The signals that ask a fleet to end."""

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
def heard(answer: str | None = None) -> Iterator[list[int]]:
    """SIGINT and SIGTERM, noted as they come; the second ends us, wherever we are.

    An exception in the midst of a call to the JVM would leave the connection out of step, and
    one while it is launched would leave it behind. So whoever asks looks between the calls.
    Nothing is noted outside of the main thread, which alone has a say in signals.

    Args:
        answer: a line for a person to whom the first has not seemed to do anything.
    """
    numbers: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        numbers.append(number)
        if len(numbers) > 1:
            sys.exit(128 + number)
        if answer is not None:
            # Not by way of a stream, which may be in the midst of something.
            os.write(2, f"{answer}\n".encode())

    with handled_signals(dict.fromkeys(_ENDINGS, note)):
        yield numbers


def _ignore_sigterm_if_launched() -> None:
    if _LAUNCHING.is_set():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ignore_sigterm_if_launched)


@contextmanager
def deaf_children() -> Iterator[None]:
    """What is launched in here ignores SIGTERM, which a service manager sends to all of us.

    The query is stopped from here; a JVM that stops by itself leaves that to fail. PySpark
    leaves no other way to tell its child than the one for all that is forked.
    """
    _LAUNCHING.set()
    try:
        yield
    finally:
        _LAUNCHING.clear()
