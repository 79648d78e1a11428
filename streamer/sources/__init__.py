"""Where readings come from.

A source is anything with `read` and `close`; what it is made of is its own business.
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
        """The source as a person would name it, free of secrets."""

    def read(self) -> Sequence[Reading | Notice]:
        """What has come since the last call, in order of time.

        Waits until there is something. How much comes at once is the source's choice: a
        file gives some thousands of readings, a meter gives one.

        Returns:
            At least one item, or an empty sequence when the stream is at its end.

        Raises:
            SourceError: the stream cannot go on.
        """

    def close(self) -> None:
        """Let go of whatever the source holds. May be called twice."""


@runtime_checkable
class Recording(Source, Protocol):
    """A source that may know its end."""

    @property
    def progress(self) -> float | None:
        """Share of it that has been read, 0 to 1 and never less than before; None if unknown."""
