"""Tables in JSON documents: arrays of records, arrays of rows, and series by name.

The shapes are those of widespread tools: histories of Home Assistant, the APIs of Octopus and
Tibber, feeds of emoncms, results of InfluxDB, Prometheus, Graphite and Grafana, and what
pandas writes. Each is recognised by its structure, not by its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias, TypeGuard

_Json: TypeAlias = Any

_MAX_DEPTH = 12
_SAMPLE = 20
_MAX_SERIES = 1000
_MIN_COLUMN_ROWS = 3
_OF_ENTITY = ("entity_id", "attributes")

# A date, or seconds and parts of them since 1970.
_TIME = re.compile(r"\d{4}-\d\d|\d{9,}(\.\d*)?$")


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a document.

    Attributes:
        path: keys and indices that lead to it, joined by dots; empty for the document itself.
        rows: its rows, objects or arrays.
        names: names of the columns, for rows that are arrays; None if the document has none.
        label: the name of the series, if it has one.
        unit: the unit beside the table, if there is one.
    """

    path: str
    rows: Sequence[_Json]
    names: tuple[str, ...] | None = None
    label: str = ""
    unit: str = ""


def find_tables(document: _Json) -> list[Table]:
    """Find the tables in a document.

    Tables of a single row are left out if there are longer ones.

    >>> [table.path for table in find_tables({"count": 2, "results": [{"p": 1}, {"p": 2}]})]
    ['results']
    """
    tables = list(_tables(document, "", 0))
    longer = [table for table in tables if len(table.rows) > 1]
    return longer or tables


def _tables(value: _Json, path: str, depth: int) -> Iterator[Table]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        yield from _in_array(value, path, depth)
    elif isinstance(value, dict):
        yield from _in_object(value, path, depth)


def _in_array(array: list[_Json], path: str, depth: int) -> Iterator[Table]:
    sample = array[:_SAMPLE]
    if not any(isinstance(item, dict | list) for item in sample):
        return
    if all(isinstance(item, list) and _are_records(item) for item in array):
        records = _joined_series(array)
        if records:
            yield Table(path, records)
        return
    inner = [
        table
        for i, item in enumerate(sample)
        for table in _tables(item, _joined(path, str(i)), depth + 1)
    ]
    longest = max((len(table.rows) for table in inner), default=0)
    if any(map(_is_row, sample)) and len(array) >= longest and not any(t.label for t in inner):
        # The arrays in it, such as the phases of each record, are shorter: they belong to it.
        yield _transposed(Table(path, array))
        return
    yield from inner
    for i, item in enumerate(array[_SAMPLE:_MAX_SERIES], _SAMPLE):
        yield from _tables(item, _joined(path, str(i)), depth + 1)


def _is_row(value: _Json) -> bool:
    """Whether a value is an object, or an array that holds more than arrays and objects."""
    if isinstance(value, list):
        return not all(isinstance(item, dict | list) for item in value)
    return isinstance(value, dict)


def _are_records(array: list[_Json]) -> bool:
    return all(isinstance(item, dict) for item in array)


def _joined_series(arrays: list[list[_Json]]) -> list[_Json]:
    """The records of several series, as of Home Assistant: an array for each entity.

    With ``minimal_response``, only the first record of each has the entity's name and unit.
    """
    joined: list[_Json] = []
    for records in arrays:
        common = {key: records[0][key] for key in _OF_ENTITY if records and key in records[0]}
        joined += ({**common, **record} for record in records)
    return joined


def _transposed(table: Table) -> Table:
    """A table of few columns instead of few rows, where each array is a column."""
    rows = table.rows
    if not all(_is_flat(row) and len(row) == len(rows[0]) for row in rows):
        return table
    if len(rows[0]) < _MIN_COLUMN_ROWS * len(rows):
        return table
    return replace(table, rows=list(map(list, zip(*rows, strict=True))))


def _is_flat(value: _Json) -> TypeGuard[list[_Json]]:
    """Whether a value is an array without arrays or objects."""
    return isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)


def _in_object(value: dict[str, _Json], path: str, depth: int) -> Iterator[Table]:
    for whole in (_named_rows, _blocks, _by_key):
        table = whole(value, path)
        if table is not None:
            yield table
            return
    inner = [
        table
        for key, item in value.items()
        for table in _tables(item, _joined(path, key), depth + 1)
    ]
    columns = _columns(value, path)
    if columns is not None and all(len(columns.rows) >= len(table.rows) for table in inner):
        yield columns
        return
    unit = value.get("unit")
    for table in inner:
        yield replace(table, unit=unit) if isinstance(unit, str) and not table.unit else table


def _named_rows(value: dict[str, _Json], path: str) -> Table | None:
    """Rows beside the names of their columns, or beside the name of their series."""
    names, label = _names(value), _label(value)
    for key in ("values", "rows", "data", "datapoints"):
        rows = value.get(key)
        place = _joined(path, key)
        if key == "data" and names and isinstance(rows, dict):  # a frame of Grafana
            columns = rows.get("values")
            if _are_rows(columns) and len(columns) == len(names):
                lines = list(map(list, zip(*columns, strict=False)))
                return Table(f"{place}.values", lines, names, label)
        if not _are_rows(rows):
            continue
        if names and len(names) == len(rows[0]):
            return _with_index(Table(place, rows, names, label), value)
        if key == "datapoints":  # Graphite: the value first, then the time
            return Table(place, rows, (label or "value", "time"), label)
        if key == "values" and "metric" in value:  # Prometheus
            return Table(place, rows, ("time", label or "value"), label)
    return None


def _are_rows(value: _Json) -> TypeGuard[list[list[_Json]]]:
    return isinstance(value, list) and bool(value) and all(map(_is_flat, value))


def _names(value: dict[str, _Json]) -> tuple[str, ...] | None:
    """Names of the columns: InfluxDB, pandas, and tables and frames of Grafana."""
    schema = value.get("schema")
    if isinstance(schema, dict):
        value = schema
    for key in ("columns", "fields", "header", "headers", "labels"):
        columns = value.get(key)
        if isinstance(columns, list) and columns:
            names = [
                column.get("text") or column.get("name") if isinstance(column, dict) else column
                for column in columns
            ]
            if all(isinstance(name, str) for name in names):
                return tuple(map(str, names))
    return None


def _label(value: dict[str, _Json]) -> str:
    """The name of a series."""
    metric = value.get("metric")
    if isinstance(metric, dict):
        return str(metric.get("__name__") or "")
    for key in ("target", "name"):
        if isinstance(value.get(key), str):
            return str(value[key])
    return ""


def _with_index(table: Table, value: dict[str, _Json]) -> Table:
    """The table with the index that pandas writes beside it (``orient="split"``)."""
    index = value.get("index")
    if not _is_flat(index) or len(index) != len(table.rows) or _is_count(index):
        return table
    rows = [[at, *row] for at, row in zip(index, table.rows, strict=True)]
    return replace(table, rows=rows, names=(_index_name(index), *(table.names or ())))


def _columns(value: dict[str, _Json], path: str) -> Table | None:
    """Arrays of one length under the names of their columns."""
    arrays = {key: item for key, item in value.items() if _is_flat(item) and len(item) > 1}
    lengths = {len(array) for array in arrays.values()}
    if len(arrays) < 2 or len(lengths) > 1:
        return None
    rows = list(map(list, zip(*arrays.values(), strict=True)))
    label = _label(value)  # VictoriaMetrics: values and timestamps of a metric
    names = (label if label and key == "values" else key for key in arrays)
    return Table(path, rows, tuple(names), label)


def _blocks(value: dict[str, _Json], path: str) -> Table | None:
    """Blocks of rows at a fixed interval, each with the time of its first (Shelly's EMData)."""
    names, blocks = value.get("keys"), value.get("data")
    if not _is_flat(names) or not isinstance(blocks, list):
        return None
    rows: list[list[_Json]] = []
    for block in blocks:
        try:
            start, period, values = int(block["ts"]), int(block["period"]), block["values"]
        except (TypeError, KeyError, ValueError):
            return None
        if not _are_rows(values):
            return None
        rows += ([str(start + i * period), *row] for i, row in enumerate(values))
    return Table(_joined(path, "data"), rows, ("ts", *map(str, names))) if rows else None


def _by_key(value: dict[str, _Json], path: str) -> Table | None:
    """Values or records under a time or a number, and what pandas writes by default."""
    if len(value) < 2 and not any(isinstance(item, dict) for item in value.values()):
        return None
    first = next(iter(value.values()), None)
    if _are_places(value):
        if all(isinstance(item, dict) for item in value.values()):
            return Table(path, _indexed(list(value), list(value.values())))
        if not any(isinstance(item, dict | list) for item in value.values()):
            name = path.rpartition(".")[2] or "value"
            return Table(path, list(map(list, value.items())), (_index_name(list(value)), name))
    elif (
        isinstance(first, dict)
        and len(first) > 1
        and _are_places(first)
        and all(isinstance(item, dict) and item.keys() == first.keys() for item in value.values())
        and not any(isinstance(cell, dict | list) for cell in first.values())
    ):
        records = [{name: column[at] for name, column in value.items()} for at in first]
        return Table(path, _indexed(list(first), records))
    return None


def _are_places(value: dict[str, _Json]) -> bool:
    """Whether the keys of an object are times or numbers."""
    return bool(value) and all(key[:1].isdigit() for key in islice(value, _SAMPLE))


def _indexed(index: list[str], records: list[dict[str, _Json]]) -> list[dict[str, _Json]]:
    """Records with their index, unless it only counts them."""
    if _is_count(index):
        return records
    name = _index_name(index)
    return [{name: at, **record} for at, record in zip(index, records, strict=True)]


def _index_name(index: Sequence[_Json]) -> str:
    return "time" if all(_TIME.match(str(at)) for at in index[:_SAMPLE]) else "index"


def _is_count(index: Sequence[_Json]) -> bool:
    return all(str(at) == str(i) for i, at in enumerate(index))


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
