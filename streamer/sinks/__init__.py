"""Where steps go.

A sink is anything with `write` and `close`. It is given immutable values and nothing
else, so it can neither disturb the pipeline nor be disturbed by it.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

from streamer.readings import About, Notice, Step, Vitals

Item: TypeAlias = About | Step | Notice | Vitals
"""What a sink is given: `About` once and first, then the others as they come."""


@runtime_checkable
class Sink(Protocol):
    """A reader of steps."""

    def write(self, item: Item) -> None:
        """Take one item. Must not wait: the stream stands still meanwhile."""

    def close(self) -> None:
        """The stream has ended. May be called twice."""
