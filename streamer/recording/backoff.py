"""Backoff of a recorder after a write error."""

from __future__ import annotations

from collections.abc import Callable

_RETRY_S = 10.0


class RetryBackoff:
    """The current reason why nothing can be written, and the time of the next attempt.

    Args:
        now: a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._reason = ""
        self._retry_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._reason)

    @property
    def is_waiting(self) -> bool:
        """Whether it is too early for another attempt."""
        return bool(self._reason) and self._now() < self._retry_at

    def begin(self, reason: str) -> bool:
        """Start the wait before the next attempt; returns whether the reason is new."""
        self._retry_at = self._now() + _RETRY_S
        is_new = reason != self._reason
        self._reason = reason
        return is_new

    def end(self) -> None:
        """End the wait for good, after a successful write."""
        self._reason = ""

    def retry_at_once(self) -> None:
        """Allow an attempt at once."""
        self._retry_at = self._now()
