"""The values that flow through streamer, all immutable.

A source makes `Reading` and `Notice`; the pipeline turns each reading into a `Step`;
sinks are given `About`, `Step`, `Notice` and `Vitals`, and nothing else, save that some take
whole blocks of steps as a `streamer.blocks.Passage`.

Power is in kW, import positive. Times are `datetime` values as the feed gives them:
naive where the feed has no zone, aware where it has one, never mixed in one stream.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
"""The interval that one reading covers."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Mean active power over one minute.

    Attributes:
        at: the minute that the value belongs to.
        kw: mean active power in kW; negative when the house exports.
    """

    at: datetime
    kw: float


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
class Errors:
    """How far off one forecaster has been, over all settled minutes.

    Everything is None until a forecast has been settled.

    Attributes:
        mse_kw2: running mean squared error in kW².
        mae_kw: running mean absolute error in kW.
        hour_mse_kw2: mean squared error of the last 60 settled minutes in kW².
        day_mse_kw2: mean squared error of the last 1440 settled minutes in kW².
    """

    mse_kw2: float | None = None
    mae_kw: float | None = None
    hour_mse_kw2: float | None = None
    day_mse_kw2: float | None = None

    @property
    def rmse_w(self) -> float | None:
        """Running root mean squared error in W."""
        return None if self.mse_kw2 is None else 1000.0 * math.sqrt(self.mse_kw2)

    @property
    def mae_w(self) -> float | None:
        """Running mean absolute error in W."""
        return None if self.mae_kw is None else 1000.0 * self.mae_kw


@dataclass(frozen=True, slots=True)
class BandScores:
    """How honest the bands have been, and how wide, over all settled minutes.

    All but the confidence is None until a band has been settled.

    Attributes:
        confidence: share of the readings that is to lie inside.
        coverage: share that did, ends included.
        day_coverage: the same of the last 1440 settled minutes.
        width_kw: mean width in kW.
        day_width_kw: the same of the last 1440 settled minutes.
        winkler_kw: mean interval score in kW: the width, and for a reading outside
            ``2 / (1 - confidence)`` times its distance on top (Winkler 1972).
    """

    confidence: float
    coverage: float | None = None
    day_coverage: float | None = None
    width_kw: float | None = None
    day_width_kw: float | None = None
    winkler_kw: float | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """The errors of the forecasts shown beside others', over the same minutes.

    Attributes:
        settled: how many forecasts have been settled.
        model: errors of the forecasts shown, adapted or not.
        persistence: errors of "next = last".
        frozen: errors of the network by itself; None if nothing is adapted.
        band: scores of the bands.
    """

    settled: int = 0
    model: Errors = Errors()
    persistence: Errors = Errors()
    frozen: Errors | None = None
    band: BandScores = BandScores(0.9)

    @property
    def skill(self) -> float | None:
        """1 − MSE/MSE of persistence: 0 is worthless, below 0 is harmful."""
        return skill(self.model.mse_kw2, self.persistence.mse_kw2)

    @property
    def hour_skill(self) -> float | None:
        """Skill over the last 60 settled minutes."""
        return skill(self.model.hour_mse_kw2, self.persistence.hour_mse_kw2)

    @property
    def day_skill(self) -> float | None:
        """Skill over the last 1440 settled minutes."""
        return skill(self.model.day_mse_kw2, self.persistence.day_mse_kw2)


def skill(mse: float | None, reference_mse: float | None) -> float | None:
    """Skill score of one mean squared error against a reference's.

    The mean squared error skill score of Murphy (1988), Monthly Weather Review 116:
    ``1 − mse / reference_mse``.

    Args:
        mse: mean squared error of the forecasts, or None if there are none yet.
        reference_mse: mean squared error of the reference, in the same unit.

    Returns:
        The skill, or None where it is undefined: nothing settled, or a reference
        that has made no error at all.

    >>> skill(0.75, 1.0)
    0.25
    >>> skill(0.5, 0.0) is None
    True
    """
    if mse is None or not reference_mse:
        return None
    return 1.0 - mse / reference_mse


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


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should hear of that is not a reading.

    Attributes:
        kind: one of the kinds below, for counting.
        text: one line for a person: what, where, and what became of it.
        at: stream time it happened at, if it has one.
        count: how many happenings of this kind the notice stands for. A source names the
            first of a kind in full and may gather later ones in one notice.
    """

    kind: str
    text: str
    at: datetime | None = None
    count: int = 1

    MALFORMED = "malformed"
    """A row that cannot be read; skipped."""
    ORDER = "order"
    """A row whose time does not advance; skipped."""
    ABSURD = "absurd"
    """A value no household draws; skipped."""
    WARNING = "warning"
    """Anything else that makes the figures doubtful."""
    EVENT = "event"
    """Something to know, nothing to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a meter says: its power, from a moment on until it says something else.

    Attributes:
        kw: power in kW, import positive; NaN where the meter says that it does not know.
        at: the moment, with a zone; None for the moment at which it comes in.
    """

    kw: float
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """How the connection to a meter stands.

    A feed says state, peer and text; the source that reads it fills in the rest.

    Attributes:
        state: one of the states below.
        peer: who is at the other end: a meter, a broker.
        text: why, for a person; free of secrets.
        since: when this state began, with a zone.
        retry_at: when the next try to connect is due, if it is lost.
    """

    state: str
    peer: str = "meter"
    text: str = ""
    since: datetime | None = None
    retry_at: datetime | None = None

    UP = "up"
    """Connected, and samples come."""
    SILENT = "silent"
    """Connected, but nothing has come for long."""
    LOST = "lost"
    """Not connected; tried again for ever."""


@dataclass(frozen=True, slots=True)
class About:
    """What is being watched, and with what.

    Attributes:
        source: the source as a person would name it.
        model: the model's name.
        trained_from: first minute that the model was trained on, if known.
        trained_to: last minute that the model was trained on, if known.
        capacity: size of the ring buffer, window and target.
    """

    source: str
    model: str
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    capacity: int = 50

    def in_sample(self, at: datetime) -> bool:
        """Whether a minute lies inside the span that the model was trained on.

        Only the clock is compared: another house in the same years counts as inside.
        """
        if self.trained_from is None or self.trained_to is None:
            return False
        at = at.replace(tzinfo=None)
        return self.trained_from <= at <= self.trained_to


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the stream is running; a few of these a second.

    Attributes:
        readings_per_s: readings handled a second, lately.
        latency_p50_ms: median time from a reading to its forecast in ms, lately.
        latency_p99_ms: 99th percentile of the same.
        readings: readings handled so far.
        progress: share of a recording that is done, 0 to 1; None where it has no known
            end, or is held back.
        left_s: seconds until it will be done, as far as can be told; None likewise.
    """

    readings_per_s: float
    latency_p50_ms: float
    latency_p99_ms: float
    readings: int = 0
    progress: float | None = None
    left_s: float | None = None
