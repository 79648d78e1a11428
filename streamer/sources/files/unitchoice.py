"""Choice of the unit of a column, from its name, its values, or what is beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from streamer.display.lines import shorten
from streamer.errors import UsageError
from streamer.sources.files import vocabulary
from streamer.sources.files.fields import is_missing
from streamer.sources.files.known import KnownTable
from streamer.sources.files.layout import Question
from streamer.sources.files.numbers import NumberFormat
from streamer.sources.files.table import Table
from streamer.sources.files.units import Measure, Unit, exact_unit, measure_of, words_of
from streamer.sources.files.values import ValueColumn

_TYPICAL_WATTS = 20.0
"""A house whose median is above this many units is not measured in kW."""

_MIN_MILLIWATTS = 1000.0
"""A house never draws less than this many milliwatts for long."""

_ENERGY_WORDS = {"consumption", "energy", "energie", "volume", "electricity", "strom"}


class UnitChoice:
    """Choice of the unit of one column.

    Args:
        name: the file's name, for errors.
        table: the table.
        rows: its first rows, those of the series only.
        value: the column.
        known: the published table that it is, if any.
        option: the option that gives the unit.
    """

    def __init__(
        self,
        name: str,
        table: Table,
        rows: Sequence[Sequence[str]],
        value: ValueColumn,
        known: KnownTable | None,
        option: str = "--unit",
    ) -> None:
        self._name = name
        self._option = option
        self._table = table
        self._names = table.names
        self._rows = rows
        self._value = value
        self._known = known
        self._column = self._names[value.index]
        self._numbers = list(_numbers_of(value.index, rows, value.numbers))

    def unit(self) -> tuple[Unit, Question | None]:
        """Return the unit, or the most likely one and the question about it.

        Raises:
            UsageError: the values are of another quantity.
        """
        found = self._in_values() or self._value.measure.unit or self._of_known()
        found = found or self._beside() or self._above()
        # Panels and batteries give nothing for much of the time.
        usual = median if self._option == "--unit" else max
        typical = usual(map(abs, self._numbers)) if self._numbers else 0.0
        if found == "mW" and typical < _MIN_MILLIWATTS:
            found = None
        if found is not None:
            return found, None
        if self._value.measure.is_ambiguous:
            reason = f"the unit of column {shorten(self._column)} may be mW or MW"
        elif self._value.measure.unit == "mW":
            reason = f"column {shorten(self._column)} is in mW, which is too little for a house"
        else:
            reason = f"column {shorten(self._column)} has no unit"
        if self._numbers:
            reason += f" (its median is {median(self._numbers):g})"
        return (guess := self._guess(typical)), Question(reason, f"{self._option} {guess}")

    def _in_values(self) -> Unit | None:
        """The unit that most values have behind their number, if any."""
        units: list[Unit] = []
        for row in self._rows:
            measure = _suffix(row[self._value.index], self._value.numbers)
            if measure.other:
                chooser = "--column"
                if self._option != "--unit":
                    chooser = self._option.removesuffix("-unit")
                raise UsageError(
                    f"{self._name}: the values of column {shorten(self._column)} are "
                    f"{measure.other}, such as {shorten(row[self._value.index])}; name the column "
                    f"of the power: {chooser} NAME"
                )
            if measure.unit is not None:
                units.append(measure.unit)
        if 2 * len(units) <= len(self._numbers):
            return None
        return Counter(units).most_common(1)[0][0]

    def _of_known(self) -> Unit | None:
        known = self._known
        is_known = known is not None and self._column.lower() in (known.value, *known.beside)
        return known.unit if known is not None and is_known else None

    def _beside(self) -> Unit | None:
        """The unit in a column of units, or in the name of the series."""
        first = self._value.index + 1
        others = [i for i in range(len(self._names)) if i not in (first, self._value.index)]
        constant = [
            (index, values.pop())
            for index in [*range(first, min(first + 1, len(self._names))), *others]
            if len(values := {row[index].strip() for row in self._rows}) == 1
        ]
        for _, text in constant:
            if (unit := exact_unit(text)) is not None:
                return unit
        for index, text in constant:
            if set(words_of(self._names[index])) & vocabulary.SERIES:
                return measure_of(text).unit
        return None

    def _above(self) -> Unit | None:
        """The only unit in the lines above the table."""
        found = {unit for text in self._table.preamble if (unit := exact_unit(text)) is not None}
        return found.pop() if len(found) == 1 else None

    def _guess(self, typical: float) -> Unit:
        """The most likely unit, to be suggested."""
        words = set(words_of(self._column))
        if self._value.measure.is_ambiguous:
            return "mW"
        rises = len(self._numbers) > 2 and _rises(self._numbers)
        if (rises and not words & vocabulary.POWER) or words & _ENERGY_WORDS:
            return "kWh"
        return "W" if typical > _TYPICAL_WATTS else "kW"


def check_one_unit(name: str, columns: Sequence[str], option: str) -> None:
    """Raise UsageError if columns that are added have different units in their names.

    Args:
        name: the file's name, for the error.
        columns: their names.
        option: the option that gives the unit of all of them.
    """
    found = {unit: column for column in columns if (unit := measure_of(column).unit) is not None}
    if len(found) > 1:
        shown = ", ".join(f"{shorten(column)} in {unit}" for unit, column in found.items())
        raise UsageError(
            f"{name}: columns of different units cannot be added ({shown}); convert them first, "
            f"or if they are of one unit anyway, give {option}"
        )


def _numbers_of(
    index: int, rows: Sequence[Sequence[str]], numbers: NumberFormat
) -> Iterator[float]:
    for row in rows:
        if not is_missing(row[index]):
            try:
                yield numbers.parse(row[index])[0]
            except ValueError:
                continue


def _suffix(text: str, numbers: NumberFormat) -> Measure:
    """The unit behind a number."""
    try:
        return measure_of(numbers.parse(text)[1])
    except ValueError:
        return Measure()


def _rises(numbers: Sequence[float]) -> bool:
    """Whether numbers never fall, and rise at least once, as a counter's do."""
    ordered = sorted(numbers)
    return list(numbers) in (ordered, ordered[::-1]) and ordered[0] < ordered[-1]
