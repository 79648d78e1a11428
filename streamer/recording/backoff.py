"""Backoff of a recorder that cannot write."""

from __future__ import annotations

from collections.abc import Callable

_RETRY_S = 10.0


class WriteBackoff:
    """The reason that nothing can be written just now, and when to try again.

    Args:
        now: a clock in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._reason = ""
        self._retry_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._reason)

    @property
    def holds_back(self) -> bool:
        """Whether it is too early for another try."""
        return bool(self._reason) and self._now() < self._retry_at

    def begin(self, reason: str) -> bool:
        """Wait before the next try; whether the reason is a new one."""
        self._retry_at = self._now() + _RETRY_S
        is_new = reason != self._reason
        self._reason = reason
        return is_new

    def end(self) -> None:
        """Writing has succeeded."""
        self._reason = ""

    def retry_at_once(self) -> None:
        """Wait no longer."""
        self._retry_at = self._now()
