"""Signals that end a stream in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from streamer.stream.pacing import Pacer

_ENDINGS: Mapping[signal.Signals, Callable[[int, FrameType | None], None] | signal.Handlers] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""The signals that end the stream, and what each does as a second one: it ends the program."""


@contextmanager
def stopping(pacer: Pacer, signals: list[signal.Signals]) -> Iterator[None]:
    """Let Ctrl-C and the end of a service stop the stream in good order.

    Args:
        pacer: told to stop by the first signal; a second one ends the program at once.
        signals: takes the signal.
    """

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        signals.append(signal.Signals(number))
        for ending, at_once in _ENDINGS.items():
            signal.signal(ending, at_once)
        # Not here: the stream may stand still in the middle of what stopping needs.
        threading.Thread(target=pacer.stop, daemon=True).start()

    before = {ending: signal.signal(ending, stop) for ending in _ENDINGS}
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
