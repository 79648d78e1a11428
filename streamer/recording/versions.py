"""Versions of recordings: new ones, and earlier ones that are upgraded or read as they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from streamer.recording.connection import transaction
from streamer.recording.schema import (
    ADDED,
    ADDED_3,
    ADDED_4,
    ADDED_5,
    APPLICATION_ID,
    COLUMNS,
    PAGE_SIZE,
    SCHEMA,
    VERSION,
)

_ADDED_OBJECTS = {3: ADDED_3, 4: ADDED_4, 5: ADDED_5}
"""Statements that make the tables and views of a version, by the version."""

_ADDED_TABLES = {
    3: ("mean_forecasts", "channels", "channel_values"),
    4: ("demand_intervals", "meter_registers", "switching_events"),
    5: ("notifications", "deliveries", "challengers", "challenger_forecasts"),
}

_GENERATED = "GENERATED ALWAYS AS"


def create(connection: sqlite3.Connection) -> None:
    """Make an empty database a recording of the present version."""
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    # All or nothing, and in the database itself, before the log exists.
    connection.executescript(
        f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; "
        f"PRAGMA user_version = {VERSION}; {SCHEMA} COMMIT;"
    )


def upgrade(connection: sqlite3.Connection) -> None:
    """Give a recording the columns and tables of the present version, all of them or none.

    Takes the same short time for any number of minutes, since SQLite changes the schema alone.

    Args:
        connection: connection for writing to a recording of any version.

    Raises:
        sqlite3.Error: it cannot be written; nothing has changed.
    """
    with transaction(connection):
        # Within the transaction, so that two programs cannot both find the former version.
        version = version_of(connection)
        if version < 2:
            for name, definition, _ in ADDED:
                connection.execute(f"ALTER TABLE steps ADD COLUMN {name} {definition}")
        for since, statements in _ADDED_OBJECTS.items():
            if version < since:
                for statement in statements:
                    connection.execute(statement)
        if version < VERSION:
            connection.execute(f"PRAGMA user_version = {VERSION}")


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a recording's schema."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def add_views(connection: sqlite3.Connection, version: int) -> None:
    """Let a recording of an earlier version have the columns and tables of the present one.

    Temporary views hide a table of the same name, or stand for a missing one, so that nothing is
    written to the file. New columns are NULL, or computed from the others; new tables are empty.

    Args:
        connection: connection to the recording.
        version: its version.
    """
    execute = connection.execute
    (query_only,) = execute("PRAGMA query_only").fetchone()
    execute("PRAGMA query_only = OFF")
    execute("PRAGMA temp_store = MEMORY")
    if version < 2:
        execute(_steps_view())
    for since, tables in _ADDED_TABLES.items():
        for table in tables if version < since else ():
            nothing = _nulls(COLUMNS[table].split(", "))
            execute(f"CREATE TEMP VIEW {table} AS SELECT {nothing} WHERE 0")
    execute(f"PRAGMA query_only = {query_only}")


def _steps_view() -> str:
    """The statement for a view that gives `steps` of version 1 the columns of version 2."""
    stored = [name for name, definition, _ in ADDED if _GENERATED not in definition]
    computed = [
        f"{definition.partition(_GENERATED)[2].removesuffix('VIRTUAL')} AS {name}"
        for name, definition, _ in ADDED
        if _GENERATED in definition
    ]
    return (
        f"CREATE TEMP VIEW steps AS SELECT *, {', '.join(computed)}"  # noqa: S608 - constants
        f" FROM (SELECT *, {_nulls(stored)} FROM main.steps)"
    )


def _nulls(names: Iterable[str]) -> str:
    return ", ".join(f"NULL AS {name}" for name in names)
