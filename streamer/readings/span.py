"""Span of time with optional bounds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streamer.errors import UsageError


@dataclass(frozen=True, slots=True)
class Span:
    """Span of time; a naive bound is in the feed's own local time.

    Attributes:
        start: first time inside; None if unbounded.
        end: first time after the span; None if unbounded.
    """

    start: datetime | None = None
    end: datetime | None = None

    def check(self, start_name: str = "--start", end_name: str = "--end") -> None:
        """Check that the span can hold something.

        Args:
            start_name: the option that gives the start, for errors.
            end_name: the option that gives the end.

        Raises:
            UsageError: the end is not after the start, or only one has a zone.
        """
        if self.start is None or self.end is None:
            return
        if (self.start.tzinfo is None) != (self.end.tzinfo is None):
            raise UsageError(
                f"{start_name} and {end_name} must both have a zone offset, or neither"
            )
        if self.start >= self.end:
            raise UsageError(f"{start_name} {self.start} must be before {end_name} {self.end}")

    @property
    def has_zone(self) -> bool:
        """True if a bound has a zone offset."""
        return any(bound is not None and bound.tzinfo for bound in (self.start, self.end))

    def starts_after(self, at: datetime) -> bool:
        """True if a time is before the start."""
        return self.start is not None and _like(self.start, at) < self.start

    def ends_by(self, at: datetime) -> bool:
        """True if a time is at the end or later."""
        return self.end is not None and _like(self.end, at) >= self.end

    def share_done(self, first: datetime, at: datetime) -> float:
        """Share of the time from `first` to the end that has passed at `at`; 0 without an end.

        Both times are before the end.
        """
        if self.end is None:
            return 0.0
        return (at - first) / (self.end - _like(self.end, first))


def _like(bound: datetime, at: datetime) -> datetime:
    if bound.tzinfo is None:
        return at.replace(tzinfo=None)
    if at.tzinfo is None:
        raise UsageError(f"the times in the file have no zone; give {bound} without an offset")
    return at
