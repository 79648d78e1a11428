"""JSON records as rows of delimited text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

from streamer.errors import SourceError
from streamer.sources.files.jsontables import Table
from streamer.sources.files.streams import DelimitedStream

_Json: TypeAlias = Any

# A tab is hardly ever part of a name or a value, unlike a comma.
_DELIMITER = DelimitedStream.delimiter
_MAX_DEPTH = 8
_MAX_COLUMNS = 1000
_WORDS = {None: "", True: "true", False: "false"}
# Columns whose unit may be given once for all of them.
_MEASURED = frozenset(
    ("value", "v", "state", "power", "energy", "consumption", "production", "usage", "generation")
)


def flattened(record: Mapping[str, _Json]) -> dict[str, str]:
    """Fields of a record by name; names in nested values are joined by dots.

    Args:
        record: the record, with its numbers as text.

    >>> flattened({"time": "17:00", "a": {"power": "250.5"}, "phases": ["1", None]})
    {'time': '17:00', 'a.power': '250.5', 'phases.0': '1', 'phases.1': ''}
    """
    fields: dict[str, str] = {}
    _flatten(record, "", fields, 0)
    return fields


def _flatten(record: Mapping[str, _Json], prefix: str, fields: dict[str, str], depth: int) -> None:
    for key, value in record.items():
        name = f"{prefix}{key or '_'}"
        if isinstance(value, str):
            fields[name] = value
        elif not isinstance(value, dict | list):
            fields[name] = _WORDS[value]
        elif depth < _MAX_DEPTH:
            inner = value if isinstance(value, dict) else numbered(value)
            _flatten(inner, f"{name}.", fields, depth + 1)


def numbered(values: Sequence[_Json]) -> dict[str, _Json]:
    """The values of an array, under their places as names."""
    return {str(i): value for i, value in enumerate(values)}


def row(fields: Iterable[str]) -> str:
    r"""One line of text, with its line end.

    >>> row(["17:00", "two\nlines", 'a "quoted" word'])
    '17:00\ttwo lines\t"a ""quoted"" word"\n'
    """
    return _DELIMITER.join(map(_quoted, fields)) + "\n"


def _quoted(field: str) -> str:
    if not field.isprintable():
        field = " ".join(field.split())
    return '"' + field.replace('"', '""') + '"' if '"' in field else field


def document_rows(name: str, table: Table) -> tuple[int, Iterator[str]]:
    """The rows of a table in a document, after a header if the columns have names.

    Args:
        name: the name for errors.
        table: the table.

    Returns:
        The number of lines before the first record, and all lines. With the first one,
        SourceError is raised if there are too many columns.
    """
    if table.names is not None:
        header = [
            f"{each} {table.unit}".strip() if _is_measured(each) else each for each in table.names
        ]
        return 1, chain([row(header)], map(_values, table.rows))
    if any(isinstance(record, dict) for record in table.rows):
        return 1, _records(name, table)
    return 0, map(_values, table.rows)


def _records(name: str, table: Table) -> Iterator[str]:
    names: dict[str, None] = {}
    units = _Units(table.unit)
    for record in table.rows:
        if isinstance(record, dict):
            fields = flattened(record)
            names |= dict.fromkeys(fields)
            units.add(fields)
            if len(names) > _MAX_COLUMNS:
                raise SourceError(f"{name} is JSON with records of more than {_MAX_COLUMNS} names")
    yield row(f"{column} {units.unit(column)}".strip() for column in names)
    for record in table.rows:
        if isinstance(record, dict):
            fields = flattened(record)
            yield row(fields.get(column, "") for column in names)
        else:
            yield _values([record])


def _values(values: _Json) -> str:
    return row(flattened(numbered(values if isinstance(values, list) else [values])).values())


def _is_measured(name: str) -> bool:
    return name.rpartition(".")[2].lower() in _MEASURED


class _Units:
    """Units of columns, given beside the table or by another column.

    Args:
        beside: the unit beside the table, if there is one.
    """

    def __init__(self, beside: str) -> None:
        self._beside = beside
        # By the column of the unit, and the entity of Home Assistant that the records are of.
        # Only the first record of an entity may have the unit.
        self._found: dict[str, dict[str, set[str]]] = {}
        self._entities: set[str] = set()

    def add(self, fields: Mapping[str, str]) -> None:
        """Add the fields of a record."""
        entity = fields.get("entity_id", "")
        self._entities.add(entity)
        for name, unit in fields.items():
            if unit and name.lower().endswith(("unit", "unit_of_measurement")):
                self._found.setdefault(name, {}).setdefault(entity, set()).add(unit)

    def unit(self, name: str) -> str:
        """The unit of a column; empty if it is unknown, or differs between records."""
        columns = [f"{name}Unit", f"{name}_unit", f"{name}.unit"]
        if _is_measured(name):
            stem, dot, _ = name.rpartition(".")
            columns += [f"{stem}{dot}unit"]
            columns += [f"{stem}{dot}unit_of_measurement", "attributes.unit_of_measurement"]
        for column in columns:
            found = self._found.get(column, {})
            units = set().union(*found.values())
            if len(units) == 1 and found.keys() == self._entities:
                return units.pop()
        return self._beside if _is_measured(name) and not any(map(self._found.get, columns)) else ""
