"""Standard input and growing files, one record a line (see `streamer.feeds.lines.records`).

Both need a POSIX system: elsewhere `select` does not work on pipes, and a file cannot be
renamed while it is open.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from streamer.errors import SourceError, UsageError
from streamer.feeds import FeedItem, FeedKind, Pace
from streamer.feeds.address import Address
from streamer.feeds.lines.reader import SampleReader
from streamer.feeds.lines.records import RECORD_OPTIONS
from streamer.feeds.lines.sides import SIDE_OPTIONS, Records
from streamer.feeds.lines.tail import TailFeed
from streamer.feeds.pace import pace_of
from streamer.feeds.values import channel_paces
from streamer.readings import Link

_CHUNK_BYTES = 1 << 16
_CLOSE_S = 2.0
_ANY_PACE = Pace()


class PipeFeed:
    """Lines from a pipe, until its other end is closed.

    Args:
        name: the feed's name, for display.
        descriptor: the pipe; it is left open.
        records: format of the records.
        pace: how often it sends.
        channels: channels beside the grid power, each with its pace.
    """

    def __init__(
        self,
        name: str,
        descriptor: int,
        records: Records,
        pace: Pace = _ANY_PACE,
        channels: Mapping[str, Pace] | None = None,
    ) -> None:
        self.pace = pace
        self.channels = channels or {}
        self._name = name
        self._descriptor = descriptor
        self._lines = SampleReader(name, records)
        self._begun = False
        self._ended = False
        self._reading = threading.Lock()
        self._waking = threading.Lock()
        self._wake: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The feed's name."""
        return self._name

    def read(self) -> Sequence[FeedItem]:
        """Wait for lines; returns their samples, notices and connection events.

        Raises:
            SourceError: the pipe cannot be read.
        """
        with self._reading:
            if not self._begun and not self._ended:
                self._begun = True
                return [Link(Link.UP, "pipe")]
            while not self._ended:
                try:
                    data = self._next()
                except OSError as error:
                    self._ended = True
                    raise SourceError(f"{self._name} cannot be read: {error.strerror}") from None
                if data is None:
                    break
                if not data:
                    self._ended = True
                items = self._lines.feed(data) if data else self._lines.end()
                if items:
                    return items
            return []

    def close(self) -> None:
        """End the feed, also from another thread."""
        self._ended = True
        with self._waking:
            if self._wake is not None:
                os.write(self._wake[1], b"\n")
        # Times out if another reader of the pipe has taken the bytes that `select` announced.
        if self._reading.acquire(timeout=_CLOSE_S):
            with self._waking:
                ends, self._wake = self._wake or (), None
            for end in ends:
                os.close(end)
            self._reading.release()

    def _next(self) -> bytes | None:
        """Wait for bytes; returns b"" at the end, None once closed."""
        with self._waking:
            if self._wake is None:
                self._wake = os.pipe()
            wake = self._wake[0]
        while not self._ended:
            ready, _, _ = select.select([self._descriptor, wake], [], [])
            if wake not in ready:
                with contextlib.suppress(BlockingIOError):
                    return os.read(self._descriptor, _CHUNK_BYTES)
        return None


def _open_stdin(address: Address) -> PipeFeed:
    if address.host or address.path:
        raise UsageError(
            f"{address.shown}: standard input has no host or path; write stdin:?unit=W"
        )
    if sys.__stdin__ is None:
        raise UsageError("standard input is closed; nothing can be read from it")
    records, pace = Records.of(address), pace_of(address)
    channels = channel_paces(address, records.channels, pace)
    return PipeFeed("stdin", 0, records, pace, channels)


def _open_tail(address: Address) -> TailFeed:
    if address.host or not address.path:
        raise UsageError(
            f"{address.shown}: no file is given; write it like tail:house.log or "
            "tail:///var/log/meter.log"
        )
    try:
        path = Path(address.path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{address.shown}: {error}") from None
    if "\0" in address.path:
        raise UsageError(f"{address.shown}: a file name cannot contain a null character")
    records, pace = Records.of(address), pace_of(address)
    return TailFeed(
        address.shown,
        path,
        records,
        from_start=address.choice("from", ("start", "end"), "end") == "start",
        pace=pace,
        channels=channel_paces(address, records.channels, pace),
    )


STDIN = FeedKind(
    about="lines on standard input: numbers, JSON or line protocol",
    example="stdin:?unit=W",
    open=_open_stdin,
    options={**RECORD_OPTIONS, **SIDE_OPTIONS},
)

TAIL = FeedKind(
    about="a growing file: numbers, JSON or line protocol",
    example="tail:house.log?unit=W",
    open=_open_tail,
    options={
        **RECORD_OPTIONS,
        **SIDE_OPTIONS,
        "from": "where to begin: end (the default), or start, which needs a time in each record",
    },
)
