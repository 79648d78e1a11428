"""Power from the successive readings of an energy register.

No I/O and no clock: times are passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from streamer.display.durations import apart
from streamer.readings import Notice
from streamer.sources.live.notices import BREAK, Remark
from streamer.sources.live.spacing import SPACINGS_VALID, Spacing

_HOUR_S = 3600.0
_MAX_COARSE_KW = 0.05  # worth of one step in a minute, up to which steps need no spreading
_QUIET_KW = 0.02  # below this, a register that stays unchanged shows no power
_MAX_SPREAD_S = _HOUR_S
_MIN_LIMIT_S, _MAX_LIMIT_S = 60.0, 180.0
_MIN_ROLLOVER_KWH = 1000.0
_DECIMALS = 9  # of a kWh: less than a pulse of any meter, more than the noise of floats
_MULTIPLES = 5
_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Segment:
    """Constant power between two times.

    Attributes:
        start_s: its start.
        end_s: its end.
        kw: power in kW, import positive.
    """

    start_s: float
    end_s: float
    kw: float


class Register:
    """Converts the readings of an energy register to segments of constant power.

    The energy between two readings is spread evenly over the time between them, unless that
    time is so long that the minutes in it were not measured (about three usual spacings); then
    it is left out.

    A register counts in steps. Where one step is worth much power in a minute (0.01 kWh are
    0.6 kW), a step is spread over the time since the previous change, for up to an hour. A
    register that stays unchanged shows no power once less than 20 W can have been drawn. The
    first step after a start between two steps is left out: it began at an unknown time.

    A register that goes back has been reset, unless it reached a power of ten and rolled over, or
    it is net of export and may fall. An increase beyond `max_kw` is skipped as implausible,
    unless the next reading confirms it: then the register continues from there.

    Args:
        spacing: usual spacing of the readings; kept up to date by the caller.
        max_kw: magnitude in kW above which a power is implausible.

    Attributes:
        decided_s: time up to which the power is known, or will never be.
        notes: remarks since the caller last cleared them.

    >>> from streamer.feeds import Pace
    >>> register = Register(Spacing(Pace(), 600.0), max_kw=100.0)
    >>> register.add(0.0, 1000.0), register.add(60.0, 1000.01)
    ([], [Segment(start_s=0.0, end_s=60.0, kw=0.6)])
    """

    def __init__(self, spacing: Spacing, max_kw: float) -> None:
        self.decided_s = -math.inf
        self.notes: list[Remark] = []
        self._spacing = spacing
        self._max_kw = max_kw
        self._last: tuple[float, float] | None = None
        self._read_s = -math.inf  # time of the last reading, which `idle` may move in `_last`
        self._anchor_s = -math.inf  # time of the last change, from which a step is spread
        self._is_anchored = False  # whether the register changed at that time
        self._is_interrupted = False
        self._doubtful: tuple[float, float] | None = None
        self._step = math.inf
        self._has_stayed = False  # whether a reading was unchanged
        self._multiples = 0  # number of successive changes that were
        self._has_warned = False

    @property
    def last_s(self) -> float:
        """Time of the last reading; minus infinity without one."""
        return -math.inf if self._last is None else self._last[0]

    @property
    def is_stepped(self) -> bool:
        """Whether one step is worth so much power in a minute that steps are spread."""
        return 60.0 * self._step > _MAX_COARSE_KW

    def add(self, at_s: float, kwh: float, *, net: bool = False) -> list[Segment]:
        """Take a reading that is later than the last.

        Args:
            at_s: its time.
            kwh: energy in kWh, import positive.
            net: whether export is subtracted, so that the register may fall.
        """
        if self._last is None:
            self._begin(at_s, kwh)
            return []
        before_kwh = self._last[1]
        # A register of export counts away from zero, too.
        sign = -1.0 if not net and before_kwh <= 0.0 and kwh <= 0.0 else 1.0
        change = round(kwh - before_kwh, _DECIMALS)
        if sign * change < 0.0 and not net:
            rise = _rollover(abs(before_kwh), abs(kwh))
            if rise is None or not self._is_plausible(rise, at_s):
                self._break(at_s, kwh, f"went back from {before_kwh:.10g} to {kwh:.10g} kWh")
                return []
            change = sign * rise
        if not self._is_plausible(change, at_s):
            return self._doubt(at_s, kwh, change, net=net)
        self._doubtful = None
        if self._spacing.is_coarse:
            self._begin(at_s, kwh)
            return []
        if at_s - self._read_s > self._limit_s:
            self._break(at_s, kwh, f"was not read for {apart(at_s - self._read_s)}")
            return []
        self._is_interrupted = False
        segments = self._changed(at_s, change) if change else self._unchanged(at_s)
        self._last, self._read_s = (at_s, kwh), at_s
        return segments

    def interrupt(self) -> None:
        """Take note that the register is unknown until the next reading."""
        self._is_interrupted = True

    def restart(self) -> None:
        """Forget the last reading, after the clock was set."""
        self._last = self._doubtful = None

    def idle(self, now_s: float) -> list[Segment]:
        """Take note that the feed, which sends each change, has sent nothing until now."""
        silent_s = now_s - self._read_s
        usual_s = self._spacing.usual_s or _MIN_LIMIT_S
        if self._last is None or self._is_interrupted:
            return []
        if not SPACINGS_VALID * usual_s < silent_s <= self._limit_s:
            return []
        # The register itself may be read only so often.
        segments = self._quiet(now_s - usual_s)
        if self._anchor_s > self.last_s:
            self._last = self._anchor_s, self._last[1]
        return segments

    @property
    def _limit_s(self) -> float:
        """Longest time between two readings over which energy is spread."""
        spacing = self._spacing
        if spacing.on_change and not self._is_interrupted:
            return spacing.stale_after_s
        usual_s = spacing.usual_s
        limit_s = _MAX_LIMIT_S if usual_s is None else max(SPACINGS_VALID * usual_s, _MIN_LIMIT_S)
        return min(limit_s, _MAX_LIMIT_S, spacing.stale_after_s)

    def _begin(self, at_s: float, kwh: float) -> None:
        self._last, self._read_s = (at_s, kwh), at_s
        self._anchor_s, self._is_anchored = at_s, False
        self.decided_s = at_s
        self._is_interrupted = False

    def _break(self, at_s: float, kwh: float, what: str) -> None:
        text = f"the counter {what}; the energy between is left out"
        self.notes.append(Remark(BREAK, text))
        self._begin(at_s, kwh)

    def _is_plausible(self, change: float, at_s: float) -> bool:
        """Whether a household can have drawn a change since the last reading."""
        assert self._last is not None  # noqa: S101 - there is one before each change
        size = abs(change)
        if size < self._step:
            # Most of a first step may have been drawn before the last reading.
            return size * _HOUR_S <= self._max_kw * (at_s - self._anchor_s)
        return (size - self._step) * _HOUR_S <= self._max_kw * (at_s - self._last[0])

    def _doubt(self, at_s: float, kwh: float, change: float, *, net: bool) -> list[Segment]:
        """Skip an implausible reading, unless it agrees with the one that was skipped before."""
        assert self._last is not None  # noqa: S101 - there is one before each change
        doubtful, last = self._doubtful, self._last
        self._doubtful = at_s, kwh
        if doubtful is not None and (net or abs(kwh) >= abs(doubtful[1])):
            size = abs(kwh - doubtful[1])
            if size * _HOUR_S <= self._max_kw * (at_s - doubtful[0]):
                self._break(*doubtful, f"jumped from {last[1]:.10g} to {doubtful[1]:.10g} kWh")
                return self.add(at_s, kwh, net=net)
        kw = change * _HOUR_S / (at_s - last[0])
        text = f"the counter's change from {last[1]:.10g} to {kwh:.10g} kWh is {kw:.4g} kW"
        self.notes.append(Remark(Notice.ABSURD, text))
        return []

    def _changed(self, at_s: float, change: float) -> list[Segment]:
        before_s, anchor_s = self.last_s, self._anchor_s
        was_anchored = self._is_anchored or anchor_s == before_s
        self._learn(abs(change))
        self._anchor_s, self._is_anchored = at_s, True
        self.decided_s = at_s
        if not self.is_stepped:
            # Unchanged readings from before the step was known.
            quiet = [Segment(anchor_s, before_s, 0.0)] if anchor_s < before_s else []
            return [*quiet, Segment(before_s, at_s, change * _HOUR_S / (at_s - before_s))]
        if not was_anchored:
            return []
        # Since the previous change less than a step had been drawn when it was last read.
        kw = math.copysign(self._step, change) * _HOUR_S / (at_s - anchor_s)
        rest = change - math.copysign(self._step, change)
        earlier = [Segment(anchor_s, before_s, kw)] if anchor_s < before_s else []
        return [*earlier, Segment(before_s, at_s, kw + rest * _HOUR_S / (at_s - before_s))]

    def _unchanged(self, at_s: float) -> list[Segment]:
        self._has_stayed = True
        if self.is_stepped:
            return self._quiet(at_s)
        before_s = self._anchor_s
        self._anchor_s = self.decided_s = at_s
        return [Segment(before_s, at_s, 0.0)]

    def _quiet(self, at_s: float) -> list[Segment]:
        """The time without a change, once it is so long that no power can have been drawn.

        Except for its end: the next step is spread over at least that, so that it is small.
        """
        before_s, step_s = self._anchor_s, self._step * _HOUR_S
        end_s = at_s - step_s / _MAX_COARSE_KW
        if step_s <= _QUIET_KW * (at_s - before_s):
            self._anchor_s, self._is_anchored = end_s, True
            self.decided_s = end_s
            return [Segment(before_s, end_s, 0.0)]
        if at_s - before_s > _MAX_SPREAD_S:
            self._anchor_s, self._is_anchored = at_s, False
            self.decided_s = at_s
            text = f"the counter has not changed for {apart(at_s - before_s)}; that time is a gap"
            self.notes.append(Remark(BREAK, text))
        return []

    def _learn(self, size: float) -> None:
        """Learn the step, and report it once it is certain.

        The step is the smallest change, if all others are multiples of it and some readings
        are unchanged, which distinguishes steps from a constant power. A feed of changes has no
        unchanged readings.
        """
        if size < self._step:
            self._step, self._multiples = size, 0
        ratio = size / self._step
        is_multiple = abs(ratio - round(ratio)) <= _TOLERANCE
        self._multiples = self._multiples + 1 if is_multiple else 0
        is_certain = self._has_stayed or self._spacing.on_change
        if self._has_warned or not (
            self.is_stepped and is_certain and self._multiples >= _MULTIPLES
        ):
            return
        self._has_warned = True
        text = (
            f"the counter's steps of {self._step:.4g} kWh are {60 * self._step:.3g} kW in a "
            "minute; power is spread over the time between steps"
        )
        self.notes.append(Remark(Notice.WARNING, text))


def _rollover(before_kwh: float, kwh: float) -> float | None:
    """Energy between two readings if the register rolled over at a power of ten."""
    if not before_kwh:
        return None
    end = 10.0 ** (math.floor(math.log10(before_kwh)) + 1)
    if end < _MIN_ROLLOVER_KWH:
        return None
    return round(end - before_kwh + kwh, _DECIMALS)
