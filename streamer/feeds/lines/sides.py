"""Records that hold other channels beside the grid power, or in records of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from streamer.feeds.address import Address
from streamer.feeds.lines.fields import Fields
from streamer.feeds.lines.names import named_units
from streamer.feeds.lines.records import MAX_RECORDS, RecordParser
from streamer.feeds.values import (
    JsonLayout,
    MalformedError,
    MissingError,
    PathSum,
    channel_options,
    channel_quantity,
    chosen_channels,
    further_options,
    further_path,
    further_places,
    further_quantity,
    has_unit,
    parse_json,
    words_for,
)
from streamer.readings import CounterSample, Sample

SIDE_OPTIONS = {
    **channel_options(
        "places in JSON, or fields in line protocol, of {}, like solar_w or pv.power", pace=True
    ),
    **further_options(
        "place in JSON, or field in line protocol",
        is_known="a name alone is that of the value, like voltage or voltage_v",
    ),
}
"""The options that `Records.of` reads, beside those of `RecordParser`."""


@dataclass(frozen=True)
class Body:
    """What one or several records hold.

    Attributes:
        items: the samples.
        problems: reasons why records, or values in them, cannot be read.
    """

    items: list[Sample | CounterSample]
    problems: list[MalformedError]


@dataclass(frozen=True)
class Records:
    """Format of records with one or several channels.

    A record has at least one of the channels. A value other than the grid power that cannot be
    read is unknown, and does not affect the grid power beside it.

    Attributes:
        grid: format of the grid power.
        sides: formats of solar and battery power, and of the further channels.

    >>> address = Address.parse("stdin:?unit=W&solar=pv")
    >>> Records.of(address).read('{"power": 250, "pv": 1500}').items[1]
    Sample(kw=1.5, at=None, channel='solar')
    """

    grid: RecordParser
    sides: tuple[RecordParser, ...] = ()

    @classmethod
    def of(cls, address: Address) -> Records:
        """Read the options of an address.

        Raises:
            UsageError: an option is wrong, or a unit is missing where records cannot give it.
        """
        grid = RecordParser.of(address)
        sides = [_side(address, name, grid) for name in chosen_channels(address)]
        further = further_places(address)
        sides += [_further(address, name, places, grid) for name, places in further.items()]
        return cls(grid, tuple(sides))

    @property
    def channels(self) -> list[str]:
        """The channels beside the grid power."""
        return [side.quantity.channel for side in self.sides]

    def of_format(self, format_: str, precision: str) -> Records:
        """Return the same records in another format, with times of another precision."""
        sides = tuple(replace(each, format=format_, precision=precision) for each in self.sides)
        return Records(replace(self.grid, format=format_, precision=precision), sides)

    def read(self, line: str) -> Body:
        """Return what a line holds; nothing if the line is skipped."""
        body = Body([], [])
        self._add(body, RecordParser.read, line)
        return body

    def read_body(self, text: str) -> Body:
        """Return what several records hold: lines, or a JSON object or array.

        Raises:
            MalformedError: the body as a whole cannot be read.
        """
        if not text.strip():
            raise MalformedError("the body is empty")
        is_json = self.grid.format == "json"
        if self.grid.format == "auto":
            is_json = text.lstrip()[:1] in ("{", "[")
        document = parse_json(text) if is_json else text.rstrip().split("\n")
        records: list[Any] = document if isinstance(document, list) else [document]
        if len(records) > MAX_RECORDS:
            raise MalformedError(f"the body has {len(records)} records; send at most {MAX_RECORDS}")
        body, read = Body([], []), RecordParser.read_json if is_json else RecordParser.read
        for number, record in enumerate(records, start=1):
            where = "" if len(records) == 1 else f"record {number}: "
            self._add(body, read, record, where)
        return body

    def _add(
        self,
        body: Body,
        read: Callable[[RecordParser, Any], Sample | CounterSample | None],
        record: Any,
        where: str = "",
    ) -> None:
        """Add what a record holds."""
        missing: MissingError | None = None
        is_used = False
        before = len(body.items)
        for parser in (self.grid, *self.sides):
            channel = parser.quantity.channel
            try:
                item = read(parser, record)
            except MissingError as error:
                missing = missing or error
                continue
            except MalformedError as error:
                of = f"{words_for(channel)}: " if channel else ""
                body.problems.append(type(error)(f"{where}{of}{error}"))
                # It has the time of the record, as the grid power does.
                at = body.items[before].at if len(body.items) > before else None
                item = parser.quantity.unknown(at) if channel else None
                is_used = True
            # Line protocol without the fields of a side may be a record of another kind.
            is_used = is_used or item is not None or not channel
            if item is not None:
                body.items.append(item)
        if missing is not None and not is_used:
            body.problems.append(type(missing)(f"{where}{missing}"))


def _side(address: Address, name: str, grid: RecordParser) -> RecordParser:
    _need_names(address, name, grid)
    path, field = PathSum.of(address, name), Fields.of(address, name)
    assert path is not None  # noqa: S101 - the option is given
    quantity = channel_quantity(address, name, required=False)
    names = named_units(quantity)
    if path.last_name not in names:
        quantity = channel_quantity(address, name)
    elif f"{name}_unit" not in address.options:
        quantity = replace(quantity, unit=names[path.last_name])
    return replace(
        grid,
        quantity=quantity,
        layout=JsonLayout(quantity, path),
        field=field,
        minus=None,
    )


def _further(
    address: Address, name: str, places: tuple[str, ...], grid: RecordParser
) -> RecordParser:
    _need_names(address, "channels", grid)
    quantity = further_quantity(address, name, required=False)
    if not places:
        return replace(grid, quantity=quantity, layout=None, field=None, minus=None)
    path, field = further_path(address, places), Fields.parse(",".join(places))
    unit = named_units(quantity).get(path.last_name)
    if unit is not None and len(places) == 1 and not has_unit(address, name):
        quantity = replace(quantity, unit=unit)
    elif quantity.unit is None:
        quantity = further_quantity(address, name)
    layout = JsonLayout(quantity, path)
    return replace(grid, quantity=quantity, layout=layout, field=field, minus=None)


def _need_names(address: Address, option: str, grid: RecordParser) -> None:
    if grid.format == "number":
        raise address.wrong(option, "it is for records in JSON or line protocol")
