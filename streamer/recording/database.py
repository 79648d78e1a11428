"""Opening of recordings, and explanation of SQLite's errors."""

from __future__ import annotations

import sqlite3
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from streamer.display.lines import printable
from streamer.errors import RecordError
from streamer.recording.schema import APPLICATION_ID, PAGE_SIZE, SCHEMA, TABLES, VERSION

_BUSY_S = 1.0
"""Seconds to wait for another program's lock; the stream is held up meanwhile."""

_CHECKPOINT_PAGES = 2000
"""Pages in the write-ahead log before they are moved to the database: 1 MB. Pages that are
written repeatedly are then moved only once."""

_TRANSIENT = {
    sqlite3.SQLITE_BUSY: "it is locked by another program",
    sqlite3.SQLITE_LOCKED: "it is locked by another program",
    sqlite3.SQLITE_FULL: "the disk is full",
}
_PERMANENT = {
    sqlite3.SQLITE_IOERR: "the disk has an input/output error",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its folder exists and is yours",
    sqlite3.SQLITE_READONLY: "it cannot be written to; check the owner of the file and its folder",
    sqlite3.SQLITE_PERM: "permission is denied",
    sqlite3.SQLITE_AUTH: "permission is denied",
    sqlite3.SQLITE_TOOBIG: "a value in it is too big",
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class TransientError(RecordError):
    """A recording cannot be used now, but may be later, unchanged."""


class DamagedError(RecordError):
    """A file that is, or was, a recording can no longer be read."""


class InvalidValueError(ValueError):
    """A recording contains a value that no recorder writes."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Convert errors of SQLite to a RecordError that contains the file and the reason."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explanation(path, error) from None
    except (InvalidValueError, UnicodeDecodeError) as error:
        # The latter is raised for the text of an error of SQLite.
        raise DamagedError(f"{path} is damaged ({_line(error)})") from None
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror or error}") from None


def _explanation(path: Path, error: sqlite3.Error) -> RecordError:
    code = _code(error)
    if code in _TRANSIENT:
        return TransientError(f"{path}: {_TRANSIENT[code]}")
    if code in _PERMANENT:
        return RecordError(f"{path}: {_PERMANENT[code]}")
    if code in _DAMAGED:
        return DamagedError(f"{path} is damaged ({_line(error)})")
    return RecordError(f"{path}: {_line(error)}")


def _line(message: object) -> str:
    """Make a message of SQLite, which may contain parts of a damaged file, fit for display."""
    return textwrap.shorten(printable(str(message), mark=" "), 100, placeholder="…")


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; Python's own errors have none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def check_place(path: Path) -> None:
    """Check that a path can hold a recording: SQLite would also write beside a device or a pipe.

    Raises:
        RecordError: the path exists, and is not a file.
    """
    if path.exists() and not path.is_file():
        raise RecordError(f"{path} is not a file; give one to record in")


def open_for_writing(path: Path, *, full_check: bool = True) -> sqlite3.Connection:
    """Open a recording, or create one.

    The connection may be used by several threads; transactions are explicit.

    Args:
        path: the file.
        full_check: whether to check every page if the last writer was interrupted.

    Raises:
        DamagedError: the file is a recording, but damaged.
        TransientError: it cannot be opened now.
        RecordError: it is another kind of file, or may not be written.
    """
    with explained(path):
        check_place(path)
        _check_size(path)
        unclean = _log_of(path).exists()
        connection = _connect(str(path))
        try:
            if not _check(connection, path):
                _create(connection)
            elif full_check and unclean:
                _check_pages(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            # Each transaction is on the disk before the next reading is awaited.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            # Deleted pages hold older states of the same numbers, so they need no overwriting.
            connection.execute("PRAGMA secure_delete = OFF")
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a recording without changing it; it may be written at the same time.

    Raises:
        RecordError: the file does not exist, or cannot be read.
    """
    if not path.is_file():
        raise RecordError(f"{path}: the recording does not exist")
    with explained(path):
        _check_size(path)
        connection = _reader(path)
        try:
            if not _check(connection, path):
                raise RecordError(f"{path} is empty: nothing was recorded in it")
        except BaseException:
            connection.close()
            raise
    return connection


def set_aside(path: Path, now: datetime) -> Path:
    """Rename a damaged recording and the files that belong to it; returns the new name.

    Raises:
        RecordError: a file cannot be renamed.
    """
    aside = path.with_name(f"{path.name}.corrupt-{now:%Y%m%d-%H%M%S}")
    with explained(path):
        # The log first: a log left behind might be taken for that of the next file.
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    return aside


def _reader(path: Path) -> sqlite3.Connection:
    """Open a connection that writes nothing, but lets SQLite clean up its auxiliary files."""
    uri = path.absolute().as_uri()
    for mode in ("rw", "ro"):
        try:
            return _read_only(f"{uri}?mode={mode}")
        except sqlite3.OperationalError as error:
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise
    log = _log_of(path)
    if log.exists() and log.stat().st_size:
        raise RecordError(
            f"{path} and {log.name} cannot be read in a folder without write permission; "
            "copy both to another folder"
        )
    # Without write permission, SQLite cannot detect a writer; but without a log, there is none.
    return _read_only(f"{uri}?mode=ro&immutable=1")


def _read_only(uri: str) -> sqlite3.Connection:
    connection = _connect(uri, uri=True)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException as error:
        # If it can be opened, `_check` explains the problem.
        if isinstance(error, sqlite3.OperationalError) or not isinstance(error, sqlite3.Error):
            connection.close()
            raise
    return connection


def _connect(database: str, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        database, uri=uri, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    # Damaged text is not an error: everything important has a checksum, or is a number.
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _check(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is a recording; False if it is empty, an error if it is neither."""
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in names.fetchall()}
    except sqlite3.DatabaseError as error:
        if _code(error) != sqlite3.SQLITE_NOTADB:
            raise
        if _is_blank(path):
            raise DamagedError(f"{path} is damaged (it begins with zeros)") from None
        raise _not_a_database(path) from None
    if application_id != APPLICATION_ID:
        if application_id or version or tables:
            raise RecordError(f"{path} is a database of another program; give another file")
        return False
    if version > VERSION:
        raise RecordError(
            f"{path} is a recording of version {version}, but this streamer supports only "
            f"version {VERSION}; "
            "use a newer one, or give another file"
        )
    if version < VERSION or not tables >= TABLES:
        raise DamagedError(f"{path} is damaged (version {version}, tables {sorted(tables)})")
    return True


def _check_size(path: Path) -> None:
    """Reject files shorter than any database, which SQLite would treat as empty ones."""
    if path.exists() and 0 < path.stat().st_size < PAGE_SIZE:
        raise _not_a_database(path)


def _not_a_database(path: Path) -> RecordError:
    return RecordError(
        f"{path} is neither a recording nor another SQLite database; give another file"
    )


def _is_blank(path: Path) -> bool:
    """Whether a file begins with nothing but zeros, as after a power cut."""
    with path.open("rb") as file:
        return not any(file.read(100))


def _check_pages(connection: sqlite3.Connection, path: Path) -> None:
    """Check every page after the last writer was interrupted, perhaps by a power cut."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise DamagedError(f"{path} is damaged ({_line(found)})")


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    # All or nothing, and in the database itself, before the log exists.
    connection.executescript(
        f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; "
        f"PRAGMA user_version = {VERSION}; {SCHEMA} COMMIT;"
    )
