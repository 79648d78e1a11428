"""Navigation in the past: the time and the span that the chart shows."""

from __future__ import annotations

from streamer.dashboard.zoom import NORMAL, zooms
from streamer.display.durations import lasting
from streamer.history.columns import PastView
from streamer.history.past import Past
from streamer.readings import Alarm
from streamer.readings.seconds import local_time, seconds_of

_MINUTE_S = 60
_STEPS_IN_A_PAGE = 8


class Navigation:
    """The part of the past that the chart shows, changed by keys.

    Args:
        past: the minutes that can be shown.

    Attributes:
        width: columns of the chart; to be set before a key and before a frame.
        taken: columns that the usual view has less, for the fan beside it; to be set likewise.
    """

    def __init__(self, past: Past) -> None:
        self.width = 1
        self.taken = 0
        self._past = past
        self._zoom = NORMAL
        # The end of the last column, as by `seconds_of`; None while the newest minute is shown.
        self._end: int | None = None
        self._alarm_at: int | None = None

    @property
    def following(self) -> bool:
        """Whether the newest minute is shown, and new ones as they arrive."""
        return self._end is None

    @property
    def state(self) -> object:
        """A value that differs between two views of the same minutes."""
        return self._zoom, self._end

    def view(self, newest: int) -> PastView | None:
        """The present view; None for the usual one: the newest minutes, a column each.

        Args:
            newest: time of the newest minute to show, as by `seconds_of`.
        """
        if self.following and self._zoom == NORMAL:
            return None
        # NumPy is not imported before the first picture.
        from streamer.dashboard.bins import binned

        first = self._past.first_at
        if first is None:
            return None
        start, end, offset = self._span(newest)
        bins = self._past.bins(start, self._zoom.seconds, self._bins, before=newest + 1)
        columns = binned(bins, self._zoom, start, known=(first, newest))[-self.width :]
        span = lasting(end - start)
        if self.following:
            title = f"the last {span} · {self._zoom}"
        else:
            title = f"{span} to {local_time(end, offset):%Y-%m-%d %H:%M} · {self._zoom}"
        return PastView(tuple(columns), title, self.following)

    def back(self) -> str:
        """Scroll back by a part of a page; returns a message for the user, as all keys do."""
        return self._scroll(-max(1, self._bins // _STEPS_IN_A_PAGE))

    def forward(self) -> str:
        """Scroll forward by a part of a page."""
        return self._scroll(max(1, self._bins // _STEPS_IN_A_PAGE))

    def page_back(self) -> str:
        """Scroll back by a page, or by what is shown of it beside the fan."""
        usual = self.following and self._zoom == NORMAL
        return self._scroll((self.taken if usual else 0) - self._bins)

    def page_forward(self) -> str:
        """Scroll forward by a page."""
        return self._scroll(self._bins)

    def oldest(self) -> str:
        """Show the oldest minutes."""
        first = self._past.first_at
        if first is not None:
            self._show_until(first)
        return self._past.error

    def newest(self) -> str:
        """Show the newest minute again, and new ones as they arrive."""
        self._end = self._alarm_at = None
        return ""

    def longer(self) -> str:
        """Show a longer span."""
        return self._change_zoom(1)

    def shorter(self) -> str:
        """Show a shorter span."""
        return self._change_zoom(-1)

    def alarm_back(self) -> str:
        """Show the last alarm before the one shown, or before the end of the chart."""
        newest = self._past.last_at
        if newest is None:
            return ""
        end, alarm_at = self._end, self._alarm_at
        if end is None:
            end = newest + _MINUTE_S
            if alarm_at is not None and alarm_at < end - self._bins * self._zoom.seconds:
                alarm_at = None  # new minutes have moved it out of sight
        found = self._past.alarm_before(end if alarm_at is None else alarm_at)
        return self._show_alarm(found, "earlier")

    def alarm_forward(self) -> str:
        """Show the first alarm after the one shown, or after the beginning of the chart."""
        newest = self._past.last_at
        if newest is None:
            return ""
        if self._alarm_at is None:
            if self._end is None:
                return self._show_alarm(None, "later")
            after = self._end - self._bins * self._zoom.seconds - 1
        else:
            after = self._alarm_at
        return self._show_alarm(self._past.alarm_after(after), "later")

    @property
    def _bins(self) -> int:
        return self._zoom.bins(self.width)

    def _span(self, newest: int) -> tuple[int, int, int]:
        """Beginning of the first column, end of the last one, and offset from UTC there."""
        end = newest + 1 if self._end is None else self._end
        offset = self._past.utc_offset(min(end, newest + 1))
        # Columns begin at round local times.
        seconds = self._zoom.seconds
        end = -(-(end + offset) // seconds) * seconds - offset
        return end - self._bins * seconds, end, offset

    def _scroll(self, bins: int) -> str:
        newest = self._past.last_at
        if newest is None:
            return ""
        _, end, _ = self._span(newest)
        return self._show_until(end + bins * self._zoom.seconds)

    def _show_until(self, end: int) -> str:
        """Show what is before a time, within what there is."""
        first, newest = self._past.first_at, self._past.last_at
        self._alarm_at = None
        if first is None or newest is None:
            return ""
        seconds = self._zoom.seconds
        # Rounded up to whole columns, this leaves the first minute in the first of them.
        earliest = first + 1 + (self._bins - 1) * seconds
        self._end = max(end, earliest)
        if self._span(newest)[1] > newest:
            self._end = None
        if end < earliest:
            return self._past.error or "nothing earlier"
        return self._past.error

    def _change_zoom(self, step: int) -> str:
        levels = zooms(self.width)
        spans = [level.minutes / level.columns for level in levels]
        now = self._zoom.minutes / self._zoom.columns
        others = [i for i, span in enumerate(spans) if (span > now if step > 0 else span < now)]
        if not others:
            return f"this is the {'longest' if step > 0 else 'shortest'} span"
        middle_to_end = self._bins * self._zoom.seconds // 2
        alarm_at, middle = self._alarm_at, None
        if self._end is not None:
            middle = self._end - middle_to_end if alarm_at is None else alarm_at
        self._zoom = levels[others[0] if step > 0 else others[-1]]
        if middle is not None:
            self._center(middle)
            self._alarm_at = alarm_at
        return self._past.error

    def _center(self, at: int) -> str:
        return self._show_until(at + self._bins * self._zoom.seconds // 2)

    def _show_alarm(self, alarm: Alarm | None, direction: str) -> str:
        if alarm is None:
            return self._past.error or f"no {direction} alarm"
        at = seconds_of(alarm.at)
        self._center(at)
        self._alarm_at = at
        return f"{alarm.at:%Y-%m-%d %H:%M} {alarm.kind}: {alarm.text}"
