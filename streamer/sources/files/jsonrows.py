"""JSON records as rows of delimited text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

from streamer.sources.files.jsontables import Table
from streamer.sources.files.streams import DelimitedStream

_Json: TypeAlias = Any

# A tab is hardly ever part of a name or a value, unlike a comma.
_DELIMITER = DelimitedStream.delimiter
_MAX_DEPTH = 8
_WORDS = {None: "", True: "true", False: "false"}
_UNIT = "attributes.unit_of_measurement"


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


def document_rows(table: Table) -> tuple[int, Iterator[str]]:
    """The rows of a table in a document, after a header if the columns have names.

    Returns:
        The number of lines before the first record, and all lines.
    """
    if table.names is not None:
        header = [_with_unit(name, "value", table.unit) for name in table.names]
    elif any(isinstance(record, dict) for record in table.rows):
        return 1, _records(table)
    else:
        return 0, map(_values, table.rows)
    return 1, chain([row(header)], map(_values, table.rows))


def _records(table: Table) -> Iterator[str]:
    names: dict[str, None] = {}
    units: dict[str, set[str]] = {}
    for record in table.rows:
        if isinstance(record, dict):
            fields = flattened(record)
            names |= dict.fromkeys(fields)
            entity_units = units.setdefault(fields.get("entity_id", ""), set())
            entity_units |= {fields[_UNIT]} if fields.get(_UNIT) else set()
    # Home Assistant gives the unit as an attribute; many others, beside the table.
    first = next(iter(units.values()), set())
    of_state = (
        "".join(first) if len(first) == 1 and all(each == first for each in units.values()) else ""
    )
    yield row(
        _with_unit(_with_unit(name, "state", of_state), "value", table.unit) for name in names
    )
    for record in table.rows:
        if isinstance(record, dict):
            fields = flattened(record)
            yield row(fields.get(name, "") for name in names)
        else:
            yield _values([record])


def _with_unit(name: str, column: str, unit: str) -> str:
    return f"{name} {unit}" if unit and name == column else name


def _values(values: _Json) -> str:
    return row(flattened(numbered(values if isinstance(values, list) else [values])).values())
