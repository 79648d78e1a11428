"""Members of zip archives, read without unpacking the archive."""

from __future__ import annotations

import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from streamer.display.lines import printable
from streamer.errors import SourceError
from streamer.sources.files import streams
from streamer.sources.files.members import MemberChoice
from streamer.sources.files.signatures import archive_format
from streamer.sources.files.streams import ByteStream, reason, share

MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

_ENCRYPTED = 0x1
_IN_MEMORY_BYTES = 1 << 24
_MAX_INNER_BYTES = 1 << 30

# The exceptions of zipfile for a damaged archive depend on the place of the damage.
_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


class ZipArchive:
    """A zip archive whose data member is to be read.

    Args:
        name: the name for errors.
        file: the archive: its path, or a file that can be positioned.

    Raises:
        SourceError: it is not a usable zip, or another format that is based on zip.
    """

    def __init__(self, name: str, file: Path | IO[bytes]) -> None:
        self._name = name
        self._file = file
        try:
            self._archive = zipfile.ZipFile(file)
        except _ERRORS as error:
            raise SourceError(f"{name} is not a usable zip: {reason(error)}") from None

    def choose(self, choice: MemberChoice) -> zipfile.ZipInfo:
        """Return the member to be read.

        Raises:
            UsageError: several are possible.
            SourceError: it has none, or the member cannot be read.
        """
        if special := archive_format(self._archive.namelist()):
            raise SourceError(f"{self._name} is {special}")
        # Not is_dir, which fails for an empty name.
        files = [info for info in self._archive.infolist() if not info.filename.endswith("/")]
        files = [info for info in files if info.file_size] or files
        info = files[choice.member([info.filename for info in files])]
        shown = f"{self._name}: {printable(info.filename)}"
        if info.flag_bits & _ENCRYPTED:
            raise SourceError(f"{shown} is encrypted; unpack it first")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise SourceError(f"{shown} has an unusual compression method; unpack it first")
        return info

    def open(self, info: zipfile.ZipInfo, *, is_last: bool = False) -> ZipMember:
        """Open a member; several may be open at a time.

        Args:
            info: the member.
            is_last: whether the archive should be closed with it.

        Raises:
            SourceError: it cannot be read.
        """
        try:
            file = self._archive.open(info)
        except _ERRORS as error:
            raise SourceError(
                f"{self._name}: {printable(info.filename)} cannot be read: {reason(error)}"
            ) from None
        return ZipMember(self._name, file, info.file_size, self if is_last else None)

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()
        if not isinstance(self._file, Path):
            self._file.close()


class ZipMember:
    """The text of one member; made by `ZipArchive.open`."""

    def __init__(self, name: str, file: IO[bytes], size: int, archive: ZipArchive | None) -> None:
        self._name = name
        self._file = file
        self._size = size
        self._archive = archive
        self._given = 0

    def read(self) -> bytes:
        """Return the next piece; empty at the end."""
        try:
            data = self._file.read(streams.CHUNK_BYTES)
        except _ERRORS as error:
            raise SourceError(f"{self._name} is damaged ({reason(error)}); get it again") from None
        self._given += len(data)
        return data

    @property
    def progress(self) -> float | None:
        """Share of the member that has been read."""
        return share(self._given, self._size)

    def close(self) -> None:
        """Close the member, and the archive with the last one."""
        self._file.close()
        if self._archive is not None:
            self._archive.close()


def positioned(name: str, stream: ByteStream) -> IO[bytes]:
    """Copy a stream into a temporary file, which can be positioned.

    Raises:
        SourceError: it is longer than 1 GiB, or cannot be kept.
    """
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by the user
    size = 0
    try:
        while data := stream.read():
            size += len(data)
            if size > _MAX_INNER_BYTES:
                raise SourceError(
                    f"{name} contains another archive of more than 1 GiB; unpack it first"
                )
            file.write(data)
    except OSError as error:
        file.close()
        raise SourceError(
            f"{name} contains another archive, which cannot be kept in "
            f"{printable(tempfile.gettempdir())}: {reason(error)}; unpack it first"
        ) from None
    except BaseException:
        file.close()
        raise
    return file
