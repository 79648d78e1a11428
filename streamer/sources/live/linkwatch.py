"""How the connection to a meter stands, and whether it has fallen silent.

Logic only: the time is passed in, in seconds on a clock that never goes back.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from streamer.display.durations import lasting
from streamer.readings import Link

_SILENT_AT_LEAST_S = 30.0
_SPACINGS = 3
_SPACINGS_KEPT = 10
_SAME_MOMENT_S = 0.1
_SAY_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class _Said:
    link: Link
    since_s: float


class LinkWatch:
    """Fills in what a feed leaves out of its links, and tells when a meter is silent.

    A meter is silent when nothing has come for three times as long as it ever lately took.

    Args:
        stale_after_s: a meter is silent after that at the latest.
        moment: the date and time of a moment of the clock.
        now_s: the time now.
        peer: who is at the other end, until the feed says so.
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
        self._said: _Said | None = None
        self._heard_s = now_s  # when the last sample came, or the connection was made
        self._sampled = False  # whether it was a sample
        self._spacings: deque[float] = deque(maxlen=_SPACINGS_KEPT)
        self._again_s = math.inf

    @property
    def due_s(self) -> float:
        """When it is to be looked whether the meter is silent."""
        if self._is(Link.LOST):
            return math.inf
        if self._is(Link.SILENT):
            return self._again_s
        return self._heard_s + self._patience_s

    def link(self, link: Link, now_s: float) -> Link | None:
        """Take what the feed says; what is to be passed on."""
        same_state = self._is(link.state)
        if link.state == Link.UP:
            # A new connection: how long the old one had been silent no longer matters.
            self._heard_s, self._sampled = now_s, False
            if same_state and self._said is not None and link.peer == self._said.link.peer:
                return None
        since_s = self._said.since_s if same_state and self._said is not None else now_s
        return self._say(link, since_s)

    def sample(self, now_s: float) -> Link | None:
        """Take note of a sample; the link, if it ends a silence."""
        spacing_s = now_s - self._heard_s
        if self._sampled and spacing_s > _SAME_MOMENT_S:
            self._spacings.append(spacing_s)
        self._heard_s, self._sampled = now_s, True
        if not self._is(Link.SILENT):
            return None
        return self._say(Link(Link.UP, self._peer), now_s)

    def look(self, now_s: float) -> Link | None:
        """The link, if the meter is silent and that is to be said (again)."""
        if now_s < self.due_s:
            return None
        self._again_s = now_s + _SAY_AGAIN_S
        text = f"nothing for {lasting(now_s - self._heard_s)}"
        return self._say(Link(Link.SILENT, self._peer, text), self._heard_s)

    def step(self, delta_s: float) -> Link | None:
        """The date has been set: the link with the times that are now right."""
        if self._said is None or self._is(Link.UP):
            return None
        link, since_s = self._said.link, self._said.since_s
        if link.retry_at is not None:
            link = replace(link, retry_at=link.retry_at + timedelta(seconds=delta_s))
        return self._say(link, since_s)

    @property
    def _patience_s(self) -> float:
        usual_s = max(self._spacings, default=0.0)
        return min(max(_SPACINGS * usual_s, _SILENT_AT_LEAST_S), self._stale_after)

    @property
    def _peer(self) -> str:
        return self._first_peer if self._said is None else self._said.link.peer

    def _is(self, state: str) -> bool:
        return self._said is not None and self._said.link.state == state

    def _say(self, link: Link, since_s: float) -> Link:
        link = replace(link, since=self._moment(since_s))
        self._said = _Said(link, since_s)
        return link
