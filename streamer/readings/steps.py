"""The step that a pipeline makes of each reading, and the immutable values in it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from datetime import datetime

from streamer.readings.scores import Scores
from streamer.readings.values import Reading


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected for the next reading.

    Attributes:
        at: the minute that the forecast is for, if no gap comes between.
        kw: expected value (mean forecast) in kW: the one shown, adapted or not.
        last_kw: the reading it was issued at in kW, which is the persistence forecast.
        frozen_kw: what the network said by itself in kW; as `kw` if that is not corrected.
        median_kw: as likely too high as too low, in kW; None if the model has no quantiles.
        low_kw: lower end of the band in kW.
        high_kw: upper end of the band in kW.
    """

    at: datetime
    kw: float
    last_kw: float
    frozen_kw: float
    median_kw: float | None
    low_kw: float
    high_kw: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What has come by so far.

    Attributes:
        readings: valid readings seen.
        gaps: gaps between them.
        gap_minutes: minutes missing in those gaps, together.
        resets: how often a long gap emptied the ring buffer.
    """

    readings: int = 0
    gaps: int = 0
    gap_minutes: int = 0
    resets: int = 0


@dataclass(frozen=True, slots=True)
class Adaptation:
    """How the corrected forecast, the challenger, does against the frozen one, the champion.

    Attributes:
        shown: whether the next forecast is the corrected one.
        day_gain: 1 − MSE corrected / MSE frozen over the last 1440 settled minutes, shown
            or not; None before the first, or where the frozen one has made no error.
        learnt: how many settled minutes the correction has been learnt from.
        restarts: how often it has been thrown away, to be learnt anew.
    """

    shown: bool = False
    day_gain: float | None = None
    learnt: int = 0
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something out of the ordinary, from when it was found until it is over.

    Attributes:
        kind: one of the kinds below.
        at: minute of the reading at which it was found.
        text: one line for a person: what, and how much.
        size: how much, as a multiple of what sets off an alarm of the kind: at least 1.
    """

    kind: str
    at: datetime
    text: str
    size: float

    ANOMALY = "anomaly"
    """A reading far outside the band."""
    STUCK = "stuck"
    """The same value for longer than this meter ever repeats one."""
    DRIFT = "drift"
    """The errors have changed, and stay so."""
    UNIT = "unit"
    """Values that look like another unit's: watts read as kW, say."""


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that came out of one reading.

    Attributes:
        reading: the reading itself.
        settled: the forecast that this reading settled, if one was waiting.
        forecast: the forecast issued at this reading, if the window is full.
        scores: running scores, this reading included.
        gap_minutes: minutes missing just before this reading.
        buffered: readings in the ring buffer, this one included, 50 at most.
        counts: what has come by so far, this reading included.
        adaptation: how the correction does; None if nothing is adapted.
        alarms: those that are on at this reading, oldest first; an alarm whose `at` is this
            reading's has just been raised.
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

    @property
    def error_kw(self) -> float | None:
        """Forecast error in kW: actual minus forecast; as large as a number can be, at most."""
        if self.settled is None:
            return None
        error = self.reading.kw - self.settled.kw
        return error if math.isfinite(error) else math.copysign(sys.float_info.max, error)
