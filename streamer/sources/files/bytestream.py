"""Text of files and of standard input, whatever container and encoding it comes in.

Formats are recognised by the first bytes, never by the name. Nothing is read ahead: a pipe
delivers each piece as soon as it is written.
"""

from __future__ import annotations

import io
from pathlib import Path

from streamer.display.lines import printable
from streamer.errors import SourceError, UsageError
from streamer.sources.files.containers import head_of, unpacked
from streamer.sources.files.encodings import as_utf8
from streamer.sources.files.members import MemberChoice
from streamer.sources.files.signatures import may_be_json
from streamer.sources.files.streams import ByteStream, PeekedStream, RawFile, reason

STDIN = "-"
"""The path of standard input."""


def open_bytes(path: str | Path, *, member: str | None = None) -> tuple[str, ByteStream]:
    """Open a file, or standard input for ``-``.

    Args:
        path: the file.
        member: the member of an archive, or the table in a JSON document, that is read; None
            for the only one that may hold data.

    Returns:
        The name for display, and the text as bytes: unpacked; in UTF-8, if it is Unicode;
        and as a `DelimitedStream`, if it is JSON.

    Raises:
        UsageError: the file does not exist, or several members may hold data.
        SourceError: the file cannot be read, or is not text.
    """
    name, file = _opened(path)
    again = Path(path) if str(path) != STDIN and file.seekable() else None
    return name, as_text(name, PeekedStream(RawFile(name, file)), again, member=member)


def as_text(
    name: str, stream: PeekedStream, path: Path | None = None, *, member: str | None = None
) -> ByteStream:
    """The text of a file or a pipe, as `open_bytes` returns it.

    Args:
        name: the name for errors.
        stream: the bytes, at their beginning; closed with the result, and if there is an error.
        path: where to open them again; None if they can be read only once.
        member: see `open_bytes`.
    """
    choice = MemberChoice(name, member)
    text = unpacked(name, stream, path, choice)
    try:
        text = as_utf8(name, text)
        delimited: ByteStream = text
        if may_be_json(head_of(text)):
            # Imported here since most files are not JSON.
            from streamer.sources.files.jsontext import as_delimited

            delimited = as_delimited(name, text, choice, is_live=path is None)
        choice.check_used()
    except BaseException:
        text.close()
        raise
    return delimited


def _opened(path: str | Path) -> tuple[str, io.FileIO]:
    if str(path) == STDIN:
        # Not sys.stdin: a thread waiting in its buffer would hold the buffer's lock while
        # the interpreter shuts down.
        try:
            return "stdin", io.FileIO(0, closefd=False)
        except OSError as error:
            raise SourceError(f"standard input cannot be read: {reason(error)}") from None
    path = Path(path)
    name = printable(path.name or str(path))
    try:
        return name, io.FileIO(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{printable(str(path))!r} does not exist; check the path") from None
    except IsADirectoryError:
        raise UsageError(f"{name} is a directory; give the path of a file") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{name} cannot be opened: {reason(error)}") from None
