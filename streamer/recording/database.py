"""Opening a recording, and saying what is wrong with it."""

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
"""How long to wait for another program to let go: the stream stands still meanwhile."""

_CHECKPOINT_PAGES = 2000
"""Pages in the write-ahead log from which on they are put in their places: 1 MB. Pages that
are written again and again are then put there once."""

_PASSING = {
    sqlite3.SQLITE_BUSY: "it is locked by another program",
    sqlite3.SQLITE_LOCKED: "it is locked by another program",
    sqlite3.SQLITE_FULL: "the disk is full",
}
_LASTING = {
    sqlite3.SQLITE_IOERR: "the disk has an input/output error",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; see that its folder is there, and yours",
    sqlite3.SQLITE_READONLY: "it cannot be written to; see whose it and its folder are",
    sqlite3.SQLITE_PERM: "permission is denied",
    sqlite3.SQLITE_AUTH: "permission is denied",
    sqlite3.SQLITE_TOOBIG: "something in it is too big",
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class PassingError(RecordError):
    """A recording cannot be used now, but perhaps later, as it is."""


class DamagedError(RecordError):
    """What is, or was, a recording can no longer be read."""


class ImpossibleError(ValueError):
    """A recording holds a value that nobody recorded."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Let what SQLite raises be raised as a RecordError that tells file and reason."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explanation(path, error) from None
    except (ImpossibleError, UnicodeDecodeError) as error:
        # The latter comes of the text of an error of SQLite's.
        raise DamagedError(f"{path} is damaged ({_line(error)})") from None
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror or error}") from None


def _explanation(path: Path, error: sqlite3.Error) -> RecordError:
    code = _code(error)
    if code in _PASSING:
        return PassingError(f"{path}: {_PASSING[code]}")
    if code in _LASTING:
        return RecordError(f"{path}: {_LASTING[code]}")
    if code in _DAMAGED:
        return DamagedError(f"{path} is damaged ({_line(error)})")
    return RecordError(f"{path}: {_line(error)}")


def _line(said: object) -> str:
    """What SQLite says, which may have parts of a damaged file in it, as a line for a person."""
    return textwrap.shorten(printable(str(said), mark=" "), 100, placeholder="…")


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; Python's own errors have none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def check_place(path: Path) -> None:
    """See that a recording may be there: SQLite would write beside a device or a pipe, too.

    Raises:
        RecordError: something is that is no file.
    """
    if path.exists() and not path.is_file():
        raise RecordError(f"{path} is no file; give one to record in")


def open_for_writing(path: Path, *, wholly: bool = True) -> sqlite3.Connection:
    """Open a recording, or begin one.

    The connection may go from thread to thread; transactions are begun and ended by hand.

    Args:
        path: the file.
        wholly: whether to look at every page of it if whoever wrote last was cut off.

    Raises:
        DamagedError: it is a recording, but damaged.
        PassingError: it cannot be opened just now.
        RecordError: it is something else, or may not be written.
    """
    with explained(path):
        check_place(path)
        _check_size(path)
        unclean = _log_of(path).exists()
        connection = _connect(str(path))
        try:
            if not _check(connection, path):
                _create(connection)
            elif wholly and unclean:
                _check_wholly(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            # Each transaction is on the disk before the next reading is waited for.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            # What is deleted is an older state of the same numbers: no need to overwrite it.
            connection.execute("PRAGMA secure_delete = OFF")
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a recording that is left as it is; it may be written meanwhile.

    Raises:
        RecordError: there is none, or it cannot be read.
    """
    if not path.is_file():
        raise RecordError(f"{path}: there is no such recording")
    with explained(path):
        _check_size(path)
        connection = _reader(path)
        try:
            if not _check(connection, path):
                raise RecordError(f"{path} is empty: nothing has been recorded in it")
        except BaseException:
            connection.close()
            raise
    return connection


def set_aside(path: Path, now: datetime) -> Path:
    """Rename a recording that is damaged, with all that belongs to it, and give the new name.

    Raises:
        RecordError: that cannot be done.
    """
    aside = path.with_name(f"{path.name}.corrupt-{now:%Y%m%d-%H%M%S}")
    with explained(path):
        # Its log goes first: one that is left behind might be taken for the next file's.
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    return aside


def _reader(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, but tidies up what SQLite needs beside the file."""
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
            f"{path} and {log.name} cannot be read where nothing can be written; "
            "copy both to another folder"
        )
    # Where nothing can be written, SQLite cannot know whether anybody writes; where there is
    # no log, nobody does.
    return _read_only(f"{uri}?mode=ro&immutable=1")


def _read_only(uri: str) -> sqlite3.Connection:
    connection = _connect(uri, uri=True)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException as error:
        # If it can be opened, `_check` tells what is wrong with it.
        if isinstance(error, sqlite3.OperationalError) or not isinstance(error, sqlite3.Error):
            connection.close()
            raise
    return connection


def _connect(database: str, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        database, uri=uri, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    # A damaged text is no reason to fail: what matters has a checksum, or is a number.
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _check(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether it is a recording, rather than empty; anything else is an error."""
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
            f"{path} is a recording of version {version}, this streamer knows version {VERSION}; "
            "use a newer one, or give another file"
        )
    if version < VERSION or not tables >= TABLES:
        raise DamagedError(f"{path} is damaged (version {version}, tables {sorted(tables)})")
    return True


def _check_size(path: Path) -> None:
    """Refuse what is shorter than any database, which SQLite would take for an empty one."""
    if path.exists() and 0 < path.stat().st_size < PAGE_SIZE:
        raise _not_a_database(path)


def _not_a_database(path: Path) -> RecordError:
    return RecordError(f"{path} is not a recording, nor any SQLite database; give another file")


def _is_blank(path: Path) -> bool:
    """Whether a file begins as a power cut may leave one, with nothing but zeros."""
    with path.open("rb") as file:
        return not any(file.read(100))


def _check_wholly(connection: sqlite3.Connection, path: Path) -> None:
    """Look at every page, after whoever wrote last was cut off: that may have been the power."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise DamagedError(f"{path} is damaged ({_line(found)})")


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    # All or nothing, and in the file itself before there is a log.
    connection.executescript(
        f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; "
        f"PRAGMA user_version = {VERSION}; {SCHEMA} COMMIT;"
    )
