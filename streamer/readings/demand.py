"""Demand intervals: quarter-hour energies, the forecast of the running interval, and its scores.

A demand interval is the quarter-hour or hour over which a tariff measures the mean power. It is
fixed by the wall clock of the readings: it begins at :00, :15, :30 or :45. What counts is import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from streamer.readings.seconds import seconds_of


class QuarterHour(NamedTuple):
    """Energy of one quarter-hour at the grid connection, of its measured minutes alone.

    Attributes:
        start: its first minute, on the wall clock of the readings.
        import_kwh: energy drawn in kWh: the sum of the minutes with positive power.
        export_kwh: energy fed in, in kWh, likewise and not negative.
        minutes: number of its minutes that were measured.
    """

    start: datetime
    import_kwh: float
    export_kwh: float
    minutes: int


@dataclass(frozen=True, slots=True)
class DemandForecast:
    """Forecast of the mean import over the running demand interval, its last reading included.

    Attributes:
        start: first minute of the interval.
        end: the minute after its last one.
        minutes_left: minutes of it that are still to come.
        unknown_minutes: minutes of it that were not measured; what is said of the interval then
            takes them to be as the others, and it neither sets a peak nor is scored.
        so_far_kw: mean import of the measured minutes so far in kW.
        kw: expected mean of the whole interval in kW; where the rest is not forecast, the last
            reading is taken to continue.
        low_kw: lower end of its prediction interval in kW; None without a forecast of the rest.
        high_kw: upper end in kW; None likewise.
        bound_kw: mean that the interval should not exceed, in kW: the month's peak or the lowest
            one that is charged, or a bound of one's own; None if there is none yet.
        margin_kw: mean import over the rest at which the interval reaches the bound, in kW, at
            least 0; None in its last minute, and without a bound.
        month_peak_kw: highest complete interval of this month so far in kW; None before the first.
        month_peak_at: its first minute.
        p_raises_peak: probability that the interval exceeds the bound; None without a forecast.
    """

    start: datetime
    end: datetime
    minutes_left: int
    unknown_minutes: int
    so_far_kw: float
    kw: float | None = None
    low_kw: float | None = None
    high_kw: float | None = None
    bound_kw: float | None = None
    margin_kw: float | None = None
    month_peak_kw: float | None = None
    month_peak_at: datetime | None = None
    p_raises_peak: float | None = None


@dataclass(frozen=True, slots=True)
class SettledDemand:
    """A demand interval that is over.

    Attributes:
        start: its first minute.
        end: the minute after its last one.
        kw: mean import of its measured minutes in kW.
        unknown_minutes: minutes of it that were not measured.
        bound_kw: the bound that it should not exceed, in kW; None if there was none.
        exceeded: whether it exceeded the bound; None where that is not known, since minutes are
            missing, or without a bound.
        warned_at: minute of the reading at which the alarm was raised; None if it was not.
        export_kw: mean export of its measured minutes in kW.
    """

    start: datetime
    end: datetime
    kw: float
    unknown_minutes: int
    bound_kw: float | None = None
    exceeded: bool | None = None
    warned_at: datetime | None = None
    export_kw: float = 0.0


class ReliabilityBin(NamedTuple):
    """Probabilities of about the same size, and how often what they were of came true.

    Attributes:
        probability: mean of the probabilities.
        share: share of the intervals that exceeded their bound.
        intervals: how many there are.
    """

    probability: float
    share: float
    intervals: int


@dataclass(frozen=True, slots=True)
class DemandScores:
    """Scores of the forecasts of demand intervals, of complete ones alone.

    Attributes:
        settled: number of complete intervals with a forecast at every scored minute.
        exceeded: number of them that exceeded their bound.
        found: number of those with an alarm, of which there is at most one an interval.
        false_alarms: number of alarms in complete intervals that did not exceed their bound.
        brier: mean squared error of the probability a third of the interval after its start
            (Brier 1950); None before the first.
        base_brier: the same of the share of intervals that exceeded their bound.
        reliability: bins of the same probabilities, in rising order; empty ones are left out.
        rmse_kw: root mean squared error of the mean after a fifteenth, a third and two thirds of
            the interval, in kW; empty before the first.
        persistence_rmse_kw: the same if the last reading continues to the end.
        coverage: share of the intervals inside the band after a third of them.
    """

    settled: int = 0
    exceeded: int = 0
    found: int = 0
    false_alarms: int = 0
    brier: float | None = None
    base_brier: float | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    rmse_kw: tuple[float, ...] = ()
    persistence_rmse_kw: tuple[float, ...] = ()
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class SwitchingEvent:
    """A load that was switched on and off, as far as the total power shows it.

    Attributes:
        on_at: minute in which the power rose.
        kw: size of the step in kW.
        off_at: minute in which it fell again; None while it has not.
    """

    on_at: datetime
    kw: float
    off_at: datetime | None = None

    @property
    def minutes(self) -> int | None:
        """How long it was on, in elapsed minutes; None while it is."""
        if self.off_at is None:
            return None
        return (seconds_of(self.off_at) - seconds_of(self.on_at)) // 60
