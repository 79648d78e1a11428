"""Reader of a stretch to evaluate from a source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime

import numpy as np

from streamer.errors import UsageError
from streamer.evaluation.forecasts import Advance
from streamer.evaluation.stretch import WARM_UP, Last, Stretch
from streamer.readings import Notice, Reading
from streamer.readings.arrays import DoubleArray, TimeArray
from streamer.readings.span import Span
from streamer.sources import Source


def read_stretch(
    source: Source,
    *,
    since: datetime | None,
    until: datetime | None,
    last: Last | None,
    warm_up: int,
    on_notice: Callable[[Notice], None],
    advance: Advance,
    channels: Sequence[str] = (),
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
        channels: names of the channels of its readings.

    Raises:
        UsageError: the stretch has nothing to score, or solar or battery power is measured in
            only a part of it.
        SourceError: the source cannot be read.
    """
    part = _Part(source, Span(since, until), on_notice, advance)
    rows: list[DoubleArray] = []
    times: list[TimeArray] = []
    with closing(part):
        while readings := part.read():
            powers = [
                (each.kw, each.solar_kw, each.battery_kw, *each.channels) for each in readings
            ]
            rows.append(np.array(powers, np.float64))  # NaN for None
            naive = [reading.at.replace(tzinfo=None) for reading in readings]
            times.append(np.array(naive, "datetime64[s]"))
    if not rows:
        raise UsageError(f"{source.name}: no readings to evaluate")
    at, (kw, solar, battery, *others) = np.concatenate(times), np.concatenate(rows).T.copy()
    start = part.before if last is None else last.start(at)
    solar = _measured(solar, at, start, f"{source.name}: solar power")
    battery = _measured(battery, at, start, f"{source.name}: battery power")
    named = dict(zip(channels, others, strict=True))
    return Stretch(kw, at, start, max(WARM_UP, warm_up), source.name, solar, battery, named)


def _measured(kw: DoubleArray, at: TimeArray, start: int, name: str) -> DoubleArray | None:
    """The powers (readings,) of a channel, if it is measured in the stretch.

    Raises:
        UsageError: it is measured in a part of the stretch only.
    """
    missing = np.isnan(kw[start:])
    if missing.all():
        return None
    if missing.any():
        change = start + 1 + int(np.argmax(missing[1:] != missing[0]))
        what = "is not measured from" if missing[change - start] else "is only measured from"
        raise UsageError(
            f"{name} {what} {at[change].item()} on; choose a stretch that begins there, or ends "
            "there, with --from or --to"
        )
    return kw


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
