"""Demand registers of a meter as rows of a recording, so that a resumed run is bit for bit.

The running average of the quarter-hour changes with each minute. The months' peaks seldom do, and
are written only where they differ from those before.
"""

from __future__ import annotations

import json
import math
import sqlite3
from datetime import datetime
from typing import Any, TypeAlias

from streamer.readings.meterdemand import MeterDemand, MonthPeak
from streamer.recording.database import InvalidValueError

_Peaks: TypeAlias = tuple[MonthPeak | None, tuple[MonthPeak, ...]]
"""Peak of the running month, and those of earlier months."""

MAX_MONTHS = 13
"""Most earlier months whose peaks a meter has."""

_WRITE = (
    "INSERT INTO meter_registers (at, so_far_kw, peaks) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)


def peaks_text(demand: MeterDemand) -> str:
    """The months' peaks of some registers as JSON: the running month's, and the earlier ones.

    >>> peaks_text(MeterDemand(2.5, MonthPeak(datetime(2026, 3, 1, 18, 15), 4.25)))
    '[["2026-03-01T18:15:00",4.25],[]]'
    """
    peak = None if demand.peak is None else _peak_row(demand.peak)
    return json.dumps([peak, [*map(_peak_row, demand.months)]], separators=(",", ":"))


def write_registers(
    connection: sqlite3.Connection, at: int, demand: MeterDemand, peaks: str | None
) -> str:
    """Write the registers of a minute, within a transaction; returns its peaks as `peaks_text`.

    Args:
        connection: connection to the recording.
        at: time of the minute in Unix seconds.
        demand: the registers at its end.
        peaks: peaks of the minute before, which are not written again; None if they are not known.
    """
    text = peaks_text(demand)
    row = at, demand.so_far_kw, None if text == peaks else text
    connection.execute(_WRITE, row)
    return text


class Registers:
    """Registers of successive minutes, as they were recorded.

    Args:
        connection: connection to the recording.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._peaks: _Peaks | None = None

    def between(self, first: int, last: int) -> dict[int, MeterDemand]:
        """The registers by minute, from one time in Unix seconds to another, both included.

        The times are later than in the calls before. Minutes without registers are left out.

        Raises:
            InvalidValueError: they are not what a recorder writes.
        """
        rows = self._connection.execute(
            "SELECT at, so_far_kw, peaks FROM meter_registers WHERE at BETWEEN ? AND ? ORDER BY at",
            (first, last),
        ).fetchall()
        if rows and self._peaks is None:
            self._peaks = _peaks_before(self._connection, rows[0][0])
        found = {}
        for at, so_far_kw, text in rows:
            if text is not None:
                self._peaks = _peaks(text)
            peak, months = self._peaks or (None, ())
            found[at] = MeterDemand(None if so_far_kw is None else _kw(so_far_kw), peak, months)
        return found


def meter_peaks(connection: sqlite3.Connection, before: int) -> tuple[MonthPeak, ...]:
    """The months' peaks that the meter had before a time in Unix seconds, the running one last.

    Raises:
        InvalidValueError: they are not what a recorder writes.
    """
    peak, months = _peaks_before(connection, before)
    return months if peak is None else (*months, peak)


def _peaks_before(connection: sqlite3.Connection, at: int) -> _Peaks:
    row = connection.execute(
        "SELECT peaks FROM meter_registers WHERE at < ? AND peaks IS NOT NULL"
        " ORDER BY at DESC LIMIT 1",
        (at,),
    ).fetchone()
    return (None, ()) if row is None else _peaks(row[0])


def _peak_row(peak: MonthPeak) -> list[Any]:
    return [peak.start.isoformat(), peak.kw]


def _peaks(text: object) -> _Peaks:
    try:
        peak, months = json.loads(str(text))
        if len(months) > MAX_MONTHS:
            raise ValueError("too many months")
        return None if peak is None else _peak(*peak), tuple(_peak(*month) for month in months)
    except (RecursionError, TypeError, ValueError):
        raise InvalidValueError(f"{str(text)[:40]!r} is not what a meter's peaks are") from None


def _peak(start: str, kw: object) -> MonthPeak:
    return MonthPeak(datetime.fromisoformat(start), _kw(kw))


def _kw(kw: object) -> float:
    if not isinstance(kw, float) or not 0.0 <= kw < math.inf:
        raise InvalidValueError(f"{str(kw)[:40]!r} is not a register of a meter")
    return kw
