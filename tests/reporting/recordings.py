"""Synthetic recordings for reports, written row by row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from streamer.recording.database import open_for_writing
from streamer.reporting.data import DAY, Recorded, read_period

ZONE = ZoneInfo("Europe/Paris")
START = datetime(2010, 3, 19, tzinfo=ZONE)
SETTINGS = {"model": "sceaux", "confidence": "0.9", "source": "mqtt://broker/meter"}


@dataclass(frozen=True)
class Row:
    """One reading: its time, its value, and the forecast and band that it settled."""

    at: datetime
    kw: float
    forecast_kw: float | None = None
    low_kw: float | None = None
    high_kw: float | None = None
    frozen_kw: float | None = None
    median_kw: float | None = None
    solar_kw: float | None = None
    battery_kw: float | None = None


def minutes(
    kw: Iterable[float],
    *,
    start: datetime = START,
    warm_up: int = 49,
    off_kw: Sequence[float] | None = None,
    width_kw: float = 0.2,
) -> list[Row]:
    """Rows a minute apart.

    Args:
        kw: values in kW; NaN leaves a minute out.
        start: the first minute.
        warm_up: readings before the first that settles a forecast.
        off_kw: forecast minus actual of each minute; None for half of the last change.
        width_kw: width of the bands.
    """
    values = list(kw)
    rows: list[Row] = []
    for minute, value in enumerate(values):
        if math.isnan(value):
            continue
        at = (start.astimezone(ZoneInfo("UTC")) + timedelta(minutes=minute)).astimezone(ZONE)
        if len(rows) < warm_up:
            rows.append(Row(at, value))
            continue
        off = (rows[-1].kw - value) / 2 if off_kw is None and rows else 0.0
        forecast = value + (off if off_kw is None else off_kw[minute])
        low, high = forecast - width_kw / 2, forecast + width_kw / 2
        rows.append(Row(at, value, forecast, low, high, forecast + 0.01, forecast - 0.02))
    return rows


def household(count: int, *, seed: int = 0) -> list[float]:
    """Synthetic power of a house in kW."""
    rng = np.random.default_rng(seed)
    base = 0.3 + 0.2 * (np.arange(count) // 30 % 2)
    cooking = 2.0 * (np.arange(count) % 720 > 660)
    return [round(float(value), 3) for value in base + cooking + rng.normal(0.0, 0.03, count)]


def record(
    path: Path,
    rows: Iterable[Row],
    *,
    alarms: Iterable[tuple[int, str, str, int | None]] = (),
    events: Iterable[tuple[int, str, str]] = (),
    settings: dict[str, str] | None = None,
) -> Path:
    """Write a recording.

    Args:
        path: file to write.
        rows: readings.
        alarms: begin, kind, text and end of each alarm.
        events: time, kind and text of each event.
        settings: settings of the recording.
    """
    connection = open_for_writing(path)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO steps (at, utc_offset, actual_kw, forecast_kw, low_kw, high_kw, frozen_kw,"
        " median_kw, solar_kw, battery_kw, gap_minutes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        [
            (
                unix(r.at),
                _ahead(r.at),
                r.kw,
                r.forecast_kw,
                r.low_kw,
                r.high_kw,
                r.frozen_kw,
                r.median_kw,
                r.solar_kw,
                r.battery_kw,
            )
            for r in rows
        ],
    )
    connection.executemany(
        "INSERT INTO alarms (at, kind, text, size, over_at) VALUES (?, ?, ?, 1.0, ?)", alarms
    )
    connection.executemany("INSERT INTO events (at, kind, text) VALUES (?, ?, ?)", events)
    stored = SETTINGS if settings is None else settings
    connection.executemany("INSERT INTO settings VALUES (?, ?)", stored.items())
    connection.execute("COMMIT")
    connection.close()
    return path


def recorded(
    folder: Path, rows: Iterable[Row], *, period: str = DAY, until: datetime | None = None
) -> Recorded:
    """Write a new recording into a folder, and read a period of it."""
    path = folder / f"house{len(list(folder.iterdir()))}.db"
    return read_period(record(path, rows), period, until)


def unix(at: datetime) -> int:
    return round(at.timestamp())


def _ahead(at: datetime) -> int:
    offset = at.utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
