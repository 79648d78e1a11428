"""Recognition of the layout of a table by its names and its first rows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from streamer.display.lines import printable, shorten
from streamer.errors import UsageError
from streamer.sources.files import vocabulary
from streamer.sources.files.columnnames import ColumnNames
from streamer.sources.files.inputcolumns import ColumnBeside, InputColumn, requested_columns
from streamer.sources.files.known import known_table
from streamer.sources.files.layout import Channel, Layout, LayoutOptions, Question, decimal_question
from streamer.sources.files.numbers import NumberFormat
from streamer.sources.files.series import (
    best_column,
    best_series,
    named_series,
    series_columns,
    values_of,
)
from streamer.sources.files.table import UCI_COLUMNS, Table
from streamer.sources.files.timecolumn import (
    TimeColumns,
    has_clock_without_date,
    pair_with,
    time_candidates,
)
from streamer.sources.files.unitchoice import UnitChoice, check_one_unit
from streamer.sources.files.units import Unit, measure_of, words_of
from streamer.sources.files.values import ValueColumn, column_numbers, value_columns

_LISTED_SERIES = 8

_Conditions = list[tuple[int, frozenset[str]]]


def recognise_layout(name: str, table: Table, options: LayoutOptions) -> Layout:
    """Recognise the layout of a table.

    Args:
        name: the file's name, for errors.
        table: the table.
        options: options that override the recognition.

    Returns:
        The layout, with questions about what cannot be recognised for certain.

    Raises:
        UsageError: a column is missing or ambiguous, or is another quantity.
    """
    return _Recogniser(name, table, options).layout()


class _Recogniser:
    """Recognition of one layout."""

    def __init__(self, name: str, table: Table, options: LayoutOptions) -> None:
        self._name = name
        self._table = table
        self._options = options
        self._names = table.names
        self._columns = ColumnNames(name, table.names)
        self._rows = table.rows
        self._questions: list[Question] = []
        self._known = known_table(self._names)

    def layout(self) -> Layout:
        table = self._table
        times = self._time_columns()
        where = self._requested_conditions()
        self._filter(where)
        taken = {times.time} | ({times.clock} if times.clock is not None else set())
        others = taken | {column for column, _ in where}
        beside = requested_columns(self._columns, self._options, self._known)
        for each in beside:
            each.check_apart(taken, "the time")
            each.check_apart({column for column, _ in where}, "the column of --where")
        others |= {index for each in beside for index in each.indices}
        values, minus = self._value_columns(others)
        if values[0].index in taken:
            raise self._columns.error("time and power cannot be the same column", "--column")
        for each in beside:
            each.check_apart([value.index for value in values], "the power at the grid connection")
        others |= {each.index for each in (*values, *minus)}
        where += self._series(times, others)
        if self._options.unit is None:
            check_one_unit(
                self._name, [self._names[each.index] for each in (*values, *minus)], "--unit"
            )
        unit = self._unit(values[0])
        numbers = self._numbers(values[0])
        channels = self._channels(beside, values, where)
        return Layout(
            delimiter=table.delimiter,
            width=len(self._names),
            value=values[0].index,
            time=times.time,
            clock=times.clock,
            unit=unit,
            day_first=self._day_first(times),
            lines_before=table.lines_before,
            plus=tuple(each.index for each in values[1:]),
            minus=tuple(each.index for each in minus),
            where=tuple(where),
            series=tuple(
                named_series(self._names, self._rows, others | {column for column, _ in where})
            ),
            header=tuple(self._names) if table.has_header else (),
            numbers=numbers,
            is_end=times.is_end,
            on_change=self._known is not None and self._known.on_change,
            value_name=self._value_name(values, minus),
            channels=channels,
            known_channels=() if self._known is None else tuple(self._known.channels),
            requests=tuple(each.request for each in beside if isinstance(each, InputColumn)),
            questions=tuple(self._questions),
        )

    def _day_first(self, times: TimeColumns) -> bool | None:
        """Whether the day is the first in a date, as the names show; None if they do not."""
        if {each.lower() for each in UCI_COLUMNS[:3]} <= {each.lower() for each in self._names}:
            return True
        indices = [times.time] if times.clock is None else [times.time, times.clock]
        text = " ".join(self._names[index] for index in indices)
        if any(zone in text for zone in vocabulary.ZONES_OF_THE_USA):
            return False
        return True if set(words_of(text)) & vocabulary.TIME_DAY_FIRST else None

    def _time_columns(self) -> TimeColumns:
        if self._options.time_column is not None:
            index = self._columns.requested(self._options.time_column, "--time-column")
            return pair_with(index, self._names, self._rows)
        found = time_candidates(self._names, self._rows)
        if not found:
            if has_clock_without_date(self._names, self._rows):
                raise UsageError(
                    f"{self._name}: its rows have a time of day, but no date; add a column with "
                    "the date"
                )
            raise self._columns.error("none of them is recognised as the time", "--time-column")
        self._columns.check_only([each.time for each in found], "time", "--time-column")
        return found[0]

    def _value_columns(self, others: set[int]) -> tuple[list[ValueColumn], list[ValueColumn]]:
        """The columns to add, and those to subtract."""
        options = self._options
        if self._known is not None and options.column is None:
            index = [each.lower() for each in self._names].index(self._known.value)
            return [self._value(index, ())], self._requested_values(options.minus, "--minus", ())
        candidates = value_columns(self._names, self._rows, others, options.decimal)
        minus = self._requested_values(options.minus, "--minus", candidates)
        if options.column is not None:
            return self._requested_values(options.column, "--column", candidates), minus
        if not candidates:
            raise self._columns.error(
                f"none of them is recognised as the power{self._why()}", "--column", unit=True
            )
        best = [each for each in candidates if each.rank == candidates[0].rank]
        if len(best) > 1:
            raise self._several(best, candidates)
        if best[0].is_part:
            column = self._names[best[0].index]
            self._questions.append(
                Question(
                    f"column {shorten(column)} may not be the power of the whole house",
                    f"--column {shlex.quote(column)}",
                )
            )
        elif not minus and (best[0].measure.is_energy or best[0].is_import):
            unit = best[0].measure.unit
            exports = [each for each in candidates if each.is_export and each.measure.unit == unit]
            minus = exports if len(exports) == 1 else []
        return best, minus

    def _several(self, best: list[ValueColumn], candidates: list[ValueColumn]) -> UsageError:
        """The error for several equal columns, with an option that works."""
        shown = self._columns.shown([each.index for each in best])
        choice = self._columns.choice(best[0].index)
        imports = [self._names[each.index] for each in best if not each.is_export]
        if len(imports) == len(best) and all(each.is_share for each in best):
            choice = shlex.quote("+".join(imports))
            exports = [self._names[each.index] for each in candidates if each.is_export]
            if exports:
                choice += f" --minus {shlex.quote('+'.join(exports))}"
        return self._columns.error(f"several may be the power column: {shown}", "--column", choice)

    def _why(self) -> str:
        """Why no column is recognised: the other quantities that the names give."""
        found = {name: other for name in self._names if (other := measure_of(name).other)}
        shown = ", ".join(f"{shorten(name)} is {other}" for name, other in found.items())
        return f" ({shown})" if found else ""

    def _value(self, index: int, candidates: Sequence[ValueColumn]) -> ValueColumn:
        for each in candidates:
            if each.index == index:
                return each
        decimal = self._options.decimal
        numbers = column_numbers(index, self._rows, decimal) or NumberFormat(decimal or ".")
        return ValueColumn(index, measure_of(self._names[index]), numbers, 0)

    def _requested_values(
        self, requested: str | int | None, option: str, candidates: Sequence[ValueColumn]
    ) -> list[ValueColumn]:
        if requested is None:
            return []
        text = str(requested)
        parts = [text] if self._columns.find(text) else text.split("+")
        found = [self._value(self._columns.requested(each, option), candidates) for each in parts]
        for each in found:
            if each.measure.other and self._options.unit is None:
                raise UsageError(
                    f"{self._name}: column {shorten(self._names[each.index])} is "
                    f"{each.measure.other} by its name; if it is active power anyway, give "
                    "--unit kW or --unit W"
                )
        return found

    def _requested_conditions(self) -> _Conditions:
        wanted: dict[int, set[str]] = {}
        for condition in self._options.where:
            index = self._columns.requested(condition.column, "--where")
            wanted.setdefault(index, set()).add(condition.value)
        for index, values in wanted.items():
            present = {row[index].strip() for row in self._rows}
            if self._rows and not present & values:
                shown = ", ".join(map(shorten, sorted(present)[:_LISTED_SERIES]))
                raise UsageError(
                    f"{self._name}: --where {self._names[index]}={min(values)}: the first rows "
                    f"have only {shown}"
                )
        return [(index, frozenset(values)) for index, values in wanted.items()]

    def _filter(self, where: _Conditions) -> None:
        self._rows = [
            row for row in self._rows if all(row[i].strip() in values for i, values in where)
        ]

    def _series(self, times: TimeColumns, others: set[int]) -> _Conditions:
        """Conditions for the most likely series, about which a question is asked."""
        chosen: _Conditions = []
        while True:
            stamps = [
                row[times.time] + ("" if times.clock is None else " " + row[times.clock])
                for row in self._rows
            ]
            found = series_columns(self._names, self._rows, stamps, others)
            if not found:
                return chosen
            index = best_column(found, self._rows)
            values = values_of(index, self._rows)
            value = best_series(values)
            shown = ", ".join(map(shorten, values[:_LISTED_SERIES]))
            more = ", …" if len(values) > _LISTED_SERIES else ""
            self._questions.append(
                Question(
                    f"column {shorten(self._names[index])} has several series: {shown}{more}",
                    f"--where {shlex.quote(f'{self._names[index]}={value}')}",
                )
            )
            chosen.append((index, frozenset((value,))))
            self._filter(chosen[-1:])
            others = others | {index}

    def _channels(
        self, beside: Sequence[ColumnBeside], values: Sequence[ValueColumn], where: _Conditions
    ) -> tuple[Channel, ...]:
        grid = [each.index for each in values]
        channels = []
        for each in beside:
            channel, questions = each.channel(
                self._name, self._table, where, self._options, grid=grid, known=self._known
            )
            channels.append(channel)
            self._questions += questions
        return tuple(channels)

    def _unit(self, value: ValueColumn) -> Unit:
        if self._options.unit is not None:
            return self._options.unit
        choice = UnitChoice(self._name, self._table, self._rows, value, self._known)
        unit, question = choice.unit()
        if question is not None:
            self._questions.append(question)
        return unit

    def _numbers(self, value: ValueColumn) -> NumberFormat:
        if value.numbers.is_ambiguous:
            self._questions.append(decimal_question(self._names[value.index]))
        return value.numbers

    def _value_name(self, values: list[ValueColumn], minus: list[ValueColumn]) -> str:
        name = " + ".join(self._names[each.index] for each in values)
        return printable("".join([name, *(f" - {self._names[each.index]}" for each in minus)]))
