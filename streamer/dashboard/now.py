"""Present and coming power of the house: one line, or two on a small screen.

Each value has its glyph beside it, so that these lines are also the legend of the chart, and a
constant width, so that they do not jitter.
"""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from streamer.dashboard.plot import FILL, FORECAST_GLYPH
from streamer.dashboard.words import ACTUAL, FORECAST, LABEL, STRONG, Part, choose, line
from streamer.display.numbers import NOTHING, fixed, plural
from streamer.history import CAPACITY, HistorySnapshot, outage
from streamer.readings import Forecast

AREA: Part = (FILL[-1] + " ", ACTUAL)
DOT: Part = (FORECAST_GLYPH + " ", FORECAST)
_WIDE_GAP = " " * 6
_BAND_WIDTH = len("(0.25 to 0.75)")


def now(snapshot: HistorySnapshot, width: int) -> Text:
    """The latest reading, its forecast, and the next forecast, on one line.

    For a meter: the latest sample, the last complete minute, and the forecast for the minute
    under way.
    """
    values = Values(snapshot)
    if snapshot.live:
        return choose(width, *(_live(values) if values.coming else _warming_up(values)))
    ahead = line(DOT, f"next {values.next_at}", values.next_kw)
    bare = line(DOT, "next", values.next_kw)
    actual = line((f"{values.actual} kW", STRONG))
    beginning, short = line(AREA, f"now {values.at}", actual), line(AREA, "now", actual)
    forecast, error = values.forecast, values.error
    candidates = []
    if values.coming:
        # With little room, the band of the next value is more important than the last error.
        band = values.band
        candidates = [
            line(*_between(_WIDE_GAP, beginning, forecast, error, ahead), "  ", band),
            line(*_between("   ", beginning, forecast, error, ahead), "  ", band),
            line(*_between("   ", short, forecast, ahead), "  ", band),
            line(*_between("  ", short, forecast, bare), " ", band),
        ]
    return choose(
        width,
        *candidates,
        line(*_between(_WIDE_GAP, beginning, forecast, error, ahead)),
        line(beginning, "  ", forecast, "  ", error, "   ", ahead),
        line(*_between("  ", short, forecast, error, bare)),
    )


def now_lines(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """The same on two short lines."""
    values = Values(snapshot)
    actual = line((f"{values.actual} kW", STRONG))
    above = [
        line(AREA, f"now  {values.at:5}", actual, " ", values.forecast),
        line(AREA, f"now  {values.at:5}", actual),
        line(AREA, "now ", actual),
        line(AREA, actual),
    ]
    if snapshot.live:
        sample = values.sample
        mean = line(AREA, f"{values.at:5}", values.actual)
        above = [
            line(sample, "  ", mean, " ", values.forecast),
            line(sample, "  ", mean, " ", DOT, values.forecast_kw),
            line(sample, "  ", mean),
            sample,
        ]
    ahead = line(DOT, f"next {values.next_at:5}", values.next_kw)
    below = [
        line(ahead, "   ", values.error),
        ahead,
        line(DOT, "next", values.next_kw),
        line(DOT, values.next_kw),
    ]
    if values.coming:
        band = values.band
        below = [line(ahead, " ", band, "  ", values.error), line(ahead, " ", band), *below]
    elif snapshot.live:
        below = [values.patience, line(DOT, "next", values.next_kw)]
    return [choose(width, *above), choose(width, *below)]


def _live(values: Values) -> list[Text]:
    """The line for a meter in several lengths, longest first."""
    sample, forecast, error, band = values.sample, values.forecast, values.error, values.band
    mean = line(AREA, values.at, values.actual)
    ahead = line(DOT, f"next {values.next_at}", values.next_kw)
    bare = line(DOT, "next", (values.expected, STRONG))
    only = line(DOT, values.forecast_kw)
    return [
        line(*_between(_WIDE_GAP, sample, line(mean, " kW"), forecast, error, ahead), "  ", band),
        line(*_between("   ", sample, line(mean, " kW"), forecast, error, ahead), "  ", band),
        line(*_between("   ", sample, line(mean, " kW"), forecast, ahead), "  ", band),
        line(*_between("  ", sample, mean, forecast, bare), "  ", band),
        line(*_between("  ", sample, mean, only, bare), "  ", band),
        line(*_between("  ", sample, mean, only, bare)),
    ]


def _warming_up(values: Values) -> list[Text]:
    """The line for a meter before the first forecast, or after the buffer was emptied."""
    mean = line(AREA, values.at, values.actual)
    return [
        line(*_between(_WIDE_GAP, values.sample, line(mean, " kW"), values.patience)),
        line(*_between("  ", values.sample, mean, values.patience)),
        line(values.sample, "  ", mean),
    ]


def _between(space: str, *parts: Text) -> list[Text | str]:
    """Parts with a space between them."""
    return [item for part in parts for item in (space, part)][1:]


class Values:
    """Parts of the lines, and of the large figures."""

    def __init__(self, snapshot: HistorySnapshot) -> None:
        self._snapshot = snapshot
        last = snapshot.last
        self.coming: Forecast | None = last.forecast if last else None
        settled = last.settled if last else None
        self.at = _time(last.reading.at if last else None)
        self.next_at = _time(self.coming.at if self.coming else None)
        self.actual = _power(last.reading.kw if last else None)
        self.forecast_kw = _power(settled.point_kw if settled else None)
        self.expected = _power(self.coming.point_kw if self.coming else None)
        self.error_kw = f"{fixed(last.point_error_kw if last else None, 3, signed=True):>7}"

    @property
    def forecast(self) -> Text:
        """Forecast for the latest reading."""
        return line(DOT, f"forecast{self.forecast_kw}")

    @property
    def error(self) -> Text:
        """Error of the latest forecast in kW."""
        return line(("error ", LABEL), self.error_kw)

    @property
    def next_kw(self) -> Text:
        """Forecast for the next reading."""
        return line((f"{self.expected} kW", STRONG))

    @property
    def band(self) -> Text:
        """Band of the next forecast, at a constant width for usual values."""
        forecast = self.coming
        if forecast is None:
            return Text()
        text = f"({fixed(forecast.low_kw, 2)} to {fixed(forecast.high_kw, 2)})"
        return line(f"{text:{_BAND_WIDTH}}")

    @property
    def sample(self) -> Text:
        """The meter's latest sample; unknown while the connection is down."""
        return line("now", (f"{self.sample_kw} kW", STRONG))

    @property
    def sample_kw(self) -> str:
        """Power in the meter's latest sample; unknown while the connection is down."""
        latest = self._snapshot.sample
        known = latest is not None and not outage.is_down(self._snapshot)
        return _power(latest.kw if latest and known else None)

    @property
    def patience(self) -> Text:
        """Time until the first forecast, or the next one after the buffer was emptied."""
        about, last = self._snapshot.about, self._snapshot.last
        capacity = about.capacity if about else CAPACITY
        left = max(1, capacity - 1 - (last.buffered if last else 0))
        which = "next" if last and last.scores.settled else "first"
        # While the connection is down, only the number of minutes is known.
        away = outage.is_down(self._snapshot)
        when = f"after {plural(left, 'more minute')}" if away else f"in {left} min"
        return line(DOT, f"{which} forecast {when}")


def _time(at: datetime | None) -> str:
    return NOTHING if at is None else f"{at:%H:%M}"


def _power(kw: float | None) -> str:
    return f"{fixed(kw, 3):>7}"
