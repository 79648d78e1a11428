"""Signals that end a stream: the first one in good order, a second one at once.

The signals are SIGINT, SIGTERM, SIGHUP and SIGQUIT, for every command that runs a stream. The
exit code is 128 and the number of the signal.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import TypeAlias

from streamer.stream.pacing import Pacer

Handler: TypeAlias = Callable[[int, FrameType | None], object]

_HANGUP = "SIGHUP"

ENDINGS: tuple[signal.Signals, ...] = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", _HANGUP, "SIGQUIT")
    if hasattr(signal, name)  # Windows lacks some of them
)
"""Signals that end a stream."""


class _InterruptedReadError(BaseException):
    """A signal arrived while a source was being read."""


class Ending:
    """End of a stream by a signal; made by `stopping`.

    Used as a context, it marks a call that may block for ever, such as a read from a pipe: the
    first signal then leaves the stream at that point. The context of `stopping` ends normally.

    Attributes:
        number: the first signal; None while there is none.
    """

    def __init__(self, pacer: Pacer) -> None:
        self.number: signal.Signals | None = None
        self._pacer = pacer
        self._is_reading = False

    @property
    def exit_code(self) -> int:
        """128 and the number of the signal, or 0."""
        return 0 if self.number is None else 128 + self.number

    def __enter__(self) -> None:
        self._is_reading = True
        if self.number is not None:
            raise _InterruptedReadError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_reading = False

    def on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stop the stream: the handler of the first signal."""
        self.number = signal.Signals(number)
        end_at_next()
        # In a thread, since the stream may hold the lock that stopping needs.
        threading.Thread(target=self._pacer.stop, daemon=True).start()
        if self._is_reading:
            raise _InterruptedReadError


@contextmanager
def stopping(pacer: Pacer) -> Iterator[Ending]:
    """Stop the stream in good order at the first signal; a second one ends the program at once.

    Everything that belongs to a good order, such as the summary, should be within the context.

    Args:
        pacer: stopped by the first signal.
    """
    ending = Ending(pacer)
    with (
        suppress(_InterruptedReadError),
        handled_signals(dict.fromkeys(ENDINGS, ending.on_signal)),
    ):
        yield ending


def end_at_next(handler: Handler | signal.Handlers = signal.SIG_DFL) -> None:
    """Let the next signal end the program at once.

    Except for SIGHUP: a terminal that closes sends it, and so does the shell in it.

    Args:
        handler: handler of the next signal; by default that of the system.
    """
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN if number.name == _HANGUP else handler)


class SecondSignal(KeyboardInterrupt):
    """A second signal, while the terminal has to be restored.

    Args:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.number = signal.Signals(number)

    def end(self) -> None:
        """End the program by the signal; nothing more is written, since that may block."""
        signal.signal(self.number, signal.SIG_DFL)
        signal.raise_signal(self.number)


def leave_at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Raise `SecondSignal`: a handler for `end_at_next`. The signal after it is final."""
    end_at_next()
    raise SecondSignal(number)


@contextmanager
def handled_signals(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """Have signals handled, and put the handlers back that there were before.

    Outside of the main thread, which alone may handle signals, nothing is changed. SIGHUP is
    left ignored where it is, as it is for a program that was started by nohup.

    Args:
        handlers: the handler of each signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        if number.name != _HANGUP or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
