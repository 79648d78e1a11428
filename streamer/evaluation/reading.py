"""From a source to the stretch that is to be evaluated."""

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

    The stretch is made of the readings that `streamer replay --start --end` would take.

    Args:
        source: the recording.
        since: where the stretch begins; without a zone: the file's own clock. None for
            the beginning, or for what `last` says.
        until: first time beyond it, taken likewise; None for the end.
        last: the part of the recording that the stretch is, if `since` does not say it.
        warm_up: readings that the longest window takes.
        on_notice: told of what the source gives beside readings.
        advance: told of how many readings have come.

    Raises:
        UsageError: there is nothing to score in it.
        SourceError: the source cannot be read.
    """
    part = _Part(source, Span(since, until), on_notice, advance)
    series = series_from(part)
    assert series.at is not None  # noqa: S101 - a source has times
    start = part.before if last is None else last.start(series.at)
    return Stretch(series.kw[:, 0], series.at, start, max(WARM_UP, warm_up), series.name)


class _Part:
    """The readings of a source up to the end of the stretch.

    Attributes:
        before: readings before the stretch.
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
