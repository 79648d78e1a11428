"""Sinks: consumers of the steps of a stream.

A sink is anything with `write` and `close`. It receives immutable values only, so it cannot
affect the pipeline, nor be affected by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from streamer.readings import Link, Notice, Sample, Step
from streamer.sinks.items import About, Vitals

if TYPE_CHECKING:
    from streamer.readings.blocks import BlockResult

Item: TypeAlias = About | Step | Notice | Vitals | Link | Sample
"""Values given to a sink: `About` once and first, then the others in order.

`Link` and `Sample` come from live meters only. A sink ignores the kinds it has no use for.
"""


@runtime_checkable
class Sink(Protocol):
    """A consumer of steps."""

    def write(self, item: Item) -> None:
        """Take one item. Must not block: the stream waits for it."""

    def close(self) -> None:
        """Finish after the end of the stream. May be called more than once."""


@runtime_checkable
class BlockSink(Sink, Protocol):
    """A sink that does not need a step for each reading.

    If all sinks of a stream are block sinks and the source reads in blocks, they are given
    `BlockResult` values instead of steps, which is faster.
    """

    def write_block(self, result: BlockResult) -> None:
        """Take the result of a block of readings. Must not block."""
