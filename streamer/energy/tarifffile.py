"""Tariffs from TOML files: the shipped presets, and files of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from streamer.energy.pricefile import PriceFile, PriceLayout
from streamer.energy.tariff import PeakCharge, Rate, Tariff
from streamer.energy.tariffperiods import periods_of
from streamer.energy.tarifftable import Table
from streamer.errors import ConfigError
from streamer.tomlfile import read_toml

_PRESETS = Path(__file__).with_name("presets")
_NOTHING = Decimal(0)
_ONE = Decimal(1)
_MAX_DIGITS = 40


def presets() -> list[str]:
    """Names of the tariffs that are shipped.

    >>> presets()
    ['vlaanderen']
    """
    return sorted(path.stem for path in _PRESETS.glob("*.toml"))


def read_tariff(name: str) -> Tariff:
    """Read a tariff.

    Args:
        name: a preset, or the path of a TOML file. Files of prices that it names are read, too;
            they are looked for beside it, unless their path is absolute.

    Raises:
        ConfigError: it cannot be read, or has an unknown key or an unusable value; the message
            names file, key, value, and the remedy.

    >>> tariff = read_tariff("vlaanderen")
    >>> tariff.peak.floor_kw, tariff.peak.minutes, tariff.zone.key
    (2.5, 15, 'Europe/Brussels')
    """
    if name in presets():
        path = _preset(name)
        return replace(_tariff(_parse(path), path), name=name)
    path = _expanded(name)
    document = _parse(path)
    base = document.pop("base", None)
    if base is not None:
        if base not in presets():
            raise ConfigError(
                f"{path}: base = {base!r:.40}: unknown preset; presets: {', '.join(presets())}"
            )
        document = _over(_parse(_preset(base)), document)
    return _tariff(document, path)


def _preset(name: str) -> Path:
    return _PRESETS / f"{name}.toml"


def _over(preset: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A preset with what a file has instead: of its peak charge key by key, or whole tables."""
    peak = own.get("peak")
    if isinstance(peak, dict) and "peak" in preset:
        prices = {"price_per_kw_year", "price_per_kw_month"}
        kept = preset["peak"].items()
        if prices & peak.keys():
            kept = [(key, value) for key, value in kept if key not in prices]
        return {**preset, **own, "peak": {**dict(kept), **peak}}
    return {**preset, **own}


def _tariff(document: Mapping[str, Any], path: Path) -> Tariff:
    top = Table(document, f"{path}:")
    currency = top.text("currency") or "€"
    zone = _zone(top)
    tax = _tax(top, _ONE)
    energy_table, feed_in_table = top.table("energy"), top.table("feed_in")
    peak_table, fixed_table = top.table("peak"), top.table("fixed")
    top.end()
    energy = None if energy_table is None else _energy(energy_table, zone, tax, path)
    feed_in = None if feed_in_table is None else _feed_in(feed_in_table, zone, energy, path)
    peak = None if peak_table is None else _peak(peak_table, tax)
    per_month, per_year = (_NOTHING, _NOTHING) if fixed_table is None else _fixed(fixed_table, tax)
    if energy is None and peak is None:
        raise ConfigError(f"{path}: no prices in it; add a table [energy] or [peak]")
    return Tariff(str(path), currency, zone, energy, feed_in, peak, per_month, per_year)


def _zone(top: Table) -> tzinfo | None:
    name = top.text("zone")
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):
        pass
    except KeyError:  # ZoneInfoNotFoundError
        pass
    if not available_timezones():
        raise ConfigError(f"{top.where} zone: this system has no time zones; install tzdata")
    return top.wrong("zone", name, 'give the name of a time zone, such as "Europe/Brussels"')


def _tax(table: Table, default: Decimal) -> Decimal:
    """A factor from a percentage of tax."""
    percent = table.number("vat_percent", 0)
    return default if percent is None else 1 + percent / 100


def _energy(table: Table, zone: tzinfo | None, tax: Decimal, path: Path) -> Rate:
    rate = _rate(table, zone, _tax(table, tax), path)
    table.end()
    if rate is None:
        raise ConfigError(f"{table.where}: no price; add price = 0.25, or periods, or a file")
    return rate


def _feed_in(table: Table, zone: tzinfo | None, energy: Rate | None, path: Path) -> Rate:
    less = table.number("less")
    # Households pay value added tax, and seldom are paid it.
    tax = _tax(table, _ONE)
    if less is None:
        rate = _rate(table, zone, tax, path)
        table.end()
        if rate is None:
            raise ConfigError(
                f"{table.where}: no price; add less = 0.02, for the price of energy less that, "
                "or price = 0.04, or periods, or a file"
            )
        return rate
    for key in table.left:
        raise ConfigError(f"{table.where} {key}: does not go with less; leave one of them out")
    if energy is None:
        raise ConfigError(f"{table.where} less: needs the price of energy; add a table [energy]")
    return replace(energy, times=_ONE, plus=-less, tax=tax)


def _rate(table: Table, zone: tzinfo | None, tax: Decimal, path: Path) -> Rate | None:
    """Price of energy in a table; None if it has none."""
    fixed = table.number("price")
    periods = periods_of(table, has_rest=fixed is not None)
    market = _market(table, zone, path)
    times, plus = table.number("times"), table.number("plus")
    if fixed is None and not periods and market is None:
        return None
    if market is not None and (fixed is not None or periods):
        raise ConfigError(f"{table.where}: both a file and a price; leave one of them out")
    times = _ONE if times is None else times
    return Rate(fixed, periods, market, times, _NOTHING if plus is None else plus, tax)


def _market(table: Table, zone: tzinfo | None, path: Path) -> PriceFile | None:
    name = table.text("file")
    unit = table.choice("unit", (None, "kWh", "MWh"))
    columns = {key: table.text(f"{key}_column") for key in ("time", "price")}
    area = table.text("area")
    if name is None:
        if unit or area or any(columns.values()):
            raise ConfigError(f'{table.where}: no file of prices; add file = "prices.csv"')
        return None
    if zone is None:
        raise ConfigError(
            f"{table.where} file: prices of the market need a time zone; add a line "
            'zone = "Europe/Brussels" above the tables'
        )
    layout = PriceLayout(zone, unit, columns["time"], columns["price"], area)
    return PriceFile(path.parent / _expanded(name), layout)


def _peak(table: Table, tax: Decimal) -> PeakCharge:
    year, month = table.number("price_per_kw_year", 0), table.number("price_per_kw_month", 0)
    floor = table.number("floor_kw", 0)
    minutes = table.choice("minutes", (15, 60))
    net = table.choice("net", (False, True))
    tax = _tax(table, tax)
    table.end()
    if (year is None) == (month is None):
        raise ConfigError(
            f"{table.where}: give either price_per_kw_year or price_per_kw_month, such as "
            "price_per_kw_year = 56"
        )
    price = year if year is not None else 12 * (month or _NOTHING)
    return PeakCharge(price * tax, float(floor or 0), minutes, net)


def _fixed(table: Table, tax: Decimal) -> tuple[Decimal, Decimal]:
    month, year = table.number("per_month"), table.number("per_year")
    tax = _tax(table, tax)
    table.end()
    return (month or _NOTHING) * tax, (year or _NOTHING) * tax


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{path}: {error}") from None


def _parse(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path, purpose="a tariff", parse_float=_decimal)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: file not found; give a TOML file, or one of: {', '.join(presets())}"
        ) from None


def _decimal(text: str) -> Decimal:
    """A number as it is written; one that is too long is not finite, and refused by its key."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Decimal("nan")
    return number if len(text) <= _MAX_DIGITS else Decimal("nan")
