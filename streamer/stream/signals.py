"""Signal handlers, and signals that stop a stream cleanly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias

from streamer.stream.pacing import Pacer

Handler: TypeAlias = Callable[[int, FrameType | None], object]

_ENDINGS: Mapping[signal.Signals, Handler | signal.Handlers] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""Signals that stop the stream, and the action of each as a second one: ending the program."""


@contextmanager
def stopping(pacer: Pacer, signals: list[signal.Signals]) -> Iterator[None]:
    """Stop the stream cleanly on Ctrl-C and on the end of a service.

    Args:
        pacer: stopped by the first signal; a second one ends the program at once.
        signals: output: the signal received is appended.
    """

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        signals.append(signal.Signals(number))
        for ending, at_once in _ENDINGS.items():
            signal.signal(ending, at_once)
        # In a thread, since the stream may hold the lock that stopping needs.
        threading.Thread(target=pacer.stop, daemon=True).start()

    with handled_signals(dict.fromkeys(_ENDINGS, stop)):
        yield


@contextmanager
def handled_signals(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """Have signals handled, and put the handlers back that there were before.

    Outside of the main thread, which alone may handle signals, nothing is changed.

    Args:
        handlers: the handler of each signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
