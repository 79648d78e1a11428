"""Recognition of the columns of solar and battery power, which options name."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from streamer.display.lines import printable, shorten
from streamer.errors import UsageError
from streamer.sources.files.columnnames import ColumnNames
from streamer.sources.files.known import KnownTable
from streamer.sources.files.layout import Channel, ChannelName, LayoutOptions, Question
from streamer.sources.files.numbers import NumberFormat, recognise_numbers
from streamer.sources.files.table import Table
from streamer.sources.files.unitchoice import UnitChoice
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
        requested: the option's value: columns joined by ``+``, each perhaps after a ``-``.
        unit: the unit that is given for them, if any.

    Attributes:
        plus: columns to add.
        minus: columns to subtract.

    Raises:
        UsageError: a column is missing or ambiguous.
    """

    def __init__(
        self, name: ChannelName, columns: ColumnNames, requested: str | int, unit: Unit | None
    ) -> None:
        self.plus: list[int] = []
        self.minus: list[int] = []
        self._name = name
        self._option = f"--{name}"
        self._columns = columns
        self._unit = unit
        text = str(requested)
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
        rows: Sequence[Sequence[str]],
        options: LayoutOptions,
        *,
        grid: Sequence[int],
        known: KnownTable | None,
    ) -> tuple[Channel, list[Question]]:
        """Recognise unit and numbers.

        Args:
            name: the file's name, for errors.
            table: the table.
            rows: its first rows, those of the series only.
            options: options that override the recognition.
            grid: columns of the grid's power, whose numbers are written alike.
            known: the published table that it is, if any.

        Returns:
            The channel, and what must be asked.

        Raises:
            UsageError: a column is another quantity.
        """
        questions: list[Question] = []
        first = min(self.plus or self.minus)
        for index in sorted(self.indices):
            self._check_measure(name, table.names[index])
        numbers = self._numbers([*self.plus, *self.minus], grid, rows, options.decimal)
        if numbers.is_ambiguous:
            questions.append(
                Question(
                    f"the comma in column {shorten(table.names[first])} may separate decimals or "
                    "thousands",
                    "--decimal ,",
                )
            )
        unit = self._unit
        if unit is None:
            column = ValueColumn(first, measure_of(table.names[first]), numbers, 0)
            unit, question = UnitChoice(
                name, table, rows, column, known, option=f"{self._option}-unit"
            ).unit()
            if question is not None and options.unit is not None:
                unit = options.unit
            elif question is not None:
                questions.append(question)
        label = " + ".join(table.names[index] for index in self.plus)
        for index in self.minus:
            label += f"{' - ' if label else '-'}{table.names[index]}"
        channel = Channel(
            self._name,
            tuple(self.plus),
            tuple(self.minus),
            unit,
            numbers,
            printable(label),
            self._reversed_option(),
        )
        return channel, questions

    def _check_measure(self, name: str, column: str) -> None:
        measure = measure_of(column)
        if measure.other and self._unit is None:
            raise UsageError(
                f"{name}: column {shorten(column)} is {measure.other} by its name; if it is "
                f"{self._name} power anyway, give {self._option}-unit kW or {self._option}-unit W"
            )

    def _reversed_option(self) -> str:
        """The option with all signs reversed."""
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
