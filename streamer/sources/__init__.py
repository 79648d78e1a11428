"""Interfaces of sources: streams of readings, from files or from meters.

A source is any object with a `name`, `read` and `close`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from streamer.readings import Notice, Reading


@runtime_checkable
class Source(Protocol):
    """A stream of readings."""

    @property
    def name(self) -> str:
        """Name of the source for display, without secrets."""

    def read(self) -> Sequence[Reading | Notice]:
        """Return the items since the last call, in order of time.

        Waits until there is at least one. The number of items is up to the source: a file
        returns thousands of readings at once, a meter one.

        Returns:
            At least one item, or an empty sequence at the end of the stream.

        Raises:
            SourceError: the stream cannot be continued.
        """

    def close(self) -> None:
        """Release all resources. May be called repeatedly."""


@runtime_checkable
class Recording(Source, Protocol):
    """A source that may know its length."""

    @property
    def progress(self) -> float | None:
        """Share that has been read, 0 to 1, never decreasing; None if unknown."""


@runtime_checkable
class Gathering(Source, Protocol):
    """A source that gathers notices, to report them together later."""

    def gathered(self) -> Sequence[Notice]:
        """Return the notices that no `read` has returned, once no other read follows."""
