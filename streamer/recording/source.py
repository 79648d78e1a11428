"""Source that replays a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from streamer.display.lines import one_line
from streamer.errors import SourceError, UsageError
from streamer.readings import Reading
from streamer.readings.span import Span
from streamer.recording.channels import recorded_channels
from streamer.recording.database import explained, open_for_reading
from streamer.recording.rows import bounds, readings, time_of
from streamer.sources.files.screening import Rules

_BLOCK = 500


class RecordingSource:
    """The readings of a recording, with their original times; made by `open_recording`.

    It may be recorded to at the same time: readings added before the end is reached are
    included.

    Attributes:
        known_channels: names of the channels that it has.
    """

    def __init__(
        self, path: Path, span: Span, limit: int | None, channels: Mapping[str, str]
    ) -> None:
        self._path = path
        self._channels = channels
        self._left = limit
        self._limit = limit
        self._ended = False
        self._progress = 0.0
        self.known_channels: tuple[str, ...] = ()
        self._connection = open_for_reading(path)
        try:
            with explained(path):
                after, self._before = bounds(self._connection, span)
                self._check_channels()
                # Either alone uses the index; for both together, SQLite reads all rows.
                self._first, self._last = (
                    self._connection.execute(
                        f"SELECT {end}(at) FROM steps WHERE at > ? AND at < ?",  # noqa: S608 - constants
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
        """Share of the selected readings that has been read, never decreasing."""
        return self._progress

    def read(self) -> Sequence[Reading]:
        """Return the next readings, or none at the end.

        Raises:
            RecordError: the recording cannot be read.
        """
        size = _BLOCK if self._left is None else min(_BLOCK, self._left)
        if self._ended or not size:
            return self._end()
        with explained(self._path):
            block = next(
                readings(
                    self._connection,
                    after=self._after,
                    before=self._before,
                    size=size,
                    channels=tuple(self._channels),
                ),
                [],
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
        """Close the recording. May be called repeatedly."""
        self._ended = True
        self._connection.close()

    def _end(self) -> Sequence[Reading]:
        if not self._ended:
            self._ended, self._progress = True, 1.0
        return []

    def _check_channels(self) -> None:
        recorded = recorded_channels(self._connection)
        self.known_channels = tuple(recorded)
        name = one_line(self.name)
        missing = [channel for channel in self._channels if channel not in recorded]
        if missing:
            raise UsageError(
                f"{name} has no channel {', '.join(missing)}, which the model takes; recorded "
                f"beside the power: {', '.join(map(one_line, recorded)) or 'none'}; choose another "
                "model by --model"
            )
        for channel, unit in self._channels.items():
            if recorded[channel] != unit:
                raise UsageError(
                    f"{name} has the channel {channel} in {one_line(recorded[channel])}, but the "
                    f"model takes it in {one_line(unit)}; choose another model by --model"
                )

    def _nothing_found(self) -> SourceError:
        name = one_line(self.name)
        ends = self._connection.execute(
            "SELECT at, utc_offset FROM steps"
            " WHERE at IN ((SELECT min(at) FROM steps), (SELECT max(at) FROM steps)) ORDER BY at"
        ).fetchall()
        if not ends:
            return SourceError(f"no reading found in {name}: nothing has been recorded yet")
        (count,) = self._connection.execute("SELECT count(*) FROM steps").fetchone()
        first, last = time_of(*ends[0]), time_of(*ends[-1])
        return SourceError(
            f"no reading found in {name}: all {count} are before --start or from --end on; "
            f"they range from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
        )


def open_recording(
    path: str | Path,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    channels: Mapping[str, str] | None = None,
) -> RecordingSource:
    """Open a recording to replay it.

    Args:
        path: the file. It is not changed, and may be on a read-only medium.
        start: skip readings before this time. Without a zone, it is in the house's local time.
        end: stop at the first reading at or after this time, interpreted likewise.
        limit: stop after so many readings.
        channels: units of the channels of each reading, by name and in order. Minutes for which
            one of them is not known are left out.

    Raises:
        UsageError: the options are contradictory or out of bounds, or a channel is not recorded,
            or in another unit.
        RecordError: the file is not a recording, or cannot be read.
        SourceError: no reading is selected.
    """
    span = Span(start, end)
    Rules(span, limit).check()
    return RecordingSource(Path(path), span, limit, channels or {})
