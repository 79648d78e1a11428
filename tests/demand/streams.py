"""Streams of minutes with gaps, zones and export, and their intervals by NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from streamer.readings import Reading

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

BRUSSELS = ZoneInfo("Europe/Brussels")
STARTS = (
    datetime(2024, 3, 31, 0, 20, tzinfo=UTC),  # the clock is set forward at 01:00
    datetime(2024, 10, 27, 0, 20, tzinfo=UTC),  # it is set back at 01:00
    datetime(2024, 2, 29, 22, 38, tzinfo=UTC),  # a month ends at 23:00
)
ZONES: tuple[tzinfo | None, ...] = (
    None,
    UTC,
    BRUSSELS,
    ZoneInfo("Asia/Kolkata"),
    ZoneInfo("Asia/Kathmandu"),
    ZoneInfo("Australia/Lord_Howe"),
)


@dataclass(frozen=True)
class Stream:
    """Minutes with a wall clock, as readings and as arrays.

    Attributes:
        readings: one for each measured minute.
        elapsed: (readings,) elapsed minutes since 1970.
        wall: (readings,) minutes on the clock on the wall since 1970.
        kw: (readings,) their power.
    """

    readings: list[Reading]
    elapsed: np.ndarray
    wall: np.ndarray
    kw: np.ndarray


def stream_of(minutes: list[int], kw: list[float], zone: tzinfo | None, start: datetime) -> Stream:
    """The readings some minutes after a start, each with the offset of its zone as a live one."""
    readings, wall = [], []
    for minute, value in zip(minutes, kw, strict=True):
        at = start + timedelta(minutes=minute)
        local = at if zone is None else at.astimezone(zone)
        offset = local.utcoffset() or timedelta(0)
        shown = local.replace(tzinfo=None, fold=0)
        wall.append(round((shown - EPOCH.replace(tzinfo=None)) / timedelta(minutes=1)))
        readings.append(
            Reading(
                shown if zone is None else local.replace(tzinfo=timezone(offset), fold=0), value
            )
        )
    first = round((start - EPOCH) / timedelta(minutes=1))
    return Stream(readings, first + np.array(minutes), np.array(wall), np.array(kw))


@st.composite
def streams(draw: st.DrawFn, *, most: int = 200) -> Stream:
    """Streams of up to so many minutes from one of the starts in one of the zones."""
    gaps = draw(
        st.lists(
            st.sampled_from([1] * 40 + [2, 3, 14, 15, 16, 59, 61, 200]), min_size=1, max_size=most
        )
    )
    kw = draw(
        st.lists(
            st.sampled_from([0.0, -0.5, 0.1, 0.3, 1.7, 2.25, -3.3, 7.0]),
            min_size=len(gaps),
            max_size=len(gaps),
        )
    )
    minutes = np.cumsum(gaps).tolist()
    return stream_of(minutes, kw, draw(st.sampled_from(ZONES)), draw(st.sampled_from(STARTS)))


@dataclass(frozen=True)
class Intervals:
    """Intervals of a stream, as arrays (intervals,).

    Attributes:
        start: elapsed minute of their beginning.
        minutes: number of minutes that were measured.
        imported: sum of positive powers in kW.
        exported: sum of negative powers, as a positive number.
        last: index of the last reading in each.
    """

    start: np.ndarray
    minutes: np.ndarray
    imported: np.ndarray
    exported: np.ndarray
    last: np.ndarray


def intervals_of(stream: Stream, length: int) -> Intervals:
    """Group the whole stream by the quarter-hour or hour on the clock on the wall."""
    starts = stream.elapsed - stream.wall % length
    found, place, minutes = np.unique(starts, return_inverse=True, return_counts=True)
    imported = np.bincount(place, np.maximum(stream.kw, 0.0))
    exported = np.bincount(place, np.maximum(-stream.kw, 0.0))
    return Intervals(found, minutes, imported, exported, np.cumsum(minutes) - 1)


def elapsed_of(at: datetime) -> int:
    """Elapsed minutes since 1970 of a time with or without a zone."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return round((aware - EPOCH) / timedelta(minutes=1))
