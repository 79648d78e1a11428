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
from streamer.feeds import Pace
from streamer.readings import Link
from streamer.sources.live.spacing import Spacing

_ANY_PACE = Pace()
_REPEAT_S = 60.0
_QUIET_S = 2.0  # for which a connection is without a value before this is mentioned
_MIN_SILENCE_AGAIN_S = 90.0  # after a loss; longer than feeds wait for bytes on an idle port
_HOUR_S = 3600.0
_FREE_LOSSES = 3  # within an hour, before a connection has to hold to count as up
_MAX_HOLD = 8.0  # times the longest wait between two attempts to connect
_METER = "meter"


@dataclass(frozen=True, slots=True)
class _Reported:
    link: Link
    since_s: float


@dataclass(slots=True)
class _Connection:
    """The present connection.

    Attributes:
        link: as the feed reported it.
        made_s: when it was made.
        valued_s: time of its first sample; infinite before there is one.
        mentioned: whether it was mentioned while the link still counts as lost.
    """

    link: Link
    made_s: float
    valued_s: float = math.inf
    mentioned: bool = False


class LinkWatch:
    """Completes the links of a feed, and detects when the meter is silent.

    The link to a meter is up from its first sample on: a port that forwards its bytes may be
    open without it. The link to a broker, a sender or a file is also up when it has held for
    a moment. After several losses within an hour it has to hold for a while first, so that a
    connection that comes and goes is reported as one loss, not as hundreds.

    A meter is silent when nothing has arrived for three times its usual spacing; one that
    sends changes only, when its last value is no longer valid.

    Args:
        stale_after_s: upper bound for that time.
        moment: converts a time of the clock to date and time.
        now_s: the time now.
        peer: name of the other end, until the feed reports it.
        pace: what is known beforehand of how often samples arrive.
        retry_max_s: longest wait in seconds between two attempts to connect.
        silence: whether to detect silence.
    """

    def __init__(
        self,
        stale_after_s: float,
        moment: Callable[[float], datetime],
        now_s: float,
        peer: str = _METER,
        pace: Pace = _ANY_PACE,
        *,
        retry_max_s: float = 60.0,
        silence: bool = True,
    ) -> None:
        self._spacing = Spacing(pace, stale_after_s)
        self._moment = moment
        self._first_peer = peer
        self._retry_max = retry_max_s
        self._detects_silence = silence
        self._reported: _Reported | None = None
        self._connection: _Connection | None = None
        self._heard_s = now_s  # time of the last sample, or of the connection
        self._again_s = math.inf
        self._losses: deque[float] = deque(maxlen=100)

    @property
    def due_s(self) -> float:
        """Time of the next check for silence, or for a link that has held."""
        connection = self._connection
        if self._is(Link.SILENT):
            return self._again_s
        if not self._is(Link.LOST):
            is_new = self._reported is None and connection is not None
            return min(self._up_s if is_new else math.inf, self._silent_s)
        if connection is None:
            return math.inf
        mention_s = math.inf if connection.mentioned else connection.made_s + _QUIET_S
        return min(mention_s, self._up_s, self._silent_again_s)

    def link(self, link: Link, now_s: float) -> Link | None:
        """Process a link of the feed; returns the link to pass on, if any."""
        if link.state == Link.UP:
            # In a new connection, the silence of the old one no longer matters.
            self._heard_s = now_s
            self._spacing.restart()
            self._connection = _Connection(link, now_s)
            is_other = self._is(Link.UP) and link.peer != self._peer
            return self._report(link, now_s) if is_other else None
        if link.state == Link.LOST:
            link = self._lost(link, now_s)
        since_s = now_s
        if self._is(link.state) and self._reported is not None:
            since_s = self._reported.since_s
        return self._report(link, since_s)

    def sample(self, now_s: float) -> Link | None:
        """Record a sample; returns a link if it ends a silence or a loss."""
        self._spacing.add(now_s)
        self._heard_s = now_s
        connection = self._connection
        if connection is None:
            connection = self._connection = _Connection(Link(Link.UP, self._peer), now_s)
        connection.valued_s = min(connection.valued_s, now_s)
        if self._is(Link.UP):
            return None
        if self._is(Link.LOST):
            return self._held(now_s)
        # The end of a silence is not the beginning of the connection.
        text = "" if self._is(Link.SILENT) else connection.link.text
        return self._report(Link(Link.UP, connection.link.peer, text), now_s)

    def check(self, now_s: float) -> Link | None:
        """Return the link if its state has changed with time, or silence continues."""
        if now_s < self.due_s:
            return None
        connection = self._connection
        if self._is(Link.LOST) and connection is not None:
            if now_s < self._silent_again_s:
                return self._held(now_s) or self._mention(connection)
        elif self._reported is None and now_s < self._silent_s:
            return self._held(now_s)
        self._again_s = now_s + _REPEAT_S
        peer = self._peer if connection is None else connection.link.peer
        text = f"nothing for {lasting(now_s - self._heard_s)}"
        return self._report(Link(Link.SILENT, peer, text), self._heard_s)

    def step(self, delta_s: float) -> Link | None:
        """Return the link with corrected times, after the date was set."""
        if self._reported is None or self._is(Link.UP):
            return None
        link, since_s = self._reported.link, self._reported.since_s
        if link.retry_at is not None:
            link = replace(link, retry_at=link.retry_at + timedelta(seconds=delta_s))
        return self._report(link, since_s)

    def absent(self, now_s: float) -> None:
        """Take note that nobody listened until now: that is no silence of the meter."""
        self._heard_s = now_s
        self._spacing.restart()

    def _lost(self, link: Link, now_s: float) -> Link:
        """Count a loss; returns the link with the count."""
        connection, self._connection = self._connection, None
        self._spacing.restart()
        # A port that closes each connection at once was never up.
        if connection is not None and (
            self._is(Link.UP)
            or math.isfinite(connection.valued_s)
            or now_s - connection.made_s >= _MIN_SILENCE_AGAIN_S
        ):
            self._losses.append(now_s)
        while self._losses and self._losses[0] <= now_s - _HOUR_S:
            self._losses.popleft()
        count = len(self._losses)
        if count <= 1:
            return link
        return replace(link, text=f"{link.text} ({self._lost_text})".strip())

    def _held(self, now_s: float) -> Link | None:
        """Return the link as up, once it has held for long enough."""
        connection = self._connection
        if connection is None or now_s < self._up_s:
            return None
        since_s = min(connection.valued_s, now_s)
        return self._report(connection.link, since_s)

    def _mention(self, connection: _Connection) -> Link | None:
        """Return a lost link with the fact that it is connected again."""
        if connection.mentioned or self._reported is None:
            return None
        connection.mentioned = True
        has_values = math.isfinite(connection.valued_s)
        what = self._lost_text if has_values else "no value yet"
        text = f"{connection.link.text or 'connected again'}; {what}"
        return self._report(Link(Link.LOST, connection.link.peer, text), self._reported.since_s)

    @property
    def _up_s(self) -> float:
        """Time from which the connection counts as up."""
        connection = self._connection
        if connection is None:
            return math.inf
        begin_s = connection.valued_s
        if connection.link.peer != _METER:
            begin_s = min(begin_s, connection.made_s + _QUIET_S)
        return begin_s + self._hold_s

    @property
    def _hold_s(self) -> float:
        """Seconds for which a connection has to hold, by the losses of the last hour."""
        excess = len(self._losses) - _FREE_LOSSES
        return self._retry_max * min(2.0 ** (excess - 1), _MAX_HOLD) if excess > 0 else 0.0

    @property
    def _silent_s(self) -> float:
        return self._heard_s + self._spacing.silent_s if self._detects_silence else math.inf

    @property
    def _silent_again_s(self) -> float:
        """Time of silence after a loss."""
        return max(self._silent_s, self._heard_s + _MIN_SILENCE_AGAIN_S) + self._hold_s

    @property
    def _lost_text(self) -> str:
        return f"lost {len(self._losses)} times within an hour"

    @property
    def _peer(self) -> str:
        return self._first_peer if self._reported is None else self._reported.link.peer

    def _is(self, state: str) -> bool:
        return self._reported is not None and self._reported.link.state == state

    def _report(self, link: Link, since_s: float) -> Link:
        link = replace(link, since=self._moment(since_s))
        self._reported = _Reported(link, since_s)
        return link
