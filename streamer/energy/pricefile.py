"""Market prices from a CSV or JSON file, as exchanges, suppliers and home automation write them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from streamer.display.lines import one_line, shorten
from streamer.energy.days import minute_of
from streamer.energy.pricerows import PriceRow, csv_rows, json_rows
from streamer.energy.prices import Prices, TwoPricesError
from streamer.energy.pricetimes import instant, parse
from streamer.errors import ConfigError

MAX_PRICE = 10_000
"""Largest price of a kWh, in either direction."""

_MAX_BYTES = 32 << 20
_CHECK_S = 10.0
_QUARTER = 15
_UNKNOWN = {"", "-", "–", "n/e", "n/a", "na", "nan", "null", "none"}
_ZONES = {
    "cet/cest": "Europe/Brussels",
    "eet/eest": "Europe/Helsinki",
    "wet/west": "Europe/Lisbon",
}
"""Zones that exports name in the heading of their times."""


@dataclass(frozen=True)
class PriceLayout:
    """Where prices are in a file, as far as the file does not show it.

    Attributes:
        zone: zone of times that have none.
        unit: `kWh` or `MWh`; None if the file gives it.
        time: name of the column or key of the start times; None to find it.
        price: name of that of the prices; None to find it.
        area: name of the price area; None if there is only one.
    """

    zone: tzinfo
    unit: str | None = None
    time: str | None = None
    price: str | None = None
    area: str | None = None


class PriceFile:
    """Prices of a file, read anew when a later price is asked for and the file has changed.

    So a file to which the prices of tomorrow are added every day serves a stream that never ends.
    Where it cannot be read any more, the prices that were read before remain.

    Args:
        path: the file.
        layout: where its prices are.

    Raises:
        ConfigError: it cannot be read, or is not understood.
    """

    def __init__(self, path: Path, layout: PriceLayout) -> None:
        self.path, self._layout = path, layout
        self._stamp = _stamp(path)
        self._prices = read_prices(path, layout)
        self._checked_s = time.monotonic()

    def at(self, minute: int) -> Decimal | None:
        """The price of a kWh in a minute in UTC; None if the file has none."""
        price = self._prices.at(minute)
        if price is None and minute >= self._prices.ends[-1] and self._is_newer():
            price = self._prices.at(minute)
        return price

    def _is_newer(self) -> bool:
        """Read the file if it has changed; looked at every few seconds at most."""
        now_s = time.monotonic()
        if now_s - self._checked_s < _CHECK_S:
            return False
        self._checked_s = now_s
        try:
            stamp = _stamp(self.path)
            if stamp == self._stamp:
                return False
            self._prices = read_prices(self.path, self._layout)
        except ConfigError:
            return False  # written to at this moment, perhaps: it is tried again
        self._stamp = stamp
        return True


def read_prices(path: Path, layout: PriceLayout) -> Prices:
    """Read the prices of a file, per kWh.

    Raises:
        ConfigError: it cannot be read, or is not understood; the message names the line or the
            entry, the value, and the remedy.
    """
    text = _text(path)
    rows = json_rows if text.lstrip()[:1] in ("[", "{") else csv_rows
    found = rows(text, one_line(path), layout.time, layout.price, layout.area)
    entries = list(_entries(found, layout, path))
    try:
        prices = Prices.of(entries)
    except TwoPricesError as error:
        at = datetime.fromtimestamp(60 * error.minute, UTC)
        raise ConfigError(
            f"{path}: two prices for {at:%Y-%m-%d %H:%M} UTC; give a file of one price area"
        ) from None
    if not prices.starts:
        raise ConfigError(f"{path}: no prices in it; give a file with start times and prices")
    return prices


def _entries(
    rows: Iterable[PriceRow], layout: PriceLayout, path: Path
) -> Iterable[tuple[int, int | None, Decimal]]:
    """First minute, end and price per kWh of each row that has a price."""
    known = [(row, price) for row in rows if (price := _number(row)) is not None]
    seen: set[datetime] = set()
    # In a file with the latest first, the second of two hours of the same name is the first.
    for row, price in known[::-1] if _falls([row.start for row, _ in known]) else known:
        zone = _zone(row, layout.zone)
        start = instant(row.start, zone, seen, row.where)
        if start % _QUARTER:
            raise ConfigError(
                f"{row.where}: {shorten(row.start)} is not the start of a quarter-hour; prices "
                "have to begin at :00, :15, :30 or :45"
            )
        per_kwh = price / 1000 if _unit(row, layout, path) == "MWh" else price
        if not abs(per_kwh) <= MAX_PRICE:
            raise ConfigError(
                f"{row.where}: {shorten(row.price)} is out of bounds; check the unit of the prices"
            )
        yield start, _end(row, zone, start), per_kwh


def _end(row: PriceRow, zone: tzinfo, start: int) -> int | None:
    """The minute after the last one of a price; None where it is not surely known."""
    at = parse(row.end)
    # Around a change of the clocks, an end without an offset may be another hour's.
    if at is None or (at.tzinfo is None and zone is not UTC):
        return None
    end = minute_of(at, zone)
    return end if end > start else None


def _falls(starts: list[str]) -> bool:
    """Whether the times are those of a file with the latest first."""
    marks: set[datetime] = set()
    try:
        first, last = (instant(text, UTC, marks, "") for text in (starts[0], starts[-1]))
    except (ConfigError, IndexError):
        return False
    return first > last


def _number(row: PriceRow) -> Decimal | None:
    text = row.price.strip()
    if text.lower() in _UNKNOWN:
        return None
    plain = text.replace(",", ".") if "," in text and "." not in text else text
    try:
        number = Decimal(plain)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number.adjusted() > 9:
        raise ConfigError(f"{row.where}: {shorten(text)} is not a price; give a number")
    return round(number, 9)


def _zone(row: PriceRow, zone: tzinfo) -> tzinfo:
    heading = row.heading.lower()
    for name, key in _ZONES.items():
        if name in heading:
            return ZoneInfo(key)
    return UTC if "utc" in heading else zone


def _unit(row: PriceRow, layout: PriceLayout, path: Path) -> str:
    unit = row.unit.lower()
    found = "MWh" if "mwh" in unit else "kWh" if "kwh" in unit else None
    if layout.unit is not None:
        return layout.unit
    if found is None:
        raise ConfigError(
            f'{path}: the unit of its prices is missing; add unit = "MWh" '
            'or unit = "kWh" beside the name of the file'
        )
    return found


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ConfigError(f"{path}: too large for prices; is it the right file?")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; save the prices as UTF-8") from None
    except ValueError as error:  # a null byte in the path
        raise ConfigError(f"{one_line(path)}: {error}") from None


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size
