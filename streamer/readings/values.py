"""Values that sources and feeds give: readings, samples, notices, and the state of a connection.

Power is in kW, import positive. Times are `datetime` values as the feed gives them:
naive where the feed has no zone, aware where it has one, never mixed in one stream.
"""

from __future__ import annotations

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
class Sample:
    """What a meter says: its power, from a moment on until it says something else.

    Attributes:
        kw: power in kW, import positive; NaN where the meter says that it does not know.
        at: the moment, with a zone; None for the moment at which it comes in.
    """

    kw: float
    at: datetime | None = None


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
