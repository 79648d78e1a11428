"""Reader of a stretch to evaluate from a source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from streamer.errors import UsageError
from streamer.evaluation.forecasts import Advance
from streamer.evaluation.stretch import WARM_UP, Last, Stretch
from streamer.readings import Notice, Reading
from streamer.readings.span import Span
from streamer.sources import Source
from streamer.training.data import series_from


def read_stretch(
    source: Source,
    *,
    since: datetime | None,
    until: datetime | None,
    last: Last | None,
    warm_up: int,
    on_notice: Callable[[Notice], None],
    advance: Advance,
) -> Stretch:
    """Read a recording up to the end of a stretch; the source is closed.

    The stretch has the readings selected by `streamer replay --start --end`.

    Args:
        source: the recording.
        since: first time of the stretch; without a zone: the file's own clock. None for
            the beginning, or for the start given by `last`.
        until: first time after it, in the same form; None for the end.
        last: the last part of the recording as the stretch, if `since` is None.
        warm_up: number of readings in the longest window.
        on_notice: called with the notices of the source.
        advance: called with the number of readings read.

    Raises:
        UsageError: the stretch has nothing to score.
        SourceError: the source cannot be read.
    """
    part = _Part(source, Span(since, until), on_notice, advance)
    series = series_from(part)
    assert series.at is not None  # noqa: S101 - a source has times
    start = part.before if last is None else last.start(series.at)
    return Stretch(series.kw[:, 0], series.at, start, max(WARM_UP, warm_up), series.name)


class _Part:
    """Readings of a source up to the end of the stretch.

    Attributes:
        before: number of readings before the stretch.
    """

    def __init__(
        self,
        source: Source,
        span: Span,
        on_notice: Callable[[Notice], None],
        advance: Advance,
    ) -> None:
        self._source = source
        self._span = span
        self._on_notice = on_notice
        self._advance = advance
        self._found = 0
        self._begun = self._ended = False
        self.before = 0

    @property
    def name(self) -> str:
        return self._source.name

    def read(self) -> list[Reading]:
        while not self._ended:
            items = self._source.read()
            self._ended = not items
            readings: list[Reading] = []
            for item in items:
                if not isinstance(item, Reading):
                    self._on_notice(item)
                elif self._span.ends_by(item.at):
                    self._ended = True
                    break
                else:
                    self._take(item, readings)
            if readings:
                self._advance(len(readings))
                return readings
        if not self._found:
            raise UsageError(f"{self.name}: no reading before --to {self._span.end}")
        return []

    def _take(self, reading: Reading, readings: list[Reading]) -> None:
        self._begun = self._begun or not self._span.starts_after(reading.at)
        self.before += not self._begun
        self._found += 1
        readings.append(reading)

    def close(self) -> None:
        self._source.close()
