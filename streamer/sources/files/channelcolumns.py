"""Recognition of the columns of solar and battery power, which options name."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from streamer.display.lines import printable, shorten
from streamer.errors import UsageError
from streamer.sources.files.columnnames import ColumnNames
from streamer.sources.files.known import KnownTable
from streamer.sources.files.layout import (
    Channel,
    ChannelName,
    Conditions,
    LayoutOptions,
    Question,
    decimal_question,
)
from streamer.sources.files.numbers import NumberFormat, recognise_numbers
from streamer.sources.files.table import Table
from streamer.sources.files.unitchoice import UnitChoice, check_one_unit
from streamer.sources.files.units import Unit, measure_of
from streamer.sources.files.values import ValueColumn


def requested_channels(columns: ColumnNames, options: LayoutOptions) -> list[ChannelColumns]:
    """Return the columns of solar and battery power that are asked for.

    Raises:
        UsageError: a column is missing or ambiguous, or asked for as both.
    """
    found: list[ChannelColumns] = []
    if options.solar is not None:
        found.append(ChannelColumns("solar", columns, options.solar, options.solar_unit))
    if options.battery is not None:
        battery = ChannelColumns("battery", columns, options.battery, options.battery_unit)
        for solar in found:
            battery.check_apart(solar.indices, "the solar power")
        found.append(battery)
    return found


class ChannelColumns:
    """The columns of one channel.

    Args:
        name: ``solar`` or ``battery``.
        columns: the columns of the table.
        requested: the option's value: columns joined by ``+``, each perhaps after a ``-``; or
            ``COLUMN=VALUE`` for rows of their own.
        unit: the unit that is given for them, if any.

    Attributes:
        plus: columns to add.
        minus: columns to subtract.
        series: the column and value of the rows that have them; None if they are in all rows.

    Raises:
        UsageError: a column is missing or ambiguous.
    """

    def __init__(
        self, name: ChannelName, columns: ColumnNames, requested: str | int, unit: Unit | None
    ) -> None:
        self.plus: list[int] = []
        self.minus: list[int] = []
        self.series: tuple[int, str] | None = None
        self._name = name
        self._option = f"--{name}"
        self._columns = columns
        self._unit = unit
        text = str(requested).strip()
        self._is_reversed = text.startswith("-")
        if "=" in text and not columns.find(text):
            column, _, value = text.removeprefix("-").partition("=")
            self.series = columns.requested(column, self._option), value.strip()
            return
        for part in [text] if columns.find(text) else text.split("+"):
            if part.strip().startswith("-") and not columns.find(part):
                column = part.strip().removeprefix("-")
                self.minus.append(columns.requested(column, self._option))
            else:
                self.plus.append(columns.requested(part, self._option))

    @property
    def indices(self) -> set[int]:
        """All of the columns."""
        return {*self.plus, *self.minus}

    def check_apart(self, others: Collection[int], what: str) -> None:
        """Raise UsageError if one of the columns is used for something else.

        Args:
            others: the columns used for it.
            what: what they hold, for the error.
        """
        if self.indices & set(others):
            text = f"{what} and the {self._name} power cannot be the same column"
            raise self._columns.error(text, self._option)

    def channel(
        self,
        name: str,
        table: Table,
        where: Conditions,
        options: LayoutOptions,
        *,
        grid: list[int],
        known: KnownTable | None,
    ) -> tuple[Channel, list[Question]]:
        """Recognise unit and numbers.

        Args:
            name: the file's name, for errors.
            table: the table.
            where: the conditions for the rows of the grid's power.
            options: options that override the recognition.
            grid: columns of the grid's power, whose numbers are written alike.
            known: the published table that it is, if any.

        Returns:
            The channel, and what must be asked.

        Raises:
            UsageError: a column is another quantity.
        """
        questions: list[Question] = []
        conditions = self._conditions(name, table, where)
        rows = [
            row
            for row in table.rows
            if all(row[index].strip() in values for index, values in conditions)
        ]
        plus, minus = self.plus, self.minus
        if self.series is not None:  # the column is that of the grid's power
            plus, minus = ([], grid[:1]) if self._is_reversed else (grid[:1], [])
        first, *_ = indices = [*plus, *minus]
        if self._unit is None:
            for index in indices:
                self._check_measure(name, table.names[index])
            check_one_unit(name, [table.names[index] for index in indices], f"{self._option}-unit")
        numbers = self._numbers(indices, grid, rows, options.decimal)
        if numbers.is_ambiguous:
            questions.append(decimal_question(table.names[first]))
        unit = self._unit
        if unit is None and self.series is not None:
            unit = measure_of(self.series[1]).unit
        if unit is None:
            column = ValueColumn(first, measure_of(table.names[first]), numbers, 0)
            unit, question = UnitChoice(
                name, table, rows, column, known, option=f"{self._option}-unit"
            ).unit()
            # Columns without a unit are of one logger, but sensors differ.
            if question is not None and options.unit is not None and self.series is None:
                unit = options.unit
            elif question is not None:
                questions.append(question)
        label = self._label(table.names)
        channel = Channel(
            self._name,
            tuple(plus),
            tuple(minus),
            unit,
            numbers,
            printable(label),
            self._reversed_option(),
            tuple(conditions) if self.series is not None else (),
        )
        return channel, questions

    def _conditions(self, name: str, table: Table, where: Conditions) -> Conditions:
        """The conditions for the rows that have the columns."""
        if self.series is None:
            return where
        column, value = self.series
        of_grid = dict(where).get(column)
        if of_grid is None or value in of_grid:
            wanted = shlex.quote(f"{table.names[column]}=VALUE")
            raise UsageError(
                f"{name}: {self._option} chooses a series of column {shorten(table.names[column])};"
                f" choose another one for the power at the grid connection: --where {wanted}"
            )
        others = [condition for condition in where if condition[0] != column]
        return [*others, (column, frozenset((value,)))]

    def _label(self, names: Sequence[str]) -> str:
        if self.series is not None:
            return self.series[1]
        label = " + ".join(names[index] for index in self.plus)
        for index in self.minus:
            label += f"{' - ' if label else '-'}{names[index]}"
        return label

    def _check_measure(self, name: str, column: str) -> None:
        measure = measure_of(column)
        if measure.other:
            raise UsageError(
                f"{name}: column {shorten(column)} is {measure.other} by its name; if it is "
                f"{self._name} power anyway, give {self._option}-unit kW or {self._option}-unit W"
            )

    def _reversed_option(self) -> str:
        """The option with all signs reversed."""
        if self.series is not None:
            column, value = self.series
            sign = "" if self._is_reversed else "-"
            return f"{self._option}={shlex.quote(f'{sign}{self._columns.name(column)}={value}')}"
        parts = [f"-{self._columns.name(index)}" for index in self.plus]
        parts += [self._columns.name(index) for index in self.minus]
        return f"{self._option}={shlex.quote('+'.join(parts))}"

    @staticmethod
    def _numbers(
        own: Sequence[int],
        grid: Sequence[int],
        rows: Sequence[Sequence[str]],
        decimal: str | None,
    ) -> NumberFormat:
        """The format of the numbers; that of the grid's power where a night shows only zeros."""
        texts = [row[index] for row in rows for index in (*own, *grid)]
        alone = [row[index] for row in rows for index in own]
        found = recognise_numbers(texts, decimal) or recognise_numbers(alone, decimal)
        return found or NumberFormat(decimal or ".")
