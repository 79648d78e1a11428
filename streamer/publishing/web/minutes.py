"""Past minutes as JSON, from the recording or since the start."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from streamer.errors import UsageError
from streamer.publishing import WatchedMeter
from streamer.publishing.web.charted import Minute, recorded_minute
from streamer.readings import Step
from streamer.readings.span import Span
from streamer.recording.export import KEYS, SOLAR_KEYS, recorded_minutes
from streamer.sinks.text import record
from streamer.web.access import RefusalError

MAX_MINUTES = 10_080
"""Most minutes in one answer: a week."""

MAX_KEPT = 1_440
"""Minutes kept of a meter that is not recorded: a day."""

CHARTED = timedelta(hours=8)
"""Time before now whose minutes are read for a chart: more than a chart shows."""

_MAX_READERS = 2
"""Recordings that are read at the same time."""

_FIRST_YEAR, _LAST_YEAR = 1970, 9998
_DAY = timedelta(days=1)
_QUERY = ("from", "to", "limit")


@dataclass(frozen=True)
class Query:
    """Which minutes are asked for.

    Attributes:
        span: the span that they are in.
        limit: most minutes, which are the first of the span.
    """

    span: Span
    limit: int

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Query:
        """Read the parameters of a URL.

        Raises:
            RefusalError: one of them is unknown or wrong.
        """
        for name in query:
            if name not in _QUERY:
                raise _wrong(name, f"unknown; there are: {', '.join(_QUERY)}")
        span = Span(_time("from", query), _time("to", query))
        try:
            span.check("from", "to")
        except UsageError as error:
            raise RefusalError(400, "wrong query", str(error)) from None
        text = query.get("limit", str(MAX_MINUTES))
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
        if not 1 <= limit <= MAX_MINUTES:
            raise _wrong("limit", f"give a number from 1 to {MAX_MINUTES}, not {text[:20]!r}")
        return cls(span, limit)


class KeptMinutes:
    """The latest minutes of a meter that is not recorded."""

    def __init__(self) -> None:
        self._rows: deque[tuple[datetime, dict[str, Any]]] = deque(maxlen=MAX_KEPT)

    def add(self, step: Step) -> None:
        """Add a minute; later ones, of a clock that was ahead, are dropped."""
        at, found = step.reading.at, record(step, ())
        while self._rows and self._rows[-1][0] >= at:
            self._rows.pop()
        self._rows.append((at, {key: found[key] for key in KEYS + SOLAR_KEYS if key in found}))

    def of(self, span: Span, limit: int) -> list[dict[str, Any]]:
        """The first minutes of a span, as those of a recording.

        Raises:
            UsageError: a bound has a zone, but the minutes have none.
        """
        found: list[dict[str, Any]] = []
        for at, row in self._rows:
            if span.ends_by(at) or len(found) == limit:
                break
            if not span.starts_after(at):
                found.append(row)
        return found


def recent_minutes(path: Path, now: datetime) -> list[Minute]:
    """The recorded minutes of the last hours, for a chart.

    Raises:
        RecordError: the recording cannot be read.
    """
    span = Span(start=now - CHARTED)
    rows = recorded_minutes(path, span, MAX_MINUTES)
    return [minute for minute in map(recorded_minute, rows) if minute is not None]


class PastMinutes:
    """Reads past minutes, a few requests at a time, and in threads where a disk is read.

    Args:
        now: the present time with a zone.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._readers = asyncio.Semaphore(_MAX_READERS)

    async def of(self, meter: WatchedMeter, kept: KeptMinutes, query: Query) -> str:
        """The minutes that are asked for, as the text of a JSON object.

        Args:
            meter: the meter.
            kept: its minutes since the start, for one that is not recorded.
            query: which minutes; without a beginning, those of the last day.

        Raises:
            RefusalError: the bounds do not fit the times of the meter.
            RecordError: the recording cannot be read.
        """
        try:
            if meter.record is None:
                return _text(meter, kept.of(query.span, query.limit + 1), query.limit)
            span = query.span
            if span.start is None:
                span = replace(span, start=(span.end or self._now()) - _DAY)
            async with self._readers:
                return await asyncio.to_thread(_recorded, meter, meter.record, span, query.limit)
        except UsageError as error:
            raise RefusalError(400, "wrong query", str(error)) from None


def _recorded(meter: WatchedMeter, path: Path, span: Span, limit: int) -> str:
    return _text(meter, recorded_minutes(path, span, limit + 1), limit)


def _text(meter: WatchedMeter, found: Sequence[Mapping[str, Any]], limit: int) -> str:
    """The minutes up to the limit as a JSON object, and the time of the one after them, if any."""
    later = found[limit]["at"] if len(found) > limit else None
    value = {"meter": meter.key, "minutes": found[:limit], "next": later}
    return json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"


def _time(name: str, query: Mapping[str, str]) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        # In a URL, a plus means a space, unless it is written as %2B.
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        at = None
    if at is None or not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise _wrong(name, f"give a time like 2026-11-29T12:00:00Z, not {text[:40]!r}")
    return at


def _wrong(name: str, remedy: str) -> RefusalError:
    return RefusalError(400, "wrong query", f"{name}: {remedy}")
