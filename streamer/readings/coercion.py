"""Coercion of a caller's readings to plain types."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from numbers import Real
from typing import Any

from streamer.errors import ReadingError
from streamer.readings import Reading


def coerced(reading: Reading) -> Reading:
    """The reading with a plain `datetime` and a plain `float`: usually itself.

    Other numbers (of NumPy, say, or `Decimal`) and subclasses of `datetime` (as of pandas) are
    converted, so that everything computed from them is plain too, and can be saved as JSON.

    Raises:
        ReadingError: it is not a reading, its value is not a number, or its time is not a
            `datetime`.

    >>> coerced(Reading(datetime(2010, 3, 19, 17), Decimal("0.25"))).kw
    0.25
    """
    try:
        at, kw = reading.at, reading.kw
    except AttributeError:
        raise ReadingError(
            f"{reading!r:.80} is not a reading; give a streamer.Reading(at, kw)"
        ) from None
    solar, battery = getattr(reading, "solar_kw", None), getattr(reading, "battery_kw", None)
    channels = getattr(reading, "channels", ())
    if (
        (type(kw) is float and type(at) is datetime and type(channels) is tuple)
        and solar is battery is None
        and (not channels or {*map(type, channels)} == {float})
    ):
        return reading
    return Reading(
        _moment(at),
        _kw(at, kw),
        _optional_kw(at, solar),
        _optional_kw(at, battery),
        _channels(at, channels),
        getattr(reading, "meter_demand", None),
    )


def _moment(at: Any) -> datetime:
    if isinstance(at, datetime):
        try:
            return datetime.combine(at.date(), at.timetz())
        except ValueError:  # pandas.NaT is a datetime without a date
            pass
    raise ReadingError(f"the time of a reading is {at!r:.80}; give a datetime.datetime")


def _optional_kw(at: datetime, kw: Any) -> float | None:
    return None if kw is None else _kw(at, kw)


def _channels(at: datetime, values: Any) -> tuple[float, ...]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ReadingError(f"channels of reading at {at} are {values!r:.80}; give a tuple")
    return tuple(_plain(value, f"a channel of reading at {at}", "of its unit") for value in values)


def _kw(at: datetime, kw: Any) -> float:
    return _plain(kw, f"reading at {at}", "of kW")


def _plain(value: Any, what: str, wanted: str) -> float:
    if not isinstance(value, bool) and isinstance(value, Real | Decimal):
        try:
            return float(value)
        except (OverflowError, ValueError) as error:
            raise ReadingError(f"{what} is not a finite number ({error})") from None
    raise ReadingError(f"{what} is {value!r:.80}; give a number {wanted}")
