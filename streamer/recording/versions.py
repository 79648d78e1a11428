"""Versions of recordings: new ones, and earlier ones that are upgraded or read as they are."""

from __future__ import annotations

import sqlite3

from streamer.recording.schema import ADDED, APPLICATION_ID, PAGE_SIZE, SCHEMA, VERSION

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
    """Give a recording the columns of the present version, all of them or none.

    Takes the same short time for any number of minutes, since SQLite changes the schema alone.

    Args:
        connection: connection for writing to a recording of any version.

    Raises:
        sqlite3.Error: it cannot be written; nothing has changed.
    """
    execute = connection.execute
    execute("BEGIN IMMEDIATE")
    try:
        # Within the transaction, so that two programs cannot both find the former version.
        if version_of(connection) < VERSION:
            for name, definition, _ in ADDED:
                execute(f"ALTER TABLE steps ADD COLUMN {name} {definition}")
            execute(f"PRAGMA user_version = {VERSION}")
        execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a recording's schema."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def add_views(connection: sqlite3.Connection) -> None:
    """Let `steps` of a recording of version 1 have the columns of the present version.

    A temporary view hides the table of that name, so that nothing is written to the file, and
    the new columns are NULL, or computed from the others.

    Args:
        connection: connection to the recording.
    """
    (query_only,) = connection.execute("PRAGMA query_only").fetchone()
    connection.execute("PRAGMA query_only = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    stored = [name for name, definition, _ in ADDED if _GENERATED not in definition]
    computed = [
        f"{definition.partition(_GENERATED)[2].removesuffix('VIRTUAL')} AS {name}"
        for name, definition, _ in ADDED
        if _GENERATED in definition
    ]
    nothing = ", ".join(f"NULL AS {name}" for name in stored)
    connection.execute(
        f"CREATE TEMP VIEW steps AS SELECT *, {', '.join(computed)}"  # noqa: S608 - constants
        f" FROM (SELECT *, {nothing} FROM main.steps)"
    )
    connection.execute(f"PRAGMA query_only = {query_only}")
