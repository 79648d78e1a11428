"""RecordParser written by other programs: numbers, JSON or line protocol, one record a line.

=========== ==========================================================================
format      record
=========== ==========================================================================
``number``  ``250.5`` or ``2026-03-29T01:59:00+01:00 250.5``: a time and a value, with
            a space, tab, comma or semicolon between
``json``    ``{"time": 1774745940, "power_w": 250.5}``
``influx``  ``electricity,host=cellar power_w=250.5 1774745940000000000``
=========== ==========================================================================

With format ``auto`` a record that begins with ``{`` or ``[`` is JSON, any other record with an
equals sign is line protocol, and the rest are numbers. Empty lines and lines that begin with
``#`` are skipped.

JSON and line protocol have the power under ``power_w`` or ``power_kw``, which include the
unit, or under ``power`` or ``value`` with the unit in ``unit`` (a tag, in line protocol) or
in the feed's address. Other names are given by the address's options ``path`` and ``field``.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streamer.feeds.address import Address
from streamer.feeds.lines.lineprotocol import PRECISIONS, parse_point, parse_tags, to_time
from streamer.feeds.values import (
    POWER_OPTIONS,
    SIGNS,
    UNITS,
    JsonPath,
    MalformedError,
    Power,
    parse_json,
    to_moment,
    to_number,
)
from streamer.readings import Sample

FORMATS = ("auto", "number", "json", "influx")

RECORD_OPTIONS = {
    "unit": "unit of the power: W or kW; required unless each record contains it",
    "sign": POWER_OPTIONS["sign"],
    "format": f"format of the records: {', '.join(FORMATS)}; auto (the default) detects it",
    "path": "JSON: place of the power; by default power_w, power_kw, power or value",
    "time": "JSON: place of the time; by default time, at or timestamp, if present",
    "field": "line protocol: field of the power; by default the same names as in JSON",
    "measurement": "line protocol: skip points of other measurements",
    "tags": "line protocol: skip points without these tags: host=cellar,phase=1",
    "precision": "line protocol: unit of the times: ns (the default), us, ms or s",
}
"""The options that `RecordParser.of` reads."""

_ONLY = {
    "path": "json",
    "time": "json",
    "field": "influx",
    "measurement": "influx",
    "tags": "influx",
    "precision": "influx",
}

MAX_RECORDS = 10_000
"""Largest number of records in one body."""

_NAMED = {"power_kw": "kW", "power_w": "W"}
_PLAIN = ("power", "value")
_TIMES = ("time", "at", "timestamp")

_TIME_AND_VALUE = re.compile(r"(.*[^\s,;])[\s,;]+(\S+)", re.DOTALL)

# September 2001. A smaller number is not a time, but the first half of a value with a decimal
# comma, or is in another unit than the option precision.
_MIN_TIME_S = 1e9


class MissingUnitError(MalformedError):
    """A record has a power, but neither the record nor the address gives its unit."""


@dataclass(frozen=True)
class RecordParser:
    """Format of records, and their conversion to samples.

    Attributes:
        format: one of `FORMATS`.
        unit: unit of records that have none of their own; None if each must have one.
        sign: meaning of a positive number.
        path: place of the power in JSON; None for the usual names.
        time: place of the time in JSON; None for the usual names.
        field: field of the power in line protocol; None for the usual names.
        measurement: points of other measurements are skipped; None to read all.
        tags: points without these tags are skipped.
        precision: unit of the times in line protocol.

    >>> RecordParser(unit="W").read("250")
    Sample(kw=0.25, at=None)
    >>> RecordParser().read('{"power_kw": 0.25}') == RecordParser().read("house power_w=250i")
    True
    """

    format: str = "auto"
    unit: str | None = None
    sign: str = "import"
    path: JsonPath | None = None
    time: JsonPath | None = None
    field: str | None = None
    measurement: str | None = None
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    precision: str = "ns"

    @classmethod
    def of(cls, address: Address) -> RecordParser:
        """Read the options of an address.

        Raises:
            UsageError: an option is wrong, or the unit is missing where records cannot give it.
        """
        records = cls(
            format=address.choice("format", FORMATS, "auto"),
            unit=address.choice("unit", UNITS),
            sign=address.choice("sign", SIGNS, "import"),
            path=JsonPath.of(address, "path"),
            time=JsonPath.of(address, "time"),
            field=address.text("field"),
            measurement=address.text("measurement"),
            tags=_tags(address),
            precision=address.choice("precision", PRECISIONS, "ns"),
        )
        for option, only in _ONLY.items():
            if option in address.options and records.format not in ("auto", only):
                raise address.wrong(option, f"it is for format={only}; leave it out")
        if (
            records.format == "number"
            or (records.path is not None and _last(records.path) not in _NAMED)
            or (records.field is not None and records.field not in _NAMED)
        ):
            Power.of(address)
        return records

    def read(self, line: str) -> Sample | None:
        """Return the sample of a line; None if the line is skipped.

        Raises:
            MissingUnitError: the unit is unknown.
            MalformedError: the line does not hold a sample.
        """
        line = line.strip()
        if not line or line.startswith("#"):
            return None
        kind = self.format
        if kind == "auto":
            kind = "json" if line[0] in "{[" else "influx" if "=" in line else "number"
        if kind == "json":
            return self._of_json(parse_json(line))
        return self._of_point(line) if kind == "influx" else self._of_number(line)

    def read_body(self, text: str) -> list[Sample]:
        """Return the samples of several records: lines, or a JSON object or array.

        Raises:
            MissingUnitError, MalformedError: as `read`, for the first record with an error.
        """
        if not text.strip():
            raise MalformedError("the body is empty")
        records: list[Any]
        read: Callable[[Any], Sample | None]
        if self.format == "json" or (self.format == "auto" and text.lstrip()[:1] in ("{", "[")):
            document = parse_json(text)
            records, read = document if isinstance(document, list) else [document], self._of_json
        else:
            records, read = text.rstrip().split("\n"), self.read
        if len(records) > MAX_RECORDS:
            raise MalformedError(f"the body has {len(records)} records; send at most {MAX_RECORDS}")
        samples = []
        for number, record in enumerate(records, start=1):
            try:
                sample = read(record)
            except MalformedError as error:
                if len(records) == 1:
                    raise
                raise type(error)(f"record {number}: {error}") from None
            if sample is not None:
                samples.append(sample)
        return samples

    def _of_number(self, line: str) -> Sample:
        at = None
        if match := _TIME_AND_VALUE.fullmatch(line):
            time, line = match.groups()
            at = to_moment(time)
            if at.timestamp() < _MIN_TIME_S and _is_number(time):
                raise MalformedError(f"{time!r} is not a time; decimals need a point, not a comma")
        return Sample(self._kw(line, None), at)

    def _of_json(self, document: Any) -> Sample:
        at = self._time_of(document)
        if self.path is not None:
            return Sample(self._kw(self.path.find(document), _NAMED.get(_last(self.path))), at)
        if not isinstance(document, Mapping):
            raise MalformedError("the record is not a JSON object")
        name = _find_name(document, "path")
        return Sample(self._kw(document[name], _unit_of(name, document.get("unit"))), at)

    def _time_of(self, document: Any) -> datetime | None:
        time = None
        if self.time is not None:
            time = self.time.find(document)
        elif isinstance(document, Mapping):
            time = next((document[name] for name in _TIMES if name in document), None)
        return None if time is None else to_moment(time)

    def _of_point(self, line: str) -> Sample | None:
        point = parse_point(line)
        if (
            point is None
            or self.measurement not in (None, point.measurement)
            or not self.tags.items() <= point.tags.items()
        ):
            return None
        at = None
        if point.time is not None:
            at = to_time(point.time, self.precision)
            if at.timestamp() < _MIN_TIME_S:
                raise MalformedError(
                    f"{point.time} is not a time in {self.precision}; give precision="
                )
        if self.field is None:
            name = _find_name(point.fields, "field")
            unit = _unit_of(name, point.tags.get("unit"))
        else:
            name, unit = self.field, _NAMED.get(self.field)
            if name not in point.fields:
                raise MalformedError(f"the field {name} is missing")
        return Sample(self._kw(point.fields[name], unit), at)

    def _kw(self, value: object, unit: str | None) -> float:
        if value is None:
            return math.nan
        number = to_number(value)
        unit = unit or self.unit
        if unit is None:
            raise MissingUnitError(
                "the unit is missing; give unit=W or unit=kW in the feed's address, or power_w "
                "or power_kw in the record"
            )
        return Power(unit, self.sign).kw(number)


def _tags(address: Address) -> dict[str, str]:
    text = address.text("tags")
    try:
        return {} if text is None else parse_tags(text)
    except MalformedError as error:
        raise address.wrong("tags", f"{error}; write it like host=cellar,phase=1") from None


def _last(path: JsonPath) -> str:
    return str(path.steps[-1]) if path.steps else ""


def _find_name(values: Mapping[str, object], option: str) -> str:
    """Return the one of the usual names that holds the power."""
    for names in (_NAMED, _PLAIN):
        found = [name for name in names if name in values]
        if len(found) > 1:
            raise MalformedError(f"it has both {' and '.join(found)}; choose one with {option}=")
        if found:
            return found[0]
    raise MalformedError(f"{', '.join(_NAMED)}, {' or '.join(_PLAIN)} is missing")


def _unit_of(name: str, unit: object) -> str | None:
    """Return the unit that a record gives, by the name of its power or in ``unit``.

    Raises:
        MalformedError: it is not a unit of power, or the two contradict each other.
    """
    if unit is not None and unit not in tuple(UNITS):
        raise MalformedError(f"the unit is {str(unit)[:20]!r}, not W or kW")
    named = _NAMED.get(name)
    if named and unit not in (None, named):
        raise MalformedError(f"it has {name}, but the unit {unit}")
    return named or (None if unit is None else str(unit))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
