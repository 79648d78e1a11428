"""Members of a `.keras` file, a zip archive read within bounds."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

from streamer.display.lines import error_line
from streamer.errors import ModelError

_MAX_MEMBERS = 64
_MAX_DIRECTORY_BYTES = 1 << 16

_END = b"PK\x05\x06"
_END_SIZE = 22
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_SIZE = 20
_MAX_COMMENT = 1 << 16

_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1

_DAMAGED = (
    *(ArithmeticError, EOFError, LookupError, NotImplementedError, OSError, RuntimeError),
    *(ValueError, struct.error, zipfile.BadZipFile, zlib.error),
)


class Archive:
    """A zip archive in memory.

    Args:
        path: its file, for errors.
        content: its bytes.

    Raises:
        ModelError: it is not a zip archive, or has too many members.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        if not _is_small(content):
            raise ModelError(f"{path}: not a .keras file (no zip archive of a few members)")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except _DAMAGED as error:
            raise ModelError(f"{path}: not a .keras file ({error_line(error)})") from None

    def read(self, name: str, most: int) -> bytes:
        """A member of at most so many bytes.

        Raises:
            ModelError: it is missing, given twice, encrypted, too large, or damaged.
        """
        found = [info for info in self._zip.infolist() if info.filename == name]
        if len(found) != 1:
            how = "missing" if not found else "in it more than once"
            raise ModelError(f"{self._path}: not a .keras file ({name} is {how})")
        (info,) = found
        where = f"{self._path}: {name}"
        if info.flag_bits & _ENCRYPTED:
            raise ModelError(f"{where} is encrypted; save the model without a password")
        if info.compress_type not in _READABLE:
            raise ModelError(f"{where} is compressed by method {info.compress_type}, not deflate")
        if info.file_size > most:
            raise ModelError(f"{where} has {info.file_size:,} bytes, at most {most:,} expected")
        try:
            with self._zip.open(info) as member:
                return member.read(most)
        except _DAMAGED as error:
            raise ModelError(f"{where} is damaged ({error_line(error)})") from None


def _is_small(content: bytes) -> bool:
    """True if a zip archive's own record of its directory has only a few members.

    `zipfile` makes an object of each member before anything about them can be checked.
    """
    end = len(content) - _END_SIZE
    if content[end : end + 4] != _END or content[-2:] != b"\0\0":
        end = content.rfind(_END, max(0, end - _MAX_COMMENT))
    record = content[max(end, 0) : end + _END_SIZE]
    if end < 0 or len(record) < _END_SIZE:
        return False
    locator = end - _ZIP64_LOCATOR_SIZE
    if locator >= 0 and content[locator : locator + 4] == _ZIP64_LOCATOR:
        return False
    members, size = (int.from_bytes(record[a:b], "little") for a, b in ((10, 12), (12, 16)))
    return members <= _MAX_MEMBERS and size <= _MAX_DIRECTORY_BYTES
