"""Periods of a tariff: prices by time of day and day of the week, from tables of a file."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

from streamer.energy.tariff import Period
from streamer.energy.tarifftable import Table
from streamer.errors import ConfigError

_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS = {"weekdays": frozenset(range(5)), "weekend": frozenset({5, 6})}
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_QUARTER = 15
_DAY = 1440


def periods_of(table: Table, *, has_rest: bool) -> tuple[Period, ...]:
    """The periods of a table of prices.

    Args:
        table: the table, of which the key `periods` is read.
        has_rest: whether there is a price for all other times.

    Raises:
        ConfigError: a value is wrong, or without such a price a time has none.
    """
    value = table.take("periods")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        table.wrong("periods", "…", f"begin each with a line {_heading(table)}")
    found = tuple(
        _period(Table(each, f"{table.where} period {number}"))
        for number, each in enumerate(value, start=1)
    )
    if not has_rest:
        _check_whole_week(found, table)
    return found


def _period(table: Table) -> Period:
    price = table.number("price")
    if price is None:
        raise ConfigError(f"{table.where}: no price; add price = 0.25 for a kWh")
    days = _days(table)
    start, end = _minute(table, "from", 0), _minute(table, "to", _DAY)
    table.end()
    if start == _DAY:
        table.wrong("from", "24:00", 'give "00:00" for midnight')
    if start == end:
        table.wrong("to", f"{end // 60:02}:{end % 60:02}", "give a time other than that of from")
    return Period(price, days, start, end or _DAY)


def _days(table: Table) -> frozenset[int]:
    value = table.take("days")
    if value is None:
        return frozenset(range(7))
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not parts:
        return table.wrong("days", value, _days_remedy())
    days: frozenset[int] = frozenset()
    for part in parts:
        found = _span(part.strip().lower()) if isinstance(part, str) else None
        if found is None:
            table.wrong("days", part, _days_remedy())
        days |= found
    return days


def _days_remedy() -> str:
    return f'give "weekdays", "weekend", or some of {", ".join(_NAMES)}, such as "mon-thu, sat"'


def _span(text: str) -> frozenset[int] | None:
    """Days of a name or a range, which may go over the end of the week.

    >>> sorted(_span("sat-mon")), _span("today")
    ([0, 5, 6], None)
    """
    if text in _GROUPS:
        return _GROUPS[text]
    first, dash, last = (part.strip() for part in text.partition("-"))
    if first not in _NAMES or (dash and last not in _NAMES):
        return None
    start = _NAMES.index(first)
    end = _NAMES.index(last) if dash else start
    return frozenset((start + n) % 7 for n in range((end - start) % 7 + 1))


def _minute(table: Table, key: str, default: int) -> int:
    """A time of day in minutes, as a text or as a local time of TOML."""
    value: Any = table.take(key)
    if value is None:
        return default
    if isinstance(value, time):
        value = f"{value:%H:%M}" if not value.second else value
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    minute = 60 * int(found[1]) + int(found[2]) if found else -1
    if minute < 0 or minute > _DAY or minute % _QUARTER:
        table.wrong(key, value, 'give a full quarter-hour, such as "22:00" or "06:45"')
    return minute


def _check_whole_week(periods: tuple[Period, ...], table: Table) -> None:
    for weekday, name in enumerate(_NAMES):
        for minute in range(0, _DAY, _QUARTER):
            if not any(period.holds(weekday, minute) for period in periods):
                raise ConfigError(
                    f"{table.where}: no price on {name} at {minute // 60:02}:{minute % 60:02}; "
                    "add price = … for all times that no period has"
                )


def _heading(table: Table) -> str:
    return f"[[{table.where.rpartition('[')[2].rstrip(']')}.periods]]"
