"""Choice of the columns of the power or the energy of a house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamer.sources.files import vocabulary
from streamer.sources.files.numbers import NumberFormat, recognise_numbers
from streamer.sources.files.units import Measure, measure_of, without_unit, words_of

_UNNAMED_RANK = 4
_ENERGY_RANK = 10
_PART_RANK = 50
_MIN_CONSTANT_ROWS = 10


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """A column that may hold the power or the energy.

    Attributes:
        index: its place.
        measure: quantity and unit in its name.
        numbers: format of its numbers.
        rank: suitability; the lowest is the best.
        is_export: whether its name says that it is fed into the grid.
        is_import: whether its name says that it is drawn from the grid.
        is_share: whether its name says that it holds one tariff or one phase of several.
    """

    index: int
    measure: Measure
    numbers: NumberFormat
    rank: int
    is_export: bool = False
    is_share: bool = False
    is_import: bool = False

    @property
    def is_part(self) -> bool:
        """Whether its name says that it is a part of the house, an export or an extreme."""
        return self.rank >= _PART_RANK


def value_columns(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    others: set[int],
    decimal: str | None,
) -> list[ValueColumn]:
    """Return the numeric columns that may hold power or energy, the best first.

    Args:
        names: names of the columns.
        rows: the first rows; without any, the names alone decide.
        others: columns that hold something else, such as the time.
        decimal: the decimal separator, if it is known.
    """
    found = []
    for index, name in enumerate(names):
        measure = measure_of(name)
        if index in others or measure.other or _is_identifier(name, index, rows):
            continue
        numbers = column_numbers(index, rows, decimal) if rows else NumberFormat(decimal or ".")
        if numbers is None and measure.unit is not None:
            numbers = NumberFormat(decimal or ".")  # its rows are reported as malformed
        if numbers is None:
            continue
        rank, is_export, is_share = _rank(name, measure)
        is_import = bool(set(words_of(name)) & vocabulary.IMPORT)
        if rows or rank % _ENERGY_RANK < _UNNAMED_RANK:
            found.append(ValueColumn(index, measure, numbers, rank, is_export, is_share, is_import))
    varying = [each for each in found if each.is_export or not _is_constant(each.index, rows)]
    return sorted(varying or found, key=lambda each: (each.rank, each.index))


def column_numbers(
    index: int, rows: Sequence[Sequence[str]], decimal: str | None
) -> NumberFormat | None:
    """Return the format of a column's numbers; None if it is not numeric."""
    return recognise_numbers((row[index] for row in rows), decimal)


def _rank(name: str, measure: Measure) -> tuple[int, bool, bool]:
    """Suitability of a column by its name, and whether it is an export, or one tariff or phase."""
    words = set(words_of(without_unit(name)))
    is_export = bool(words & vocabulary.EXPORT)
    is_share = bool(words & (vocabulary.TARIFF | vocabulary.PHASE))
    if is_export or words & vocabulary.PART:
        rank = _PART_RANK
    elif words - vocabulary.NEUTRAL - vocabulary.POWER - vocabulary.VALUE - vocabulary.TARIFF:
        rank = 3 if measure.unit else _UNNAMED_RANK
    elif words & {"grid", "netz", "whe", "aggregate"}:
        rank = 0
    elif (words & vocabulary.POWER and not words & vocabulary.VALUE) or (
        measure.unit and not words & vocabulary.VALUE
    ):
        rank = 1
    elif words & (vocabulary.VALUE | vocabulary.POWER | vocabulary.NEUTRAL):
        rank = 2
    else:
        rank = _UNNAMED_RANK
    if measure.is_energy:
        rank += _ENERGY_RANK
    return rank, is_export, is_share


def _is_identifier(name: str, index: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column holds numbers of rows, meters or accounts."""
    words = set(words_of(name))
    if words & vocabulary.IDENTIFIER and not measure_of(name).unit:
        return True
    if name and words != {"unnamed"}:
        return False
    texts = [row[index].strip() for row in rows]
    if not texts or not all(text.isdecimal() for text in texts):
        return False
    return [int(text) for text in texts] == list(range(int(texts[0]), int(texts[0]) + len(texts)))


def _is_constant(index: int, rows: Sequence[Sequence[str]]) -> bool:
    return len(rows) >= _MIN_CONSTANT_ROWS and len({row[index] for row in rows}) == 1
