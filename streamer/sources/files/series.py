"""Several series in one column, and the choice of one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from streamer.errors import UsageError
from streamer.sources.files import vocabulary
from streamer.sources.files.fields import is_number
from streamer.sources.files.units import measure_of, words_of

_MAX_SERIES = 200
_MIN_REPEATED = 0.3


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a column: rows with another value are left out.

    Attributes:
        column: name or number of the column.
        value: the value that a row must have.
    """

    column: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Parse ``COLUMN=VALUE``.

        Raises:
            UsageError: there is no equals sign.

        >>> Condition.parse("entity_id=sensor.power")
        Condition(column='entity_id', value='sensor.power')
        """
        column, separator, value = text.partition("=")
        if not separator or not column.strip():
            raise UsageError(f"--where {text!r}: write it like entity_id=sensor.power")
        return cls(column.strip(), value.strip())


def series_columns(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    times: Sequence[str],
    others: set[int],
) -> list[int]:
    """Return the columns that tell several series in the rows apart.

    These are columns with few values, by their name or because rows of the same time differ
    in them.

    Args:
        names: names of the columns.
        rows: the first rows.
        times: the time of each row, as text.
        others: columns that hold time or values.
    """
    found = []
    repeated = _repeated(times)
    for index, name in enumerate(names):
        distinct = {row[index].strip() for row in rows}
        if index in others or not 1 < len(distinct) <= min(_MAX_SERIES, max(2, len(rows) // 3)):
            continue
        is_named = bool(set(words_of(name)) & vocabulary.SERIES)
        if not is_named and any(is_number(value) for value in distinct):
            continue
        if (is_named and not _is_status(distinct)) or (
            repeated and _differs_at_one_time(index, rows, times)
        ):
            found.append(index)
    return found


def named_series(
    names: Sequence[str], rows: Sequence[Sequence[str]], others: set[int]
) -> list[tuple[int, str, str]]:
    """Return the columns that name a series of which the first rows have only one.

    Args:
        names: names of the columns.
        rows: the first rows.
        others: columns that hold time or values, or have a condition.

    Returns:
        Place, name and value of each.
    """
    found = []
    for index, name in enumerate(names):
        distinct = {row[index].strip() for row in rows}
        if index not in others and len(distinct) == 1 and set(words_of(name)) & vocabulary.SERIES:
            found.append((index, name, distinct.pop()))
    return found


def best_series(values: Sequence[str]) -> str:
    """Return the series that is most likely the power of the house, to be suggested."""

    def rank(value: str) -> tuple[int, int]:
        measure = measure_of(value)
        words = set(words_of(value))
        return (-int(measure.is_power) + int(bool(measure.other)), -len(words & vocabulary.HOUSE))

    return min(values, key=rank)


def best_column(found: Sequence[int], rows: Sequence[Sequence[str]]) -> int:
    """Return the column to ask about first: the one with a name for the house, and the most."""

    def rank(index: int) -> tuple[int, int]:
        values = values_of(index, rows)
        words = set(words_of(best_series(values)))
        return (len(words & vocabulary.HOUSE), len(values))

    return max(found, key=rank)


def values_of(index: int, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the different values of a column, the most frequent first."""
    return [value for value, _ in Counter(row[index].strip() for row in rows).most_common()]


def _repeated(times: Sequence[str]) -> bool:
    return len(set(times)) < (1 - _MIN_REPEATED) * len(times)


def _differs_at_one_time(index: int, rows: Sequence[Sequence[str]], times: Sequence[str]) -> bool:
    """Whether rows of the same time have different values in a column, mostly."""
    at: dict[str, list[str]] = {}
    for time, row in zip(times, rows, strict=True):
        at.setdefault(time, []).append(row[index].strip())
    several = [values for values in at.values() if len(values) > 1]
    distinct = [values for values in several if len(set(values)) == len(values)]
    return len(distinct) >= 0.8 * len(several)


def _is_status(values: set[str]) -> bool:
    """Whether values describe the quality of a row, not a series."""
    return values <= {"", "ok", "OK", "0", "1", "true", "false", "True", "False"}
