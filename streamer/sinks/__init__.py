"""Where steps go.

A sink is anything with `write` and `close`. It is given immutable values and nothing
else, so it can neither disturb the pipeline nor be disturbed by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from streamer.readings import Link, Notice, Sample, Step
from streamer.sinks.items import About, Vitals

if TYPE_CHECKING:
    from streamer.readings.blocks import BlockResult

Item: TypeAlias = About | Step | Notice | Vitals | Link | Sample
"""What a sink is given: `About` once and first, then the others as they come.

`Link` and `Sample` come from a live meter alone. A sink leaves out what it has no use for.
"""


@runtime_checkable
class Sink(Protocol):
    """A reader of steps."""

    def write(self, item: Item) -> None:
        """Take one item. Must not wait: the stream stands still meanwhile."""

    def close(self) -> None:
        """The stream has ended. May be called twice."""


@runtime_checkable
class BlockSink(Sink, Protocol):
    """A sink that can do without a step for each reading.

    Where all sinks of a stream can, and the source has blocks to give, they are given
    `BlockResult` values in place of steps: that is faster.
    """

    def write_block(self, passage: BlockResult) -> None:
        """Take what came of a block. Must not wait either."""
