"""Columns of the channels that a model takes, given by options or those of a published table."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from typing import TypeAlias

from streamer.display.lines import printable, shorten
from streamer.errors import UsageError
from streamer.sources.files.channelcolumns import ChannelColumns, requested_channels
from streamer.sources.files.channelunits import (
    QUANTITIES,
    USUAL_UNITS,
    per_unit,
    unit_in,
    units_of,
)
from streamer.sources.files.columnnames import ColumnNames
from streamer.sources.files.known import KnownTable
from streamer.sources.files.layout import (
    Channel,
    ChannelRequest,
    Conditions,
    LayoutOptions,
    Question,
    decimal_question,
)
from streamer.sources.files.numbers import NumberFormat, recognise_numbers
from streamer.sources.files.table import Table
from streamer.sources.files.unitchoice import UnitChoice
from streamer.sources.files.units import UNITS, measure_of
from streamer.sources.files.values import ValueColumn

_TYPICAL_VARS = 20.0
"""A house whose reactive power is above this many units is not measured in kvar."""

_OPTION = "--channel"

ColumnBeside: TypeAlias = "ChannelColumns | InputColumn"
"""Columns of a channel beside the power at the grid connection."""


def requested_columns(
    columns: ColumnNames, options: LayoutOptions, known: KnownTable | None
) -> list[ColumnBeside]:
    """Return what is asked for beside the grid's power: side powers, and what the model takes.

    Raises:
        UsageError: a column is missing or ambiguous, or no column is known for a channel.
    """
    return [*requested_channels(columns, options), *_requested_inputs(columns, options, known)]


def _requested_inputs(
    columns: ColumnNames, options: LayoutOptions, known: KnownTable | None
) -> list[InputColumn]:
    """The columns of the channels that the model takes, in its order."""
    of_table = {} if known is None else known.channels
    requests = [*options.channels]
    if options.all_channels:
        named = {each.name for each in requests}
        requests += [
            ChannelRequest(name, USUAL_UNITS.get(name, "kW"))
            for name in of_table
            if name not in named
        ]
    missing = [
        each
        for each in requests
        if each.column is None and not columns.find(of_table.get(each.name, ("", ""))[0])
    ]
    if missing:
        names = ", ".join(f"{each.name} ({each.unit})" for each in missing)
        choice = f" {_OPTION} ".join(f"{each.name}=NAME" for each in missing)
        raise columns.error(
            f"the model takes {names} beside the power (--model sceaux takes the power alone)",
            _OPTION,
            choice,
        )
    return [InputColumn(each, columns, *of_table.get(each.name, ("", ""))) for each in requests]


class InputColumn:
    """The column of one channel.

    Args:
        request: the channel.
        columns: the columns of the table.
        known_name: its column in a published table, which is taken if no option names one.
        known_unit: the unit of that.

    Attributes:
        request: the channel.

    Raises:
        UsageError: the column is missing or ambiguous, or the unit is not one of the channel.
    """

    def __init__(
        self, request: ChannelRequest, columns: ColumnNames, known_name: str, known_unit: str
    ) -> None:
        self.request = request
        self._columns = columns
        self._unit = request.column_unit
        prefix = f"{request.name}="
        if request.column is None:
            self._index = columns.find(known_name)[0]
            self._unit = known_unit
        else:
            self._index = columns.requested(request.column, _OPTION, prefix)
        units = units_of(request.unit)
        if self._unit is not None and self._unit not in units:
            raise UsageError(
                f"{_OPTION} {prefix}{self._choice(self._unit)}: {request.name} cannot be in "
                f"{shorten(self._unit)}, since the model takes it in {request.unit}; give one of "
                f"{', '.join(units)}"
            )

    @property
    def indices(self) -> set[int]:
        """The column."""
        return {self._index}

    def check_apart(self, others: Collection[int], what: str) -> None:
        """Raise UsageError if the column is used for something else.

        Args:
            others: the columns used for it.
            what: what they hold, for the error.
        """
        if self._index in others:
            text = f"{what} and {self.request.name} cannot be the same column"
            raise self._columns.error(text, _OPTION, f"{self.request.name}=NAME")

    def channel(
        self,
        name: str,
        table: Table,
        where: Conditions,
        options: LayoutOptions,
        *,
        grid: Sequence[int],
        known: KnownTable | None,
    ) -> tuple[Channel, list[Question]]:
        """Recognise unit and numbers.

        Args:
            name: the file's name, for errors.
            table: the table.
            where: the conditions for the rows of the grid's power, which have it.
            options: options that override the recognition.
            grid: columns of the grid's power, whose numbers are written alike.
            known: the published table that it is, if any.

        Returns:
            The channel, and what must be asked.

        Raises:
            UsageError: the column is another quantity.
        """
        index, request = self._index, self.request
        column = table.names[index]
        rows = [row for row in table.rows if all(row[i].strip() in values for i, values in where)]
        numbers = _numbers(index, grid, rows, options.decimal)
        questions: list[Question] = []
        if numbers.is_ambiguous:
            questions.append(decimal_question(column))
        unit = self._unit
        if unit is None:
            self._check_quantity(name, column)
            unit = unit_in(column, request.unit)
        if unit is None and request.unit == "kW":
            value = ValueColumn(index, measure_of(column), numbers, 0)
            unit, question = UnitChoice(name, table, rows, value, known, option=_OPTION).unit()
            if question is not None and options.unit is not None:
                unit = options.unit
            elif question is not None:
                questions.append(self._question(question.reason, unit))
        elif unit is None:
            sizes = [abs(value) for value in _values(index, rows, numbers)]
            unit = "var" if sizes and max(sizes) > _TYPICAL_VARS else request.unit
            questions.append(self._question(f"column {shorten(column)} has no unit", unit))
        channel = Channel(
            request.name,
            (index,),
            (),
            unit,
            numbers,
            printable(column),
            per_value=None if unit in UNITS else per_unit(unit, request.unit),
        )
        return channel, questions

    def _check_quantity(self, name: str, column: str) -> None:
        """Raise UsageError if the name of the column is that of another quantity."""
        request, measure = self.request, measure_of(column)
        found = measure.other or ("power" if measure.unit is not None else "")
        wanted = QUANTITIES.get(request.unit, "")
        if found and wanted and found != wanted:
            raise UsageError(
                f"{name}: column {shorten(column)} is {found} by its name, but the model takes "
                f"{request.name} in {request.unit}; if it is that anyway, give {_OPTION} "
                f"{request.name}={self._choice(request.unit)}"
            )

    def _question(self, reason: str, unit: str) -> Question:
        return Question(reason, f"{_OPTION} {self.request.name}={self._choice(unit)}")

    def _choice(self, unit: str) -> str:
        return shlex.quote(f"{self._columns.name(self._index)}:{unit}")


def _numbers(
    own: int, grid: Sequence[int], rows: Sequence[Sequence[str]], decimal: str | None
) -> NumberFormat:
    """The format of the numbers; that of the grid's power where the column shows none."""
    alone = recognise_numbers([row[own] for row in rows], decimal)
    found = alone or recognise_numbers([row[index] for row in rows for index in grid], decimal)
    return found or NumberFormat(decimal or ".")


def _values(index: int, rows: Sequence[Sequence[str]], numbers: NumberFormat) -> list[float]:
    found = []
    for row in rows:
        try:
            found.append(numbers.parse(row[index])[0])
        except ValueError:
            continue
    return found
