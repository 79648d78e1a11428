"""Records written by other programs: numbers, JSON or line protocol, one record a line.

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
in the feed's address; an energy register likewise under ``energy_kwh``, ``energy_wh``,
``energy`` or ``value``. Other names are given by the address's options ``path`` and ``field``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from streamer.feeds.address import Address
from streamer.feeds.lines.fields import Fields
from streamer.feeds.lines.lineprotocol import PRECISIONS, parse_point, parse_tags, to_time
from streamer.feeds.lines.names import find_name, named_units, unit_of
from streamer.feeds.lines.numberline import MIN_TIME_S, split_time
from streamer.feeds.pace import PACE_OPTION
from streamer.feeds.values import (
    LAYOUT_OPTIONS,
    QUANTITY_OPTIONS,
    JsonLayout,
    JsonPath,
    MalformedError,
    MissingError,
    PathSum,
    Quantity,
    parse_json,
    to_moment,
    words_for,
)
from streamer.feeds.values.direction import Direction
from streamer.readings import CounterSample, Sample

FORMATS = ("auto", "number", "json", "influx")

RECORD_OPTIONS = {
    **QUANTITY_OPTIONS,
    "unit": f"{QUANTITY_OPTIONS['unit']}; required unless each record contains it",
    "format": f"format of the records: {', '.join(FORMATS)}; auto (the default) detects it",
    "path": "JSON: places of the power, like a.b or a,b,c (added); by default power_w, power_kw, "
    "power or value",
    **LAYOUT_OPTIONS,
    "minus": "places in JSON, or fields, of values to subtract; out? counts as 0 where it is "
    "missing",
    "time": "JSON: place of the time; by default time, at or timestamp, if present",
    "field": "line protocol: fields of the power, like p or l1,l2,l3 (added); by default the "
    "same names as in JSON; points without them are skipped",
    "measurement": "line protocol: skip points of other measurements",
    "tags": "line protocol: skip points without these tags: host=cellar,phase=1",
    "precision": "line protocol: unit of the times: ns (the default), us, ms or s",
    **PACE_OPTION,
}
"""The options that `RecordParser.of` reads, and ``every``."""

_ONLY = {
    "path": "json",
    "sign_path": "json",
    "time": "json",
    "field": "influx",
    "measurement": "influx",
    "tags": "influx",
    "precision": "influx",
}

MAX_RECORDS = 10_000
"""Largest number of records in one body."""

_TIMES = ("time", "at", "timestamp")


@dataclass(frozen=True)
class RecordParser:
    """Format of records, and their conversion to samples.

    Attributes:
        format: one of `FORMATS`.
        quantity: the measured quantity; its unit is None if each record must have one.
        layout: places in JSON; None for the usual names.
        time: place of the time in JSON; None for the usual names.
        field: fields in line protocol; None for the usual names.
        minus: fields in line protocol, or places in JSON, of values to subtract.
        measurement: points of other measurements are skipped; None to read all.
        tags: points without these tags are skipped.
        precision: unit of the times in line protocol.

    >>> RecordParser(quantity=Quantity("W")).read("250")
    Sample(kw=0.25, at=None, channel='')
    >>> RecordParser().read('{"power_kw": 0.25}') == RecordParser().read("house power_w=250i")
    True
    """

    format: str = "auto"
    quantity: Quantity = Quantity(None)  # noqa: RUF009 - immutable
    layout: JsonLayout | None = None
    time: JsonPath | None = None
    field: Fields | None = None
    minus: Fields | None = None
    measurement: str | None = None
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    precision: str = "ns"

    @classmethod
    def of(cls, address: Address) -> RecordParser:
        """Read the options of an address.

        Raises:
            UsageError: an option is wrong, or the unit is missing where records cannot give it.
        """
        quantity = Quantity.of(address, required=False)
        records = cls(
            format=address.choice("format", FORMATS, "auto"),
            quantity=quantity,
            layout=_layout(address, quantity),
            time=JsonPath.of(address, "time"),
            field=Fields.of(address, "field"),
            minus=Fields.of(address, "minus"),
            measurement=address.text("measurement"),
            tags=_tags(address),
            precision=address.choice("precision", PRECISIONS, "ns"),
        )
        for option, only in _ONLY.items():
            if option in address.options and records.format not in ("auto", only):
                raise address.wrong(option, f"it is for format={only}; leave it out")
        names = named_units(quantity)
        if (
            records.format == "number"
            or (records.layout is not None and records.layout.path.last_name not in names)
            or (
                records.field is not None
                and any(name not in names for name, _ in records.field.names)
            )
        ):
            Quantity.of(address)
        return records

    def read(self, line: str) -> Sample | CounterSample | None:
        """Return the sample of a line; None if the line is skipped.

        Raises:
            MissingUnitError: the unit is unknown.
            MissingError: the line does not have the value.
            MalformedError: the line does not hold a sample.
        """
        line = line.strip()
        if not line or line.startswith("#"):
            return None
        kind = self.format
        if kind == "auto":
            kind = "json" if line[0] in "{[" else "influx" if "=" in line else "number"
        if kind == "json":
            return self.read_json(parse_json(line))
        return self._of_point(line) if kind == "influx" else self._of_number(line)

    def _of_number(self, line: str) -> Sample | CounterSample:
        if self.quantity.channel:
            raise MissingError(f"a line of one number has no {words_for(self.quantity.channel)}")
        at, value = split_time(line, comma=self.quantity.comma)
        return self.quantity.item(self.quantity.number(value), at)

    def read_json(self, document: Any) -> Sample | CounterSample:
        """Return the sample of a JSON document.

        Raises:
            MissingUnitError, MissingError, MalformedError: as `read`.
        """
        at = self._time_of(document)
        if self.layout is not None:
            return self.quantity.item(self.layout.number(document), at)
        if not isinstance(document, Mapping):
            raise MalformedError("the record is not a JSON object")
        name = find_name(document, self.quantity, "path")
        beside = document.get("unit", document.get("unit_of_measurement"))
        unit = unit_of(name, beside, self.quantity)
        return self._item([document[name]], self._less(document), unit, at)

    def _time_of(self, document: Any) -> datetime | None:
        time = None
        if self.time is not None:
            time = self.time.find(document)
        elif isinstance(document, Mapping):
            time = next((document[name] for name in _TIMES if name in document), None)
        return None if time is None else to_moment(time)

    def _of_point(self, line: str) -> Sample | CounterSample | None:
        point = parse_point(line)
        if (
            point is None
            or self.measurement not in (None, point.measurement)
            or not self.tags.items() <= point.tags.items()
        ):
            return None
        values: list[Any] | None
        if self.field is None:
            name = find_name(point.fields, self.quantity, "field")
            values, unit = (
                [point.fields[name]],
                unit_of(name, point.tags.get("unit"), self.quantity),
            )
        else:
            values, unit = self.field.values(point.fields), None
            if not values:
                return None
            if len(self.field.names) == 1:
                unit = named_units(self.quantity).get(self.field.names[0][0])
        at = None
        if point.time is not None:
            at = to_time(point.time, self.precision)
            if at.timestamp() < MIN_TIME_S:
                raise MalformedError(
                    f"{point.time} is not a time in {self.precision}; give precision="
                )
        return self._item(values, self._less(point.fields), unit, at)

    def _less(self, fields: Mapping[str, Any]) -> list[Any]:
        if self.minus is None:
            return []
        values = self.minus.values(fields)
        if values is None:
            raise MalformedError(f"{self.minus} is missing")
        return values

    def _item(
        self, plus: list[Any], minus: list[Any], unit: str | None, at: datetime | None
    ) -> Sample | CounterSample:
        number = self.quantity.number
        total = self.quantity.together(
            *(number(value, unit) for value in plus), *(-number(value, unit) for value in minus)
        )
        return self.quantity.item(total, at)


def _layout(address: Address, quantity: Quantity) -> JsonLayout | None:
    path = PathSum.of(address, "path")
    direction = Direction.of(address)
    if path is None:
        if direction is not None:
            raise address.wrong("sign_path", "it is a place in JSON, so path must be given too")
        return None
    names = named_units(quantity)
    return JsonLayout(
        quantity=replace(quantity, unit=names.get(path.last_name, quantity.unit)),
        path=path,
        minus=PathSum.of(address, "minus"),
        direction=direction,
    )


def _tags(address: Address) -> dict[str, str]:
    text = address.text("tags")
    try:
        return {} if text is None else parse_tags(text)
    except MalformedError as error:
        raise address.wrong("tags", f"{error}; write it like host=cellar,phase=1") from None
