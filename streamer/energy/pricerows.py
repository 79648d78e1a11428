"""Rows of a CSV or JSON file of prices: start, end, price and unit as text."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from streamer.display.lines import one_line, shorten
from streamer.energy.pricetimes import parse, split
from streamer.errors import ConfigError

_DELIMITERS = ";\t,"
_SAMPLE = 200
"""Rows that are looked at to find the columns."""

_FIRST_SEQUENCE = {"", "1", "sequence 1", "without sequence"}
"""Of several auctions in an ENTSO-E export, the one of the coupled day-ahead market."""

_TIME_KEYS = (
    "start", "startsat", "starttime", "timestart", "starttimestamp", "deliverystart", "from",
    "startdate", "validfrom",
    "hourutc", "timeutc", "timestamp", "readingdate", "datetime", "time", "hour",
)  # fmt: skip
_END_KEYS = (
    "end",
    "endsat",
    "endtime",
    "timeend",
    "endtimestamp",
    "deliveryend",
    "to",
    "till",
    "enddate",
    "validto",
)
_PRICE_KEYS = ("price", "value", "marketprice", "total")
_PARTS = {"raw_today", "raw_tomorrow", "today", "tomorrow"}
"""Lists of one area that belong together."""


class PriceRow(NamedTuple):
    """A price as it is in a file.

    Attributes:
        where: file and line, or number of the entry.
        start: its start time.
        end: its end; empty if it is not given.
        price: the price.
        heading: what is written above the times, which may name their zone.
        unit: what is written above or beside the prices, which may name their unit.
    """

    where: str
    start: str
    end: str
    price: str
    heading: str
    unit: str


def csv_rows(
    text: str, path: str, time: str | None, price: str | None, area: str | None
) -> Iterator[PriceRow]:
    """Rows of delimited text, with a heading or without.

    Args:
        text: the text.
        path: its file, for errors.
        time: heading of the start times; None to find them.
        price: heading of the prices; None to find them.
        area: value of the column `Area`; None for any.

    Raises:
        ConfigError: it is not such text, or its columns are not clear.
    """
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    delimiter = max(_DELIMITERS, key=head.count)
    try:
        parsed = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        rows = [(parsed.line_num, [cell.strip() for cell in row]) for row in parsed if any(row)]
    except csv.Error as error:
        raise ConfigError(f"{path}: {one_line(error)}; give delimited text or JSON") from None
    if not rows:
        return
    has_heading = not any(_is_time(cell) for cell in rows[0][1])
    names = rows[0][1] if has_heading else [f"column {n + 1}" for n in range(len(rows[0][1]))]
    rows = rows[1:] if has_heading else rows
    if not rows:
        return
    at = _named(names, time, path) if time else _time_column(names, rows, path)
    value = _named(names, price, path) if price else _price_column(names, rows, path)
    lower = [name.lower() for name in names]
    sequence = lower.index("sequence") if "sequence" in lower else None
    place = lower.index("area") if "area" in lower and area else None
    for number, row in rows:
        where = f"{path}:{number}"
        if len(row) <= max(at, value, sequence or 0, place or 0):
            raise ConfigError(f"{where}: {len(row)} columns, {len(names)} expected; is it cut off?")
        if sequence is not None and row[sequence].lower() not in _FIRST_SEQUENCE:
            continue
        if place is None or row[place].rpartition("|")[2] == area:
            start, end = split(row[at])
            yield PriceRow(where, start, end, row[value], names[at], names[value])


def _named(names: Sequence[str], name: str, path: str) -> int:
    if name not in names:
        raise ConfigError(f"{path}: no column {shorten(name)}; columns: {_list(names)}")
    return names.index(name)


def _time_column(names: Sequence[str], rows: Sequence[tuple[int, list[str]]], path: str) -> int:
    number, row = rows[0]
    found = [n for n, cell in enumerate(row[: len(names)]) if _is_time(cell)]
    if not found:
        raise ConfigError(
            f"{path}:{number}: no start time in this line; write times like 2026-10-25T02:00+02:00"
        )
    return next((n for n in found if "utc" in names[n].lower()), found[0])


def _price_column(names: Sequence[str], rows: Sequence[tuple[int, list[str]]], path: str) -> int:
    found: list[int] = []
    for _, row in rows[:_SAMPLE]:
        found += [n for n, cell in enumerate(row) if n not in found and _is_number(cell)]
    found = sorted(n for n in found if n < len(names))
    for word in ("day-ahead", "price", "value"):
        if len(found) > 1:
            found = [n for n in found if word in names[n].lower()] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(f"{path}: no column of prices; columns: {_list(names)}")
    raise ConfigError(
        f"{path}: several columns may be the prices; name one with price_column: "
        f"{_list([names[n] for n in found])}"
    )


def _is_time(cell: str) -> bool:
    return parse(split(cell)[0]) is not None


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return not _is_time(cell)


def json_rows(
    text: str, path: str, time: str | None, price: str | None, area: str | None
) -> Iterator[PriceRow]:
    """Entries of a JSON document: objects with a start time and a price, wherever they are.

    Args:
        text: the text.
        path: its file, for errors.
        time: key of the start times; None to find it.
        price: key of the prices; None to find it.
        area: key of the list, or of the price in each entry; None if there is only one.

    Raises:
        ConfigError: it is not such a document, or its keys are not clear.
    """
    try:
        document = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
        lists = dict(_lists(document, ""))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not valid JSON: values are nested too deeply") from None
    names = {name.rpartition(".")[2] for name in lists}
    if area is not None and area in names:
        lists = {name: each for name, each in lists.items() if name.rpartition(".")[2] == area}
    elif len(lists) > 1 and not names <= _PARTS:
        raise ConfigError(f"{path}: several lists of prices; choose one with area: {_list(names)}")
    common = document.get("unit", "") if isinstance(document, dict) else ""
    for name, entries in lists.items():
        for number, entry in enumerate(entries, start=1):
            where = f"{path}: entry {number}" + (f" of {one_line(name)}" if name else "")
            if isinstance(entry, dict):
                yield _entry(entry, where, time, price, area, str(common))


def _lists(value: Any, name: str) -> Iterator[tuple[str, list[Any]]]:
    """Lists of objects in a document, and columns as such a list, with the path to each."""
    if isinstance(value, list):
        if any(isinstance(each, dict) for each in value):
            yield name, value
    elif isinstance(value, dict):
        times, prices = value.get("unix_seconds"), value.get("price")
        if isinstance(times, list) and isinstance(prices, list):
            pairs = zip(times, prices, strict=False)
            yield name, [{"timestamp": at, "price": price} for at, price in pairs]
            return
        for key, each in value.items():
            yield from _lists(each, f"{name}.{key}" if name else key)


def _entry(
    entry: Mapping[str, Any],
    where: str,
    time: str | None,
    price: str | None,
    area: str | None,
    common: str,
) -> PriceRow:
    keys = {_plain(key): key for key in entry}
    at = time or next((keys[key] for key in _TIME_KEYS if key in keys), None)
    if at is None or at not in entry:
        raise ConfigError(f"{where}: no start time; name its key with time_column: {_list(entry)}")
    end = next((keys[key] for key in _END_KEYS if key in keys), "")
    per_area = entry.get("entryPerArea")
    if isinstance(per_area, dict):
        value, found = _of_area(per_area, where, area), "per MWh"
    else:
        key = price or next((keys[key] for key in _PRICE_KEYS if key in keys), None)
        if key is None or key not in entry:
            raise ConfigError(f"{where}: no price; name its key with price_column: {_list(entry)}")
        value, found = entry[key], key
    unit = f"{entry.get('unit', '')} {common} {found}"
    start, until = split(str(entry[at]))
    return PriceRow(where, start, until or str(entry.get(end) or ""), str(value), at, unit)


def _of_area(prices: Mapping[str, Any], where: str, area: str | None) -> Any:
    if area is None and len(prices) == 1:
        return next(iter(prices.values()))
    if area is None or area not in prices:
        raise ConfigError(f"{where}: several price areas; choose one with area: {_list(prices)}")
    return prices[area]


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace(" ", "")


def _list(names: Iterator[str] | Sequence[str] | Mapping[str, Any] | set[str]) -> str:
    return one_line(", ".join(sorted(map(str, names))[:12]))
