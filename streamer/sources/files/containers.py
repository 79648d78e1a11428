"""Unpacking of compressed files and archives, one in another."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, TypeAlias

from streamer.errors import SourceError, UsageError
from streamer.sources.files import signatures, tararchive, ziparchive
from streamer.sources.files.compression import DECOMPRESSORS, DecompressedStream
from streamer.sources.files.members import MemberChoice
from streamer.sources.files.streams import ByteStream, PeekedStream, RawFile, reason
from streamer.sources.files.tararchive import FirstTarMember, TarMember
from streamer.sources.files.ziparchive import ZipArchive, positioned

MAX_LEVELS = 6
"""Containers in one another; a .tar.gz has two."""

_Opener: TypeAlias = Callable[[], ByteStream]

_MAGICS = (*DECOMPRESSORS, *ziparchive.MAGICS, *signatures.MAGICS)
_LONGEST_MAGIC = max(map(len, _MAGICS))
_MAX_BLANK_BYTES = 1 << 16


def head_of(stream: PeekedStream) -> bytes:
    """Return the first line that is not blank, or as much of it as shows the format.

    It is the same however the bytes arrive, and a pipe need not give more than that line.
    """
    at_end = False
    while True:
        seen = stream.peeked
        if seen.startswith(_MAGICS):
            return seen[: tararchive.BLOCK_BYTES]
        text = seen.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n\v\f")[: tararchive.BLOCK_BYTES]
        line, line_end, _ = text.replace(b"\r", b"\n").partition(b"\n")
        is_whole = line_end or len(text) == tararchive.BLOCK_BYTES or len(seen) > _MAX_BLANK_BYTES
        if at_end or (is_whole and not _may_become_magic(seen)):
            return line
        at_end = not stream.peek_more()


def _may_become_magic(seen: bytes) -> bool:
    return len(seen) < _LONGEST_MAGIC and any(magic.startswith(seen) for magic in _MAGICS)


def unpacked(
    name: str, stream: PeekedStream, path: Path | None, choice: MemberChoice
) -> PeekedStream:
    """Unpack what is recognised as a container by its first bytes.

    Args:
        name: the name for errors.
        stream: the file, at its beginning; closed with the result, and if there is an error.
        path: where to open it again; None if it can be read only once.
        choice: chooses among the members of an archive.

    Raises:
        UsageError: several members may hold data, or a zip is read from a pipe.
        SourceError: an archive cannot be read, or too many are in one another.
    """
    container = _Container(name, choice, stream, path)
    try:
        while container.unpack():
            pass
    except BaseException:
        container.close()
        raise
    return container.stream


class _Container:
    """A stream that is unpacked level by level.

    Attributes:
        stream: what has been unpacked so far.
    """

    def __init__(
        self, name: str, choice: MemberChoice, stream: PeekedStream, path: Path | None
    ) -> None:
        self.stream = stream
        self._name = name
        self._choice = choice
        self._path = path
        # Opens the stream of this level again.
        self._reopen: _Opener | None = None
        if path is not None:
            self._reopen = partial(_opened, name, path)
        self._level = 0

    def close(self) -> None:
        self.stream.close()

    def unpack(self) -> bool:
        """Unpack one level; returns False if there is none."""
        head = head_of(self.stream)
        magic = next((each for each in DECOMPRESSORS if head.startswith(each)), None)
        if magic is not None:
            self._decompress(magic)
        elif head.startswith(ziparchive.MAGICS):
            self._open_zip()
        elif len(head) == tararchive.BLOCK_BYTES and tararchive.is_header(
            self.stream.peeked[: tararchive.BLOCK_BYTES]
        ):
            self._open_tar()
        else:
            return False
        self._level += 1
        if self._level > MAX_LEVELS:
            raise SourceError(
                f"{self._name} contains more than {MAX_LEVELS} archives in one another; "
                "unpack it first"
            )
        return True

    def _decompress(self, magic: bytes) -> None:
        outer, name = self._reopen, self._name
        self.stream = PeekedStream(DecompressedStream(name, self.stream, magic))
        if outer is not None:
            reopen = outer
            self._reopen = lambda: DecompressedStream(name, reopen(), magic)

    def _open_tar(self) -> None:
        outer, name, choice = self._reopen, self._name, self._choice
        if outer is None:
            self.stream = PeekedStream(FirstTarMember(name, self.stream, choice))
            return
        reopen = outer
        index = tararchive.choose_member(name, reopen(), choice)
        self.stream = PeekedStream(TarMember(name, self.stream, index))
        self._reopen = lambda: TarMember(name, reopen(), index)

    def _open_zip(self) -> None:
        if self._level:
            file: Path | IO[bytes] = positioned(self._name, self.stream)
        elif self._path is not None:
            file = self._path
        else:
            raise UsageError(f"{self._name}: a zip cannot be read from a pipe; unpack it: unzip -p")
        self.stream.close()
        archive = ZipArchive(self._name, file)
        try:
            info = archive.choose(self._choice)
            self.stream = PeekedStream(archive.open(info, is_last=True))
        except BaseException:
            archive.close()
            raise
        self._reopen = lambda: archive.open(info)


def _opened(name: str, path: Path) -> ByteStream:
    try:
        return RawFile(name, io.FileIO(path))
    except OSError as error:
        raise SourceError(f"{name} cannot be opened again: {reason(error)}") from None
