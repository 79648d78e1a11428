"""Members of tar archives, read as a stream, also from a pipe.

The headers are parsed by `tarfile`, but not its streams: those read the header of a long name
into memory, however large it is.
"""

from __future__ import annotations

import shlex
import tarfile
from typing import NamedTuple

from streamer.display.lines import printable
from streamer.errors import SourceError, UsageError
from streamer.sources.files.members import MemberChoice
from streamer.sources.files.signatures import archive_format
from streamer.sources.files.streams import ByteStream, StreamOnStream

BLOCK_BYTES = 512
_MAX_NAME_BYTES = 1 << 16
_MAX_MEMBERS = 100_000
_EXTENDED = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)


def is_header(block: bytes) -> bool:
    """Whether a block of 512 bytes is the header of a member, by its checksum."""
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape").size >= 0
    except (tarfile.HeaderError, ValueError):
        return False


class TarEntry(NamedTuple):
    """A file in an archive.

    Attributes:
        name: its name.
        size: its size in bytes.
    """

    name: str
    size: int


def member_name(entry: TarEntry) -> str:
    """The name of a file, fit for display."""
    return printable(entry.name.removeprefix("./"))


class TarReader:
    """The files in an archive, in their order.

    Args:
        name: the name for errors.
        stream: the archive's bytes.
    """

    def __init__(self, name: str, stream: ByteStream) -> None:
        self._name = name
        self._stream = stream
        self._buffer = b""
        self._left = 0
        self._padding = 0
        self._headers = 0

    def next_file(self) -> TarEntry | None:
        """Go to the next file with content; None at the end.

        Raises:
            SourceError: the archive is damaged or truncated.
        """
        name: str | None = None
        size: int | None = None
        while (info := self._next_header()) is not None:
            if info.type == tarfile.GNUTYPE_LONGNAME:
                name = self._value(info).rstrip(b"\0").decode("utf-8", "replace")
            elif info.type in _EXTENDED:
                name, size = self._extended(self._value(info), name, size)
            elif info.isreg() or info.type not in tarfile.SUPPORTED_TYPES:
                self._begin(info.size if size is None else size)
                if info.type == tarfile.GNUTYPE_SPARSE:
                    raise self._unusual()
                if info.isreg() and self._left:
                    return TarEntry(info.name if name is None else name, self._left)
                name = size = None
            elif info.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
                self._begin(info.size)
            else:
                name = size = None
        return None

    def read(self) -> bytes:
        """Return the next piece of the file; empty at its end."""
        if not self._left:
            return b""
        data = self._some(self._left)
        self._left -= len(data)
        return data

    def finish(self) -> None:
        """Read to the end, so that a checksum there is compared.

        Raises:
            SourceError: the bytes are damaged or truncated.
        """
        while self._stream.read():
            pass

    def _next_header(self) -> tarfile.TarInfo | None:
        while self.read():
            pass
        self._take(self._padding)
        self._padding = 0
        self._headers += 1
        if self._headers > _MAX_MEMBERS:
            raise SourceError(f"{self._name} has more than {_MAX_MEMBERS} members; unpack it first")
        try:
            block = self._take(BLOCK_BYTES)
        except EOFError:  # as of an archive without its last blocks
            return None
        if not block.strip(b"\0"):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise self._damaged(str(error)) from None
        if info.size < 0:
            raise self._damaged("a size is negative")
        return info

    def _begin(self, size: int) -> None:
        self._left = size
        self._padding = -size % BLOCK_BYTES

    def _value(self, info: tarfile.TarInfo) -> bytes:
        """The content of a header's extension."""
        if info.size > _MAX_NAME_BYTES:
            raise self._damaged("a name is too long")
        value = self._take(info.size)
        self._take(-info.size % BLOCK_BYTES)
        return value

    def _extended(
        self, value: bytes, name: str | None, size: int | None
    ) -> tuple[str | None, int | None]:
        """Name and size from records such as ``20 path=house.csv`` (POSIX pax)."""
        while value:
            length = value.partition(b" ")[0]
            if not length.isdigit() or not len(length) < int(length) <= len(value):
                raise self._damaged("an extended header is not valid")
            key, _, text = value[len(length) + 1 : int(length) - 1].partition(b"=")
            if key == b"path":
                name = text.decode("utf-8", "replace")
            elif key == b"size":
                if not text.isdigit():
                    raise self._damaged("a size is not a number")
                size = int(text)
            elif key.startswith(b"GNU.sparse"):
                raise self._unusual()
            value = value[int(length) :]
        return name, size

    def _take(self, size: int) -> bytes:
        """Return so many bytes.

        Raises:
            EOFError: there are none; only for a whole block.
            SourceError: there are fewer.
        """
        parts: list[bytes] = []
        left = size
        while left:
            try:
                part = self._some(left)
            except SourceError:
                if size == BLOCK_BYTES and not parts and not self._buffer:
                    raise EOFError from None
                raise
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _some(self, limit: int) -> bytes:
        data = self._buffer or self._stream.read()
        if not data:
            raise SourceError(
                f"{self._name} is truncated: the archive ends early; get the file again"
            )
        self._buffer = data[limit:]
        return data[:limit]

    def _damaged(self, what: str) -> SourceError:
        return SourceError(f"{self._name} is damaged ({what}); get the file again")

    def _unusual(self) -> SourceError:
        return SourceError(f"{self._name} contains a sparse file; unpack it first")


class TarMember(StreamOnStream):
    """The text of one member.

    Args:
        name: the name for errors.
        stream: the archive's bytes; closed with this stream.
        index: the member's place among the files with content.
    """

    def __init__(self, name: str, stream: ByteStream, index: int) -> None:
        super().__init__(stream)
        self._reader = TarReader(name, stream)
        for _ in range(index + 1):
            self._reader.next_file()

    def read(self) -> bytes:
        """Return the next piece; empty at the end."""
        data = self._reader.read()
        if not data:
            self._reader.finish()
        return data


class FirstTarMember(StreamOnStream):
    """The text of the first member that may hold data, of an archive that is read only once.

    Another one that may hold data, as well, is an error at the end.

    Args:
        name: the name for errors.
        stream: the archive's bytes; closed with this stream.
        choice: chooses the member.

    Raises:
        UsageError: the requested member does not exist.
        SourceError: no member may hold data, or the archive is damaged.
    """

    def __init__(self, name: str, stream: ByteStream, choice: MemberChoice) -> None:
        super().__init__(stream)
        self._name = name
        self._choice = choice
        self._reader = TarReader(name, stream)
        self._is_requested = choice.is_requested
        taken = self._next()
        if taken is None:
            choice.check_used()
            choice.member([])
        self._taken = taken

    def _next(self) -> str | None:
        while (entry := self._reader.next_file()) is not None:
            name = member_name(entry)
            if self._choice.accepts(name):
                return name
        return None

    def read(self) -> bytes:
        """Return the next piece; empty at the end."""
        if data := self._reader.read():
            return data
        if not self._is_requested and (other := self._next()) is not None:
            raise UsageError(
                f"{self._name} contains {self._taken}, which has been read, but {other}, too; "
                f"choose one: --member {shlex.quote(str(self._taken))}"
            )
        self._reader.finish()
        return b""


def choose_member(name: str, stream: ByteStream, choice: MemberChoice) -> int:
    """Choose the member of an archive that can be read again.

    Args:
        name: the name for errors.
        stream: the archive's bytes; read to the end, and closed.
        choice: chooses the member.

    Returns:
        Its place among the files with content.

    Raises:
        UsageError: several are possible.
        SourceError: it has none, or is damaged.
    """
    names: list[str] = []
    try:
        reader = TarReader(name, stream)
        while (entry := reader.next_file()) is not None:
            names.append(member_name(entry))
    finally:
        stream.close()
    if special := archive_format(names):
        raise SourceError(f"{name} is {special}")
    return choice.member(names)
