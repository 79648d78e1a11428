"""Replay of delimited text: the UCI file, or any table with a time and a power or an energy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

from streamer.display.lines import printable
from streamer.errors import UnitError, UsageError
from streamer.readings.span import Span
from streamer.sources.bounds import MAX_KW
from streamer.sources.files.bytestream import open_bytes
from streamer.sources.files.channelshape import (
    are_joint,
    channel_shapes,
    converters,
    description,
    grid_rows,
)
from streamer.sources.files.framing import LineReader
from streamer.sources.files.head import Head
from streamer.sources.files.joining import ChannelJoin
from streamer.sources.files.layout import ChannelRequest, Layout, LayoutOptions, Question
from streamer.sources.files.replay import ReplaySource
from streamer.sources.files.rows import ABSENT, Row, RowParser
from streamer.sources.files.screening import Rules
from streamer.sources.files.series import Condition
from streamer.sources.files.shape import QUANTITIES, Quantity, Shape, recognise_shape
from streamer.sources.files.solarchecks import SolarChecks
from streamer.sources.files.units import UNITS, Unit

_MORE_LINES = 10
_MANY_LINES = 50


def open_replay(
    path: str | Path,
    *,
    member: str | None = None,
    column: str | int | None = None,
    minus: str | int | None = None,
    time_column: str | int | None = None,
    time_format: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    unit: Unit | None = None,
    quantity: Quantity | None = None,
    where: Sequence[str] = (),
    as_minutes: bool = False,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    strict: bool = False,
    max_kw: float = MAX_KW,
    solar: str | int | None = None,
    battery: str | int | None = None,
    solar_unit: Unit | None = None,
    battery_unit: Unit | None = None,
    channels: Sequence[ChannelRequest] = (),
    all_channels: bool = False,
) -> ReplaySource:
    """Open a recorded stream.

    Reads the UCI file as published, zipped or not, and any other delimited text. Rows of a
    minute are readings as they are. Finer ones are averaged; energies of intervals and counters
    become mean powers. An empty value, ``?``, ``NaN`` or the like is missing, which makes a gap
    and is not an error.

    Args:
        path: the file, or ``-`` for standard input.
        member: the member of an archive, or the table in a JSON document; by default the only
            one that may hold data.
        column: name or 1-based number of the column of the power or the energy; several joined
            by ``+`` are added.
        minus: columns to subtract, such as the energy fed into the grid, written likewise.
        time_column: name or 1-based number of the time column; the date column, if the time
            is split into date and time of day.
        time_format: `strptime` format, required only if the times are in an unusual style, or
            day and month cannot be distinguished.
        delimiter: the character between fields, ``tab``, or ``space`` for runs of spaces.
        decimal: the decimal separator, ``.`` or ``,``; by default found from the column.
        unit: unit of the column; by default that of the file, which must have one.
        quantity: ``power``, ``energy`` (of the interval of each row) or ``counter``; by default
            found from the unit and the values.
        where: conditions such as ``entity_id=sensor.power``, to choose one of several series;
            values of the same column are alternatives.
        as_minutes: accept rows more than a minute apart, and spread each value evenly over its
            minutes.
        start: skip rows before this time. Without a zone, it is on the file's own clock.
        end: stop at the first row at or after this time, interpreted likewise.
        limit: stop after so many readings.
        strict: raise at the first malformed or disordered row instead of skipping it.
        max_kw: skip values of a larger magnitude, in kW.
        solar: columns of the power or energy of the solar panels, written like `column`; a
            column after ``-`` is subtracted; or ``COLUMN=VALUE`` for the rows of another series
            than that of `where`. `column` is then the power at the grid connection,
            negative while the house exports. A minute without solar power is a gap, except in a
            run of at most a day that begins and ends at 10 W or less: it is a night, with none.
        battery: columns of the power or energy into the battery, negative while it is
            discharged, written likewise. A minute without it is a gap.
        solar_unit: unit of the solar columns; by default that of the file, or `unit`.
        battery_unit: unit of the battery columns likewise.
        channels: the channels that the model takes beside the power, in its order. A minute
            without one of them is a gap. Those of the UCI file are found by its names.
        all_channels: take all channels of the UCI file, after those.

    Returns:
        The source, its layout determined. Waits for the first rows if necessary.

    Raises:
        UsageError: an option does not fit the file, or something cannot be recognised for
            certain.
        SourceError: the file cannot be read.
    """
    rules = Rules(Span(start, end), limit, strict, max_kw)
    rules.check()
    options = LayoutOptions(
        column=column,
        minus=minus,
        time_column=time_column,
        delimiter=delimiter,
        decimal=decimal,
        unit=unit,
        where=tuple(map(Condition.parse, where)),
        solar=solar,
        battery=battery,
        solar_unit=solar_unit,
        battery_unit=battery_unit,
        channels=tuple(channels),
        all_channels=all_channels,
    )
    _check_options(options, quantity)
    name, stream = open_bytes(path, member=member)
    lines = LineReader(name, stream)
    try:
        head = Head(name, lines, options)
        while True:
            layout = head.layout()
            energies = [each for each in (layout.grid, *layout.channels) if each.is_energy]
            if (energies or layout.numbers.is_ambiguous) and head.extend(_MANY_LINES):
                continue  # a few rows of a pipe do not show a counter
            parser = RowParser(layout, time_format)
            rows = head.rows(parser)
            # Of energies beside a power, the quantity is not that of the power.
            of_grid = quantity if layout.is_energy or not energies else None
            shape, questions = recognise_shape(
                name, layout, grid_rows(rows), quantity=of_grid, as_minutes=as_minutes
            )
            others, of_others = channel_shapes(
                name, layout, shape, rows, quantity=quantity, as_minutes=as_minutes
            )
            questions += of_others
            if not questions or not head.extend(_MORE_LINES):
                break
        is_ordered = shape.is_ordered and are_joint(layout, rows)
        _check_magnitude(name, layout, shape, grid_rows(rows), max_kw)
        _check_channels(name, layout, rows, max_kw)
        _ask(name, [*layout.questions, *questions])
        head.rewind()
    except BaseException:
        lines.close()
        raise
    return _source(name, lines, parser, layout, shape, others, rules, is_ordered=is_ordered)


def _check_options(options: LayoutOptions, quantity: Quantity | None) -> None:
    units = {
        "--unit": options.unit,
        "--solar-unit": options.solar_unit,
        "--battery-unit": options.battery_unit,
    }
    for option, unit in units.items():
        if unit is not None and unit not in UNITS:
            raise UsageError(f"{option} {unit!r} is unknown; give {', '.join(UNITS)}")
    if quantity is not None and quantity not in QUANTITIES:
        raise UsageError(f"--quantity {quantity!r} is unknown; give {', '.join(QUANTITIES)}")
    if options.decimal not in (None, ".", ","):
        raise UsageError(f"--decimal {options.decimal!r} is unknown; give . or ,")
    if options.solar_unit is not None and options.solar is None:
        raise UsageError("--solar-unit needs the column: give --solar NAME")
    if options.battery_unit is not None and options.battery is None:
        raise UsageError("--battery-unit needs the column: give --battery NAME")


def _source(
    name: str,
    lines: LineReader,
    parser: RowParser,
    layout: Layout,
    shape: Shape,
    others: Sequence[Shape],
    rules: Rules,
    *,
    is_ordered: bool,
) -> ReplaySource:
    combined = converters(layout, shape, others)
    channels = {channel.name: channel for channel in layout.channels}
    checks = None
    if "solar" in channels:
        checks = SolarChecks(name, layout.grid, channels["solar"], channels.get("battery"))
    return ReplaySource(
        name,
        lines,
        parser,
        layout.unit,
        rules,
        lines_before=layout.lines_before - lines.added_lines,
        converter=None if combined is None or channels else combined[0],
        join=ChannelJoin(
            list(channels), combined, can_repeat=any(each.where for each in layout.channels)
        )
        if channels
        else None,
        checks=checks,
        description=None if combined is None else description(layout, shape, others),
        channels=layout.requests,
        known_channels=layout.known_channels,
        is_ordered=is_ordered,
    )


def _check_magnitude(
    name: str, layout: Layout, shape: Shape, rows: Sequence[Row], max_kw: float
) -> None:
    """Raise UnitError if most of the first powers are more than a household draws."""
    values = [abs(value) for _, value, _ in rows if value is not None]
    if layout.questions or shape.quantity != "power" or not values or median(values) <= max_kw:
        return
    remedy = "give --unit W" if layout.unit == "kW" else "give --unit"
    raise UnitError(
        f"{name}: the median of the first {len(values)} values of {layout.value_name!r} is "
        f"{median(values):.6g} kW, more than a household draws; if it is in another unit, "
        f"{remedy}; if these are sums, give --unit kWh --quantity energy; otherwise raise --max-kw"
    )


def _check_channels(name: str, layout: Layout, rows: Sequence[Row], max_kw: float) -> None:
    """Raise UnitError if most of the first powers of a channel are more than a house has."""
    for place, channel in enumerate(layout.channels):
        values = [
            abs(value) for *_, others in rows if (value := others[place]) and value is not ABSENT
        ]
        if (
            channel.per_value is None
            and not channel.is_energy
            and values
            and median(values) > max_kw
        ):
            remedy = f"give {channel.unit_option}" if channel.unit == "kW" else "raise --max-kw"
            raise UnitError(
                f"{name}: the median of the first {len(values)} values of {channel.label!r} above "
                f"zero is {median(values):.6g} kW, more than a house has; if the column is in "
                f"another unit, {remedy}"
            )


def _ask(name: str, questions: Sequence[Question]) -> None:
    """Raise one error for everything that cannot be recognised for certain."""
    if questions:
        reasons = "; ".join(question.reason for question in questions)
        options = " ".join(dict.fromkeys(question.option for question in questions))
        raise UsageError(printable(f"{name}: {reasons}: give {options}"))
