"""Totals of one meter since this process began.

Prometheus takes a counter that falls for one that began again at zero. The totals of a recording
may fall a little instead, when a clock was ahead and its minutes are set aside, or when the
latest minutes were lost with the power. So these count what arrives, whatever the recording has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from streamer.publishing.metrics.definitions import Value
from streamer.readings import Alarm, Forecast, Link, Notice, SettledMean, Step
from streamer.readings.seconds import seconds_of
from streamer.sinks import Item
from streamer.sinks.watch import OutageWatch

MODEL, PERSISTENCE = "model", "persistence"
"""The forecasters whose errors are added up."""

ALARMS = (Alarm.ANOMALY, Alarm.STUCK, Alarm.DRIFT, Alarm.UNIT, Alarm.PEAK)

NOTICES = {
    Notice.MALFORMED: "malformed",
    Notice.ORDER: "order",
    Notice.ABSURD: "implausible",
    Notice.REFUSED: "refused",
    Notice.CONVERSION: "conversion",
    Notice.WARNING: "warning",
    Notice.EVENT: "event",
}
"""Labels of the kinds of notices."""

MAX_ERROR_W = 1e7
"""Errors are clipped to this, so that the sums remain exact enough for all that follow."""

_MAX_MINUTES = 60
_J_PER_KW_MINUTE = 60_000.0


class Tally:
    """Totals of the items of a meter.

    Args:
        horizons: minutes of the means whose errors are added up, beside the next minute.
    """

    def __init__(self, horizons: tuple[int, ...] = ()) -> None:
        self._means = frozenset(horizons) - {1}
        self._readings = self._missing = 0
        self._import_j = self._export_j = 0.0
        self._notices = Counter(dict.fromkeys(NOTICES.values(), 0))
        self._alarms = Counter(dict.fromkeys(ALARMS, 0))
        self._outages = OutageWatch()
        self._scores = {minutes: _Scores() for minutes in (1, *sorted(self._means))}
        self._recent_kw: dict[int, float] = {}

    def take(self, item: Item | None) -> None:
        """Count an item."""
        if isinstance(item, Step):
            self._count(item)
        elif isinstance(item, Notice):
            self._notices[NOTICES.get(item.kind, item.kind)] += item.count
        elif isinstance(item, Link):
            self._outages.see(item)

    def values(self) -> Iterator[Value]:
        """The totals."""
        yield Value("streamer_link_losses_total", self._outages.lost)
        yield Value("streamer_readings_total", self._readings)
        yield Value("streamer_missing_readings_total", self._missing)
        yield Value("streamer_import_joules_total", self._import_j)
        yield Value("streamer_export_joules_total", self._export_j)
        for kind, count in self._notices.items():
            yield Value("streamer_notices_total", count, (kind,))
        for kind, count in self._alarms.items():
            yield Value("streamer_alarms_raised_total", count, (kind,))
        for minutes, scores in self._scores.items():
            yield from scores.values(str(minutes))

    def _count(self, step: Step) -> None:
        reading = step.reading
        self._readings += 1
        self._missing += step.gap_minutes
        energy_j = _J_PER_KW_MINUTE * reading.kw
        self._import_j += max(energy_j, 0.0)
        self._export_j += max(-energy_j, 0.0)
        self._alarms.update(alarm.kind for alarm in step.alarms if alarm.at == reading.at)
        if step.settled is not None:
            self._scores[1].add_next(step.settled, reading.kw)
        if self._means:
            for settled in step.settled_means:
                self._settle(settled)
            self._remember(seconds_of(reading.at), reading.kw)

    def _settle(self, settled: SettledMean) -> None:
        scores = self._scores.get(settled.forecast.minutes)
        last_kw = self._recent_kw.get(seconds_of(settled.issued_at))
        # A forecast that was issued before this process began is left out as a whole.
        if scores is not None and last_kw is not None and settled.forecast.minutes in self._means:
            scores.add_mean(settled, last_kw)

    def _remember(self, at_s: int, kw: float) -> None:
        """Keep a reading until the longest of the forecasts issued at it is settled."""
        self._recent_kw.pop(at_s, None)
        self._recent_kw[at_s] = kw
        if len(self._recent_kw) > _MAX_MINUTES:
            del self._recent_kw[next(iter(self._recent_kw))]


class _Scores:
    """Sums over the settled forecasts of one horizon."""

    def __init__(self) -> None:
        self._settled = self._covered = 0
        self._squared_w2 = dict.fromkeys((MODEL, PERSISTENCE), 0.0)
        self._absolute_w = dict.fromkeys((MODEL, PERSISTENCE), 0.0)

    def add_next(self, forecast: Forecast, actual_kw: float) -> None:
        self._add(
            actual_kw,
            mean_kw=forecast.kw,
            point_kw=forecast.point_kw,
            last_kw=forecast.last_kw,
            covered=forecast.low_kw <= actual_kw <= forecast.high_kw,
        )

    def add_mean(self, settled: SettledMean, last_kw: float) -> None:
        forecast, actual_kw = settled.forecast, settled.actual_kw
        self._add(
            actual_kw,
            mean_kw=forecast.kw,
            point_kw=forecast.median_kw,
            last_kw=last_kw,
            covered=forecast.low_kw <= actual_kw <= forecast.high_kw,
        )

    def _add(
        self, actual_kw: float, *, mean_kw: float, point_kw: float, last_kw: float, covered: bool
    ) -> None:
        self._settled += 1
        self._covered += covered
        persistence_w = _error_w(actual_kw, last_kw)
        self._squared_w2[MODEL] += _error_w(actual_kw, mean_kw) ** 2
        self._squared_w2[PERSISTENCE] += persistence_w**2
        self._absolute_w[MODEL] += _error_w(actual_kw, point_kw)
        self._absolute_w[PERSISTENCE] += persistence_w

    def values(self, minutes: str) -> Iterator[Value]:
        yield Value("streamer_forecasts_settled_total", self._settled, (minutes,))
        yield Value("streamer_forecasts_covered_total", self._covered, (minutes,))
        for who, squared_w2 in self._squared_w2.items():
            yield Value("streamer_squared_error_square_watts_total", squared_w2, (minutes, who))
        for who, absolute_w in self._absolute_w.items():
            yield Value("streamer_absolute_error_watts_total", absolute_w, (minutes, who))


def _error_w(actual_kw: float, forecast_kw: float) -> float:
    """Size of an error in W, clipped; a forecast that is not a number has the largest."""
    size_w = 1000.0 * abs(actual_kw - forecast_kw)
    return min(MAX_ERROR_W, size_w)  # of a NaN, this is the first
