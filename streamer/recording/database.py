"""Opening of recordings, and explanation of SQLite's errors."""

from __future__ import annotations

import os
import sqlite3
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from streamer.display.lines import one_line
from streamer.errors import RecordError
from streamer.recording.conformance import compare
from streamer.recording.connection import connect
from streamer.recording.schema import APPLICATION_ID, PAGE_SIZE, VERSION
from streamer.recording.versions import add_views, create, upgrade, version_of

_CHECKPOINT_PAGES = 2000
"""Pages in the write-ahead log before they are moved to the database: 1 MB. Pages that are
written repeatedly are then moved only once."""

_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_PERMANENT = {
    sqlite3.SQLITE_IOERR: "the disk has an input/output error",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its folder exists and is yours",
    sqlite3.SQLITE_READONLY: "it cannot be written to; check the owner of the file and its folder",
    sqlite3.SQLITE_PERM: "permission is denied",
    sqlite3.SQLITE_AUTH: "permission is denied",
}
_DAMAGED = {
    sqlite3.SQLITE_CORRUPT: "",
    sqlite3.SQLITE_NOTADB: "",
    sqlite3.SQLITE_TOOBIG: "a value in it is bigger than any that is recorded",
}


class TransientError(RecordError):
    """A recording cannot be used now, but may be later, unchanged."""


class LockedError(TransientError):
    """Another program holds the lock of a recording."""


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
        raise DamagedError(f"{one_line(path)} is damaged ({_line(error)})") from None
    except OSError as error:
        raise RecordError(f"{one_line(path)}: {error.strerror or error}") from None


def _explanation(path: Path, error: sqlite3.Error) -> RecordError:
    code, name = _code(error), one_line(path)
    if code in _LOCKED:
        return LockedError(f"{name}: it is locked by another program")
    if code == sqlite3.SQLITE_FULL:
        return TransientError(f"{name}: the disk is full")
    if code in _PERMANENT:
        return RecordError(f"{name}: {_PERMANENT[code]}")
    if code in _DAMAGED:
        return DamagedError(f"{name} is damaged ({_DAMAGED[code] or _line(error)})")
    return RecordError(f"{name}: {_line(error)}")


def _line(message: object) -> str:
    """Make a message of SQLite, which may contain parts of a damaged file, fit for display."""
    return textwrap.shorten(one_line(message), 100, placeholder="…")


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; Python's own errors have none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def check_place(path: Path) -> None:
    """Check that a path can hold a recording: SQLite would also write beside a device or a pipe.

    Raises:
        RecordError: the path exists, and is not a file or read-only; or cannot be examined.
    """
    with explained(path):
        if not path.exists():
            return
        if not path.is_file():
            raise RecordError(f"{one_line(path)} is not a file; give one to record in")
        # SQLite would open it without an error.
        if not os.access(path, os.W_OK):
            raise RecordError(f"{one_line(path)}: {_PERMANENT[sqlite3.SQLITE_READONLY]}")


def open_for_writing(path: Path, *, full_check: bool = True) -> sqlite3.Connection:
    """Open a recording, or create one; one of an earlier version is upgraded.

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
        unclean = log_of(path).exists()
        _make_private(path)
        connection = connect(str(path))
        try:
            version = check_schema(connection, path)
            if not version:
                create(connection)
            elif full_check and unclean:
                check_pages(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            # Each transaction is on the disk before the next reading is awaited.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            # Deleted pages hold older states of the same numbers, so they need no overwriting.
            connection.execute("PRAGMA secure_delete = OFF")
            if 0 < version < VERSION:
                upgrade(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a recording without changing it; it may be written at the same time.

    One of an earlier version is read as if it had the columns and tables of the present one.

    Raises:
        RecordError: the file does not exist, or cannot be read.
    """
    with explained(path):
        if not path.is_file():
            raise RecordError(f"{one_line(path)}: the recording does not exist")
        _check_size(path)
        connection = _reader(path)
        try:
            version = check_schema(connection, path)
            if not version:
                raise RecordError(f"{one_line(path)} is empty: nothing was recorded in it")
            if version < VERSION:
                add_views(connection, version)
        except BaseException:
            connection.close()
            raise
    return connection


def _reader(path: Path) -> sqlite3.Connection:
    """Open a connection that writes nothing, but lets SQLite clean up its auxiliary files."""
    uri = path.absolute().as_uri()
    for mode in ("rw", "ro"):
        try:
            return _read_only(f"{uri}?mode={mode}")
        except sqlite3.OperationalError as error:
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise
    log = log_of(path)
    if log.exists() and log.stat().st_size:
        raise RecordError(
            f"{one_line(path)} and {one_line(log.name)} cannot be read in a folder without write "
            "permission; copy both to another folder"
        )
    # Without write permission, SQLite cannot detect a writer; but without a log, there is none.
    return _read_only(f"{uri}?mode=ro&immutable=1")


def _read_only(uri: str) -> sqlite3.Connection:
    connection = connect(uri, uri=True)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException as error:
        # If it can be opened, `check_schema` explains the problem.
        if isinstance(error, sqlite3.OperationalError) or not isinstance(error, sqlite3.Error):
            connection.close()
            raise
    return connection


def log_of(path: Path) -> Path:
    """The write-ahead log of a recording, which SQLite keeps beside it."""
    return path.with_name(f"{path.name}-wal")


def check_schema(connection: sqlite3.Connection, path: Path) -> int:
    """Version of the recording in a file; 0 if the file is empty.

    Raises:
        DamagedError: it is a recording, but incomplete.
        RecordError: it is another database, of a newer version, or has a foreign trigger or
            the like in it.
        sqlite3.Error: it cannot be read.
    """
    name = one_line(path)
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        # One transaction, since the recording may be upgraded meanwhile.
        connection.execute("BEGIN")
        try:
            version = version_of(connection)
            found = compare(connection, version)
        finally:
            connection.rollback()
    except sqlite3.DatabaseError as error:
        if _code(error) != sqlite3.SQLITE_NOTADB:
            raise
        if _is_blank(path):
            raise DamagedError(f"{name} is damaged (it begins with zeros)") from None
        raise _not_a_database(path) from None
    if application_id != APPLICATION_ID:
        if application_id or version or not found.is_empty:
            raise RecordError(f"{name} is a database of another program; give another file")
        return 0
    if version > VERSION:
        raise RecordError(
            f"{name} is a recording of version {version}, but this streamer supports only "
            f"versions up to {VERSION}; "
            "use a newer one, or give another file"
        )
    if found.missing or version < 1:
        what = f"wrong or missing: {', '.join(found.missing)}" if found.missing else "no version"
        raise DamagedError(f"{name} is damaged ({what})")
    if found.foreign:
        raise RecordError(
            f"{name} contains what no recording contains ({_line(', '.join(found.foreign))}); "
            "drop it, or give another file"
        )
    return version


def check_pages(connection: sqlite3.Connection, path: Path) -> None:
    """Check every page.

    Raises:
        DamagedError: the file is damaged.
        sqlite3.Error: it cannot be read.
    """
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise DamagedError(f"{one_line(path)} is damaged ({_line(found)})")


def _make_private(path: Path) -> None:
    """Create a new recording for its owner alone, and with it SQLite's files beside it."""
    # Where that fails, SQLite fails, too, and its error is explained.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _check_size(path: Path) -> None:
    """Reject files shorter than any database, which SQLite would treat as empty ones."""
    if not path.exists():
        return
    size, log = path.stat().st_size, log_of(path)
    if 0 < size < PAGE_SIZE:
        raise _not_a_database(path)
    # SQLite would delete the log, which contains the last minutes.
    if not size and log.exists() and log.stat().st_size:
        raise DamagedError(f"{one_line(path)} is damaged (it is empty, but its log is not)")


def _not_a_database(path: Path) -> RecordError:
    return RecordError(
        f"{one_line(path)} is neither a recording nor another SQLite database; give another file"
    )


def _is_blank(path: Path) -> bool:
    """Whether a file begins with nothing but zeros, as after a power cut."""
    with path.open("rb") as file:
        return not any(file.read(100))
