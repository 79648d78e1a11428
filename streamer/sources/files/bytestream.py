"""Byte streams of plain files, standard input, gzip, and zip archives with one member.

The format is recognised by the first bytes, never by the name. Nothing is read ahead: a
pipe delivers each piece as soon as it is written.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Protocol

from streamer.display.lines import printable
from streamer.errors import SourceError, UsageError

CHUNK_BYTES = 1 << 17
"""Largest size of one `read`: some 2000 rows, close to the optimum both for arrays and for
single rows."""

STDIN = "-"
"""The path of standard input."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_MAGIC_BYTES = 4
_ENCRYPTED = 0x1
_LISTED_MEMBERS = 5

# The exceptions of zipfile for a damaged archive depend on the place of the damage.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


class ByteStream(Protocol):
    """A stream of bytes, read in pieces."""

    def read(self) -> bytes:
        """Return the next piece, waiting for it if necessary; empty at the end.

        Raises:
            SourceError: the bytes cannot be read.
        """

    @property
    def progress(self) -> float | None:
        """Share of the file that has been read, 0 to 1; None if its size is unknown."""

    def close(self) -> None:
        """Close the file. May be called repeatedly."""


def open_bytes(path: str | Path) -> tuple[str, ByteStream]:
    """Open a file, or standard input for ``-``.

    Returns:
        The name for display, and the bytes, decompressed.

    Raises:
        UsageError: the file does not exist, or must be unpacked first.
        SourceError: the file cannot be read.
    """
    if str(path) == STDIN:
        # Not sys.stdin: a thread waiting in its buffer would hold the buffer's lock while
        # the interpreter shuts down.
        try:
            stdin = io.FileIO(0, closefd=False)
        except OSError as error:
            raise SourceError(f"standard input cannot be read: {_reason(error)}") from None
        return "stdin", _decompressed("stdin", _RawFile("stdin", stdin), None)
    path = Path(path)
    name = printable(path.name or str(path))
    try:
        file = io.FileIO(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{printable(str(path))!r} does not exist; check the path") from None
    except IsADirectoryError:
        raise UsageError(f"{name} is a directory; give the path of a file") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{name} cannot be opened: {_reason(error)}") from None
    return name, _decompressed(name, _RawFile(name, file), path if file.seekable() else None)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or printable(str(error)) or type(error).__name__


def _decompressed(name: str, raw: _RawFile, path: Path | None) -> ByteStream:
    """Detect the format by the first bytes, and decompress if necessary.

    Args:
        name: the name for display.
        raw: the file, at its beginning.
        path: where to open it again; None if it can be read only once.
    """
    try:
        head = raw.peek(_MAGIC_BYTES)
        if head.startswith(_ZIP_MAGICS):
            raw.close()
            if path is None:
                raise UsageError(f"{name}: a zip cannot be read from a pipe; unpack it: unzip -p")
            return _ZipMember(name, path)
    except BaseException:
        raw.close()
        raise
    return _Gzip(name, raw) if head.startswith(_GZIP_MAGIC) else raw


class _RawFile:
    """An unbuffered file: each read returns the bytes available."""

    def __init__(self, name: str, file: io.FileIO) -> None:
        self._name = name
        self._file = file
        self._peeked = b""
        self._size = _bytes_left(file)
        self._given = 0

    def peek(self, size: int) -> bytes:
        """Return the first bytes without consuming them; fewer only at the end."""
        while len(self._peeked) < size and (more := self._read()):
            self._peeked += more
        return self._peeked[:size]

    def read(self) -> bytes:
        data, self._peeked = self._peeked or self._read(), b""
        self._given += len(data)
        return data

    def _read(self) -> bytes:
        try:
            # None, from a non-blocking pipe without data, cannot be waited for here.
            data = self._file.read(CHUNK_BYTES)
        except OSError as error:
            raise SourceError(f"{self._name} cannot be read: {_reason(error)}") from None
        except ValueError:  # closed by another thread
            return b""
        if data is None:
            raise SourceError(f"{self._name} cannot be read: it is in non-blocking mode")
        return data

    @property
    def progress(self) -> float | None:
        return self.progress_without(0)

    def progress_without(self, unused: int) -> float | None:
        """Progress if `unused` of the bytes returned are not counted."""
        return _share(self._given - unused, self._size)

    def close(self) -> None:
        self._file.close()


def _bytes_left(file: io.FileIO) -> int | None:
    """Bytes left in a regular file; None for a pipe."""
    status = os.fstat(file.fileno())
    return status.st_size - file.tell() if stat.S_ISREG(status.st_mode) else None


def _share(done: int, size: int | None) -> float | None:
    # A file may grow while it is read, and generated files may report a size of 0.
    return min(done / size, 1.0) if size else None


class _Gzip:
    """Streaming decompression, also from a pipe; several members are joined."""

    def __init__(self, name: str, raw: _RawFile) -> None:
        self._name = name
        self._raw = raw
        self._pending = b""
        self._inflate: zlib._Decompress | None = None

    def read(self) -> bytes:
        while data := self._pending or self._raw.read():
            if self._inflate is None:
                self._pending = b""
                data = data.lstrip(b"\0")  # padding between members
                if not data:
                    continue
                self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            try:
                text = self._inflate.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise SourceError(
                    f"{self._name} is damaged ({error}); get the file again"
                ) from None
            if self._inflate.eof:
                self._pending = self._inflate.unused_data
                self._inflate = None
            else:
                self._pending = self._inflate.unconsumed_tail
            if text:
                return text
        if self._inflate is not None:
            raise SourceError(
                f"{self._name} is truncated: the compressed data end early; get the file again"
            )
        return b""

    @property
    def progress(self) -> float | None:
        return self._raw.progress_without(len(self._pending))

    def close(self) -> None:
        self._raw.close()


class _ZipMember:
    """The only data file in a zip archive, read without unpacking the archive."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        try:
            self._archive = zipfile.ZipFile(path)
        except _ZIP_ERRORS as error:
            raise SourceError(f"{name} is not a usable zip: {_reason(error)}") from None
        self._given = 0
        try:
            info = _only_data_file(name, self._archive.infolist())
            self._size = info.file_size
            self._member = self._open(info)
        except SourceError:
            self._archive.close()
            raise

    def _open(self, info: zipfile.ZipInfo) -> IO[bytes]:
        shown = f"{self._name}: {printable(info.filename)}"
        if info.flag_bits & _ENCRYPTED:
            raise SourceError(f"{shown} is encrypted; unpack it first")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise SourceError(f"{shown} has an unusual compression method; unpack it first")
        try:
            return self._archive.open(info)
        except _ZIP_ERRORS as error:
            raise SourceError(f"{shown} cannot be read: {_reason(error)}") from None

    def read(self) -> bytes:
        try:
            data = self._member.read(CHUNK_BYTES)
        except _ZIP_ERRORS as error:
            raise SourceError(f"{self._name} is damaged ({_reason(error)}); get it again") from None
        self._given += len(data)
        return data

    @property
    def progress(self) -> float | None:
        return _share(self._given, self._size)

    def close(self) -> None:
        self._member.close()
        self._archive.close()


def _only_data_file(name: str, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    files = [
        member
        for member in members
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not Path(member.filename).name.startswith(".")
    ]
    if len(files) == 1:
        return files[0]
    if not files:
        raise SourceError(f"{name} contains no file; get it again")
    shown = ", ".join(printable(member.filename) for member in files[:_LISTED_MEMBERS])
    more = ", …" if len(files) > _LISTED_MEMBERS else ""
    raise SourceError(
        f"{name} contains {len(files)} files ({shown}{more}); unpack the one you want"
    )
