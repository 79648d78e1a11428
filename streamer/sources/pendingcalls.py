"""Functions that a source calls in the thread that reads it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class PendingCalls:
    """Functions to be called by a loop in its next turn; after its end, by whoever adds them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Callable[[], None]] = []
        self._has_ended = False

    def __bool__(self) -> bool:
        """Whether one waits."""
        return bool(self._calls)

    def add(self, call: Callable[[], None]) -> None:
        """Add a function; from any thread."""
        with self._lock:
            if not self._has_ended:
                self._calls.append(call)
                return
        call()

    def run(self) -> None:
        """Call those that wait, each once."""
        with self._lock:
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    def end(self) -> None:
        """Call those that wait, and each further one at once."""
        with self._lock:
            self._has_ended = True
        self.run()
