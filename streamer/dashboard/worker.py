"""A function in a thread of its own, and the exception that it ended with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Worker:
    """Runs a function in a daemon thread, which a program that ends does not wait for.

    Args:
        function: what to run.
    """

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for its end, for so many seconds at most."""
        self._thread.join(timeout_s)

    def raise_error(self) -> None:
        """Raise the exception that it ended with, if any."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        with self:
            self._function()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._error = error
        return True
