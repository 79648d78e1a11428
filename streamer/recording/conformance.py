"""Comparison of a database's schema with that of a recording."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from streamer.display.lines import one_line
from streamer.recording.schema import SCHEMA, SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, VERSION

_Definition: TypeAlias = tuple[str, str, str, str]
"""Type, name, table and statement of a table, an index, a view or a trigger."""

_MAX_OBJECTS = 100
_FORMER = {1: SCHEMA_1, 2: SCHEMA_2, 3: SCHEMA_3, 4: SCHEMA_4}
_TOKEN = re.compile(
    r"""(?P<ignored>[ \t\n\f\r]+|--[^\n]*|/\*.*?(?:\*/|\Z))"""
    r"""|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$]+|.""",
    re.DOTALL,
)
_HARMLESS = ("sqlite_stat1", "sqlite_stat4", "_litestream_seq", "_litestream_lock")
"""Tables of SQLite's ANALYZE and of the backup program Litestream, which are never read here."""


@dataclass(frozen=True, slots=True)
class Conformance:
    """Result of the comparison.

    Attributes:
        is_empty: whether nothing is defined.
        missing: names of a recording's tables and the like that are missing or different.
        foreign: names of all others, with their types.
    """

    is_empty: bool
    missing: tuple[str, ...]
    foreign: tuple[str, ...]


def compare(connection: sqlite3.Connection, version: int = VERSION) -> Conformance:
    """Compare everything that is defined in a database with the schema of a recording.

    Comments and white space are ignored, which differ between versions of streamer.

    Args:
        connection: connection to the database.
        version: version of the schema to compare with; an unknown one is the present one.

    Raises:
        sqlite3.Error: the database cannot be read.
    """
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT ?", (_MAX_OBJECTS,)
    ).fetchall()
    found = {_definition(row) for row in rows}
    wanted = _wanted(_FORMER.get(version, SCHEMA))
    missing = sorted({name for _, name, _, _ in wanted - found})
    foreign = sorted(
        f"{type_} {name}"
        for type_, name, _, _ in found - wanted
        if name not in missing and not (type_ == "table" and name in _HARMLESS)
    )
    return Conformance(not rows, tuple(missing), tuple(foreign))


@cache
def _wanted(schema: str) -> frozenset[_Definition]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(schema)
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
        return frozenset(map(_definition, rows.fetchall()))
    finally:
        connection.close()


def _definition(row: tuple[object, ...]) -> _Definition:
    type_, name, table, statement = ("" if value is None else value for value in row)
    return one_line(type_), one_line(name), one_line(table), normalised(str(statement))


def normalised(statement: str) -> str:
    r"""An SQL statement without comments, its tokens separated by single spaces.

    >>> normalised("CREATE TABLE a (-- of people\n  b TEXT,  /* name */ c DEFAULT '-- x')")
    "CREATE TABLE a ( b TEXT , c DEFAULT '-- x' )"
    """
    tokens = _TOKEN.finditer(statement)
    return " ".join(token[0] for token in tokens if token["ignored"] is None)
