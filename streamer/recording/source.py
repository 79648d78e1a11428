"""A recording as a source of readings, to replay it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from streamer.errors import SourceError
from streamer.readings import Reading
from streamer.readings.span import Span
from streamer.recording.database import explained, open_for_reading
from streamer.recording.rows import bounds, readings
from streamer.sources.files.screening import Rules

_BLOCK = 500


class RecordingSource:
    """The readings of a recording, with the times that they had; made by `open_recording`.

    It may be recorded to meanwhile: what is there when the end is reached is given too.
    """

    def __init__(self, path: Path, span: Span, limit: int | None) -> None:
        self._path = path
        self._left = limit
        self._limit = limit
        self._ended = False
        self._progress = 0.0
        self._connection = open_for_reading(path)
        try:
            with explained(path):
                after, self._before = bounds(self._connection, span)
                # Each by itself is quick to find; of both together, SQLite reads all.
                self._first, self._last = (
                    self._connection.execute(
                        f"SELECT {end}(at) FROM steps WHERE at > ? AND at < ?",  # noqa: S608 - ours
                        (after, self._before),
                    ).fetchone()[0]
                    for end in ("min", "max")
                )
                if self._first is None:
                    raise self._nothing_found()
        except BaseException:
            self._connection.close()
            raise
        self._after = after

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self._path.name

    @property
    def progress(self) -> float:
        """The share of what is to be replayed that has been read; it never goes back."""
        return self._progress

    def read(self) -> Sequence[Reading]:
        """The next readings, or none at the end.

        Raises:
            RecordError: the recording cannot be read on.
        """
        size = _BLOCK if self._left is None else min(_BLOCK, self._left)
        if self._ended or not size:
            return self._end()
        with explained(self._path):
            block = next(
                readings(self._connection, after=self._after, before=self._before, size=size), []
            )
        if not block:
            return self._end()
        self._after = int(block[-1].at.timestamp())
        shares = [self._progress, (self._after - self._first + 1) / (self._last - self._first + 1)]
        if self._left is not None and self._limit:
            self._left -= len(block)
            shares.append(1.0 - self._left / self._limit)
        self._progress = min(1.0, max(shares))
        return block

    def close(self) -> None:
        """Close the recording. May be called twice."""
        self._ended = True
        self._connection.close()

    def _end(self) -> Sequence[Reading]:
        if not self._ended:
            self._ended, self._progress = True, 1.0
        return []

    def _nothing_found(self) -> SourceError:
        count, first, last = self._connection.execute(
            "SELECT count(*), min(local_time), max(local_time) FROM minutes"
        ).fetchone()
        if not count:
            return SourceError(f"no reading found in {self.name}: nothing is recorded in it yet")
        return SourceError(
            f"no reading found in {self.name}: all {count} are before --start or from --end on; "
            f"they go from {first} to {last}"
        )


def open_recording(
    path: str | Path,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
) -> RecordingSource:
    """Open a recording to replay it.

    Args:
        path: the file. It is left as it is, and may be on a medium that cannot be written.
        start: leave out readings before this time. Without a zone: by the house's clock.
        end: stop at the first reading at or after this time, taken likewise.
        limit: stop after so many readings.

    Raises:
        UsageError: the options cannot be meant.
        RecordError: it is no recording, or cannot be read.
        SourceError: there is no such reading in it.
    """
    span = Span(start, end)
    Rules(span, limit).check()
    return RecordingSource(Path(path), span, limit)
