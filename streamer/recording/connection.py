"""Connections to databases that may be damaged or hostile."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MAX_ROW = 64 * 1024
"""Bytes of a row, and of a text or a blob in it; SQLite itself allows a gigabyte."""

_BUSY_S = 1.0
"""Seconds to wait for another program's lock; the stream is held up meanwhile."""

_DEFENSIVE = {"DEFENSIVE": True, "ENABLE_TRIGGER": False, "ENABLE_VIEW": False}
"""Settings of a connection, which Python supports since 3.12."""


def connect(database: str, *, uri: bool = False) -> sqlite3.Connection:
    """Open a connection that runs nothing that is stored in the database, and reads no big value.

    It may be used by several threads; transactions are explicit. Only the schema can hold code
    (triggers, views, generated columns); it is compared with that of a recording before any
    table is used, and what is set here is a second line of defence.

    Args:
        database: path or URI of the database; created if it does not exist.
        uri: whether it is a URI.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = sqlite3.connect(
        database, uri=uri, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    # Damaged text is not an error: everything important has a checksum, or is a number.
    connection.text_factory = _text
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    set_config = getattr(connection, "setconfig", None)
    if set_config is not None:
        for name, value in _DEFENSIVE.items():
            set_config(getattr(sqlite3, f"SQLITE_DBCONFIG_{name}"), value)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction for writing: all statements within, or after an error none of them.

    Raises:
        sqlite3.Error: it cannot begin, or be committed.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some errors, SQLite has already rolled back.
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@contextmanager
def rows_up_to(connection: sqlite3.Connection, size: int) -> Iterator[None]:
    """Allow rows of more bytes than `MAX_ROW`, for the few that need it."""
    before = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, size)
    try:
        yield
    finally:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
