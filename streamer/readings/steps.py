"""Pipeline steps, and the immutable values in them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streamer.readings.challengers import ChallengerScores, Champion
from streamer.readings.demand import (
    DemandForecast,
    DemandScores,
    QuarterHour,
    SettledDemand,
    SwitchingEvent,
)
from streamer.readings.means import MeanScores, NextMeans, SettledMean
from streamer.readings.scores import Scores
from streamer.readings.values import Reading


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecast of the next reading.

    All powers are of the grid connection, but for the last two.

    Attributes:
        at: the minute that is forecast, if no gap precedes it.
        kw: expected value (mean forecast) in kW. An adapted one is guarded, and held inside the
            band, where its squared error is no larger in the long run; without adaptation, it
            is the network's.
        last_kw: the reading it was issued at in kW, which is the persistence forecast.
        frozen_kw: the network's own mean forecast in kW, neither corrected nor guarded.
        median_kw: median forecast in kW, guarded and held likewise; None if the model has no
            quantiles.
        low_kw: lower end of the band in kW.
        high_kw: upper end of the band in kW.
        consumption_kw: mean forecast of the consumption in kW; None where neither solar nor
            battery power is measured, and `kw` is all there is.
        solar_kw: mean forecast of the solar power in kW; None where it is not measured.
    """

    at: datetime
    kw: float
    last_kw: float
    frozen_kw: float
    median_kw: float | None
    low_kw: float
    high_kw: float
    consumption_kw: float | None = None
    solar_kw: float | None = None

    @property
    def point_kw(self) -> float:
        """The point forecast to show, in kW: the median, or else the mean, inside the band.

        The mean of a skewed distribution may lie outside its own prediction interval.
        """
        kw = self.kw if self.median_kw is None else self.median_kw
        return min(max(kw, self.low_kw), self.high_kw)


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals of the stream so far.

    Attributes:
        readings: number of valid readings.
        gaps: number of gaps between them.
        gap_minutes: minutes missing in all gaps together.
        resets: number of times that the ring buffer was emptied, by a long gap or since other
            powers are measured from then on.
    """

    readings: int = 0
    gaps: int = 0
    gap_minutes: int = 0
    resets: int = 0


@dataclass(frozen=True, slots=True)
class Adaptation:
    """State of the correction: the adapted forecast, the challenger, against the frozen one.

    Attributes:
        shown: whether the next forecast is corrected, with whatever weight.
        day_gain: 1 − MSE corrected / MSE frozen over the last 1440 settled minutes, with the
            correction at its full weight, shown or not; None before the first, or where the
            frozen forecast has no error.
        learnt: number of settled minutes that the correction has been fitted to.
        restarts: number of times the correction has been reset and fitted anew.
    """

    shown: bool = False
    day_gain: float | None = None
    learnt: int = 0
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something out of the ordinary, from its detection until it is over.

    Attributes:
        kind: one of the kinds below.
        at: minute of the reading at which it was detected.
        text: one line for a person: the event and its size.
        size: score as a multiple of the threshold of the kind: at least 1.
    """

    kind: str
    at: datetime
    text: str
    size: float

    ANOMALY = "anomaly"
    """A reading far outside the band."""
    STUCK = "stuck"
    """The same value repeated more often than this meter ever does."""
    DRIFT = "drift"
    """A lasting change of the errors."""
    UNIT = "unit"
    """Values that seem to be in another unit, such as watts read as kW."""
    PEAK = "peak"
    """A demand interval that is likely to exceed the month's peak."""


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that results from one reading.

    Attributes:
        reading: the reading itself.
        settled: the forecast that this reading settled, if any.
        forecast: the forecast issued at this reading, if the window is full.
        scores: running scores, this reading included.
        gap_minutes: minutes missing just before this reading.
        buffered: readings in the ring buffer, this one included, 50 at most.
        counts: totals of the stream, this reading included.
        adaptation: state of the correction; None if nothing is adapted.
        alarms: those active at this reading, oldest first; an alarm whose `at` is this
            reading's has just been raised.
        next_means: forecasts of the mean power of the next minutes, issued at this reading; None
            if the window is not full, or the model has none.
        settled_means: those that this reading settled, being the last of their minutes.
        mean_scores: running scores of the same, this reading included; None without a model
            that forecasts them.
        demand: forecast of the running demand interval, this reading included; None if demand
            intervals are not kept.
        settled_demand: the intervals that this reading or a gap before it ended, oldest first.
        demand_scores: running scores of the same; None if they are not kept.
        quarter_hours: energies of the last quarter-hours, oldest first, the running one
            included; empty if demand intervals are not kept.
        switched: loads that are off by this reading, or have been on for long enough to be sure
            of it; empty if demand intervals are not kept.
        challengers: forecasts and scores of the forecasters that run beside the model, in the order
            in which they were given.
        champion: whose forecast is shown; None where that is always the model's.
    """

    reading: Reading
    settled: Forecast | None
    forecast: Forecast | None
    scores: Scores
    gap_minutes: int
    buffered: int
    counts: Counts
    adaptation: Adaptation | None = None
    alarms: tuple[Alarm, ...] = ()
    next_means: NextMeans | None = None
    settled_means: Sequence[SettledMean] = ()
    mean_scores: MeanScores | None = None
    demand: DemandForecast | None = None
    settled_demand: Sequence[SettledDemand] = ()
    demand_scores: DemandScores | None = None
    quarter_hours: Sequence[QuarterHour] = ()
    switched: Sequence[SwitchingEvent] = ()
    challengers: Sequence[ChallengerScores] = ()
    champion: Champion | None = None

    @property
    def error_kw(self) -> float | None:
        """Error of the mean forecast in kW: actual minus forecast.

        Clipped to the largest finite number.
        """
        return None if self.settled is None else _clipped(self.reading.kw - self.settled.kw)

    @property
    def point_error_kw(self) -> float | None:
        """The same of the point forecast, which is the one shown."""
        return None if self.settled is None else _clipped(self.reading.kw - self.settled.point_kw)

    def _repr_html_(self) -> str:
        """The step as a table, as a notebook shows it."""
        from streamer.display.notebook import html_table
        from streamer.display.numbers import NOTHING, fixed, percent, plural

        settled, ahead = self.settled, self.forecast
        rows = [("reading", f"{fixed(self.reading.kw, 3)} kW")]
        if settled is not None:
            error = fixed(self.point_error_kw, 3, signed=True)
            band = _banded(settled.point_kw, settled.low_kw, settled.high_kw)
            rows.append(("forecast of it", f"{band}, error {error} kW"))
        band = NOTHING if ahead is None else _banded(ahead.point_kw, ahead.low_kw, ahead.high_kw)
        rows.append(("next reading", band))
        for each in () if self.next_means is None else self.next_means[-1:]:
            name = f"mean of the next {plural(each.minutes, 'minute')}"
            rows.append((name, _banded(each.kw, each.low_kw, each.high_kw)))
        rows.append(("skill so far", percent(self.scores.skill)))
        rows += [(f"alarm: {alarm.kind}", alarm.text) for alarm in self.alarms]
        return html_table(f"{self.reading.at:%Y-%m-%d %H:%M}", (), rows)


def _clipped(error_kw: float) -> float:
    return error_kw if math.isfinite(error_kw) else math.copysign(sys.float_info.max, error_kw)


def _banded(kw: float, low_kw: float, high_kw: float) -> str:
    from streamer.display.numbers import fixed

    return f"{fixed(kw, 3)} kW ({fixed(low_kw, 3)} to {fixed(high_kw, 3)})"
