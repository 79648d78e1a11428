"""Interface to what has followed the readings of a live source, for a clock that was ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from streamer.sources.live.absence import Jump
from streamer.sources.live.minutes import local_time
from streamer.sources.live.rules import FAR_S

if TYPE_CHECKING:
    from streamer.sources.live.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Rewound:
    """Result of setting readings aside.

    Attributes:
        last_at: time of the last reading that still counts; None if none does.
        text: one line about those that do not.
    """

    last_at: datetime | None
    text: str


class Rewinder(Protocol):
    """Pipeline and recording of a live source, called within its `read`."""

    def mark(self) -> None:
        """Take note that the clock was set far ahead."""

    def rewind(self, now: datetime) -> Rewound | None:
        """Set the readings aside that lie far in the future of a clock.

        Args:
            now: the time of that clock, which has run evenly for a while.

        Returns:
            The result; None if all readings count, since the clock may be wrong now.
        """


class Rewinding:
    """Use of a `Rewinder` at the right moments: when all readings so far have been used.

    Attributes:
        rewinder: the rewinder; None if readings are never set aside.
    """

    def __init__(self) -> None:
        self.rewinder: Rewinder | None = None
        self._is_ahead = False

    def jumped(self, jump: Jump | None) -> None:
        """Take note of a jump of the date."""
        self._is_ahead |= jump is not None and jump.away_s + jump.set_s > FAR_S

    def begin(self) -> None:
        """Begin a read, before which all readings returned were used."""
        if self._is_ahead and self.rewinder is not None:
            self.rewinder.mark()
        self._is_ahead = False

    def check(self, timeline: Timeline) -> None:
        """Set readings aside that are far ahead of a clock that runs evenly."""
        if self.rewinder is not None and timeline.is_muted():
            rewound = self.rewinder.rewind(local_time(timeline.date_s))
            if rewound is not None:
                timeline.rewind(rewound.last_at, rewound.text)
