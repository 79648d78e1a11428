"""What programs write of a meter: a number, JSON or line protocol, a record a line.

=========== ==========================================================================
format      record
=========== ==========================================================================
``number``  ``250.5`` or ``2026-03-29T01:59:00+01:00 250.5``: a time and a value, with
            a space, tab, comma or semicolon between
``json``    ``{"time": 1774745940, "power_w": 250.5}``
``influx``  ``electricity,host=cellar power_w=250.5 1774745940000000000``
=========== ==========================================================================

With format ``auto`` a record that begins with ``{`` or ``[`` is JSON, another that has an
equals sign in it is line protocol, and any other is a number. Empty lines, and those that
begin with ``#``, are passed over.

JSON and line protocol have the power under ``power_w`` or ``power_kw``, which say the unit
themselves, or under ``power`` or ``value``, with a ``unit`` beside it (a tag, in line
protocol) or in the feed's address; under another name if the address gives that as ``path``
or ``field``.
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
    Power,
    ValueProblem,
    parse_json,
    to_moment,
    to_number,
)
from streamer.readings import Sample

FORMATS = ("auto", "number", "json", "influx")

RECORD_OPTIONS = {
    "unit": "unit of the power: W or kW; needed unless each record says it",
    "sign": POWER_OPTIONS["sign"],
    "format": f"what a record is: {', '.join(FORMATS)}; auto, which is the default, looks at each",
    "path": "JSON: where the power stands; by default power_w, power_kw, power or value",
    "time": "JSON: where the time stands; by default time, at or timestamp, if there is one",
    "field": "line protocol: the power's field; by default as in JSON",
    "measurement": "line protocol: pass over points of others",
    "tags": "line protocol: pass over points without these tags: host=cellar,phase=1",
    "precision": "line protocol: what times are counted in: ns (the default), us, ms or s",
}
"""The options that `Records.of` reads."""

_ONLY = {
    "path": "json",
    "time": "json",
    "field": "influx",
    "measurement": "influx",
    "tags": "influx",
    "precision": "influx",
}

MAX_RECORDS = 10_000
"""The most that one body may hold."""

_NAMED = {"power_kw": "kW", "power_w": "W"}
_PLAIN = ("power", "value")
_TIMES = ("time", "at", "timestamp")

_TIME_AND_VALUE = re.compile(r"(.*[^\s,;])[\s,;]+(\S+)", re.DOTALL)

# September 2001. A smaller number is no time, but half a value with a decimal comma, or
# counted in something else than was said.
_LEAST_TIME_S = 1e9


class NoUnit(ValueProblem):
    """A record has a power, but nobody says in what unit."""


@dataclass(frozen=True)
class Records:
    """How records are read.

    Attributes:
        format: one of `FORMATS`.
        unit: the unit where a record says none; None if each must.
        sign: what a positive number means.
        path: where the power stands in JSON; None for the usual names.
        time: where the time stands in JSON; None for the usual names.
        field: the power's field in line protocol; None for the usual names.
        measurement: points of others are passed over; None to take all.
        tags: points without these are passed over.
        precision: what line protocol's times are counted in.

    >>> Records(unit="W").read("250")
    Sample(kw=0.25, at=None)
    >>> Records().read('{"power_kw": 0.25}') == Records().read("house power_w=250i")
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
    def of(cls, address: Address) -> Records:
        """What an address's options say.

        Raises:
            UsageError: they are wrong, or say no unit where records cannot.
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
        """The sample of a record on a line; None if the line is to be passed over.

        Raises:
            NoUnit: nobody says the unit.
            ValueProblem: there is no sample in it.
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
        """The samples of many records at once: lines, or JSON with or without an array.

        Raises:
            NoUnit, ValueProblem: as `read`, for the first record that cannot be read.
        """
        if not text.strip():
            raise ValueProblem("it is empty")
        records: list[Any]
        read: Callable[[Any], Sample | None]
        if self.format == "json" or (self.format == "auto" and text.lstrip()[:1] in ("{", "[")):
            document = parse_json(text)
            records, read = document if isinstance(document, list) else [document], self._of_json
        else:
            records, read = text.rstrip().split("\n"), self.read
        if len(records) > MAX_RECORDS:
            raise ValueProblem(f"it has {len(records)} records; send {MAX_RECORDS} at most")
        samples = []
        for number, record in enumerate(records, start=1):
            try:
                sample = read(record)
            except ValueProblem as problem:
                if len(records) == 1:
                    raise
                raise type(problem)(f"record {number}: {problem}") from None
            if sample is not None:
                samples.append(sample)
        return samples

    def _of_number(self, line: str) -> Sample:
        at = None
        if match := _TIME_AND_VALUE.fullmatch(line):
            time, line = match.groups()
            at = to_moment(time)
            if at.timestamp() < _LEAST_TIME_S and _is_number(time):
                raise ValueProblem(f"{time!r} is no time; decimals follow a point, not a comma")
        return Sample(self._kw(line, None), at)

    def _of_json(self, document: Any) -> Sample:
        at = self._time_of(document)
        if self.path is not None:
            return Sample(self._kw(self.path.find(document), _NAMED.get(_last(self.path))), at)
        if not isinstance(document, Mapping):
            raise ValueProblem("it is no JSON object")
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
            if at.timestamp() < _LEAST_TIME_S:
                raise ValueProblem(f"{point.time} is no time in {self.precision}; say precision=")
        if self.field is None:
            name = _find_name(point.fields, "field")
            unit = _unit_of(name, point.tags.get("unit"))
        else:
            name, unit = self.field, _NAMED.get(self.field)
            if name not in point.fields:
                raise ValueProblem(f"there is no field {name} in it")
        return Sample(self._kw(point.fields[name], unit), at)

    def _kw(self, value: object, unit: str | None) -> float:
        if value is None:
            return math.nan
        number = to_number(value)
        unit = unit or self.unit
        if unit is None:
            raise NoUnit(
                "it says no unit; say unit=W or unit=kW in the feed's address, or power_w or "
                "power_kw in the record"
            )
        return Power(unit, self.sign).kw(number)


def _tags(address: Address) -> dict[str, str]:
    text = address.text("tags")
    try:
        return {} if text is None else parse_tags(text)
    except ValueProblem as problem:
        raise address.wrong("tags", f"{problem}; write it like host=cellar,phase=1") from None


def _last(path: JsonPath) -> str:
    return str(path.steps[-1]) if path.steps else ""


def _find_name(values: Mapping[str, object], option: str) -> str:
    """Under which of the usual names the power stands."""
    for names in (_NAMED, _PLAIN):
        found = [name for name in names if name in values]
        if len(found) > 1:
            raise ValueProblem(f"it has {' and '.join(found)}; say which with {option}=")
        if found:
            return found[0]
    raise ValueProblem(f"it has no {', '.join(_NAMED)}, {' or '.join(_PLAIN)}")


def _unit_of(name: str, unit: object) -> str | None:
    """What a record says of the unit, by the name and by itself.

    Raises:
        ValueProblem: it is none of power, or the two contradict each other.
    """
    if unit is not None and unit not in tuple(UNITS):
        raise ValueProblem(f"its unit is {str(unit)[:20]!r}, not W or kW")
    named = _NAMED.get(name)
    if named and unit not in (None, named):
        raise ValueProblem(f"it has {name}, but the unit {unit}")
    return named or (None if unit is None else str(unit))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
