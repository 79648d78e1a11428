"""State of the connection to a meter, and detection of silence.

No I/O and no clock: the time is passed in, in seconds on a monotonic clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from streamer.display.durations import lasting
from streamer.readings import Link

_MIN_SILENCE_S = 30.0
_SPACINGS = 3
_SPACINGS_KEPT = 10
_SAME_MOMENT_S = 0.1
_REPEAT_S = 60.0


@dataclass(frozen=True, slots=True)
class _Reported:
    link: Link
    since_s: float


class LinkWatch:
    """Completes the links of a feed, and detects when the meter is silent.

    A meter is silent when nothing has arrived for three times the longest recent interval.

    Args:
        stale_after_s: upper bound for that time.
        moment: converts a time of the clock to date and time.
        now_s: the time now.
        peer: name of the other end, until the feed reports it.
    """

    def __init__(
        self,
        stale_after_s: float,
        moment: Callable[[float], datetime],
        now_s: float,
        peer: str = "meter",
    ) -> None:
        self._stale_after = stale_after_s
        self._moment = moment
        self._first_peer = peer
        self._reported: _Reported | None = None
        self._heard_s = now_s  # time of the last sample, or of the connection
        self._sampled = False  # whether it was a sample
        self._spacings: deque[float] = deque(maxlen=_SPACINGS_KEPT)
        self._again_s = math.inf

    @property
    def due_s(self) -> float:
        """Time of the next check for silence."""
        if self._is(Link.LOST):
            return math.inf
        if self._is(Link.SILENT):
            return self._again_s
        return self._heard_s + self._patience_s

    def link(self, link: Link, now_s: float) -> Link | None:
        """Process a link of the feed; returns the link to pass on, if any."""
        same_state = self._is(link.state)
        if link.state == Link.UP:
            # In a new connection, the silence of the old one no longer matters.
            self._heard_s, self._sampled = now_s, False
            if same_state and self._reported is not None and link.peer == self._reported.link.peer:
                return None
        since_s = self._reported.since_s if same_state and self._reported is not None else now_s
        return self._report(link, since_s)

    def sample(self, now_s: float) -> Link | None:
        """Record a sample; returns a link if it ends a silence."""
        spacing_s = now_s - self._heard_s
        if self._sampled and spacing_s > _SAME_MOMENT_S:
            self._spacings.append(spacing_s)
        self._heard_s, self._sampled = now_s, True
        if not self._is(Link.SILENT):
            return None
        return self._report(Link(Link.UP, self._peer), now_s)

    def check(self, now_s: float) -> Link | None:
        """Return a link if the meter is silent and this should be reported (again)."""
        if now_s < self.due_s:
            return None
        self._again_s = now_s + _REPEAT_S
        text = f"nothing for {lasting(now_s - self._heard_s)}"
        return self._report(Link(Link.SILENT, self._peer, text), self._heard_s)

    def step(self, delta_s: float) -> Link | None:
        """Return the link with corrected times, after the date was set."""
        if self._reported is None or self._is(Link.UP):
            return None
        link, since_s = self._reported.link, self._reported.since_s
        if link.retry_at is not None:
            link = replace(link, retry_at=link.retry_at + timedelta(seconds=delta_s))
        return self._report(link, since_s)

    @property
    def _patience_s(self) -> float:
        usual_s = max(self._spacings, default=0.0)
        return min(max(_SPACINGS * usual_s, _MIN_SILENCE_S), self._stale_after)

    @property
    def _peer(self) -> str:
        return self._first_peer if self._reported is None else self._reported.link.peer

    def _is(self, state: str) -> bool:
        return self._reported is not None and self._reported.link.state == state

    def _report(self, link: Link, since_s: float) -> Link:
        link = replace(link, since=self._moment(since_s))
        self._reported = _Reported(link, since_s)
        return link
