"""Encodings of text: UTF-8, UTF-16, UTF-32, and Windows-1252 with Latin-1.

UTF-16 and UTF-32 are converted as a stream. Windows-1252 is decided line by line, so that one
damaged line of a UTF-8 file does not change how the others are read, nor does the place where
the bytes are cut.
"""

from __future__ import annotations

import codecs

from streamer.errors import SourceError
from streamer.sources.files.containers import head_of
from streamer.sources.files.signatures import binary_format, markup_format, may_be_markup
from streamer.sources.files.streams import ByteStream, PeekedStream

# Those of UTF-32 first: one of them begins with one of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LONGEST_MARK = 4
_MIN_UTF16_BYTES = 8
_LINE_BYTES = 256
_MARKUP_BYTES = 1 << 13

# Windows-1252; the five bytes that it leaves undefined are those of Latin-1.
_WINDOWS = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))


def decode_line(line: bytes) -> str:
    r"""Decode a line as UTF-8 if it is valid, otherwise as Windows-1252.

    >>> decode_line("Außen °C".encode()), decode_line("Außen °C".encode("latin-1"))
    ('Außen °C', 'Außen °C')
    """
    try:
        return line.decode()
    except UnicodeDecodeError:
        return codecs.charmap_decode(line, "strict", _WINDOWS)[0]


def as_utf8(name: str, stream: PeekedStream) -> PeekedStream:
    """Convert UTF-16 and UTF-32 to UTF-8, and refuse what is not text.

    Args:
        name: the name for errors.
        stream: the bytes, at their beginning.

    Raises:
        SourceError: the bytes are not text, or they are XML or HTML.
    """
    encoding = _encoding(stream)
    if encoding is not None:
        stream = PeekedStream(_Recoded(stream, encoding))
    head = head_of(stream)
    kind = binary_format(head)
    if kind is None and may_be_markup(head):
        while len(stream.peeked) < _MARKUP_BYTES and stream.peek_more():
            pass
        kind = markup_format(stream.peeked[:_MARKUP_BYTES])
    if kind is not None:
        raise SourceError(f"{name} is {kind}")
    return stream


def _encoding(stream: PeekedStream) -> str | None:
    """The encoding, if it is UTF-16 or UTF-32."""
    head_of(stream)
    while (
        len(stream.peeked) < _LONGEST_MARK
        and stream.peeked
        and any(mark.startswith(stream.peeked) for mark in _MARKS)
        and stream.peek_more()
    ):
        pass
    for mark, encoding in _MARKS.items():
        if stream.peeked.startswith(mark):
            return encoding
    # Without a mark: ASCII in every other byte of the first line. The NUL byte after its
    # line end may not have arrived.
    line = stream.peeked[:_LINE_BYTES].replace(b"\r", b"\n").partition(b"\n")[0]
    first = line[: len(line) // 2 * 2]
    if len(first) >= _MIN_UTF16_BYTES:
        even, odd = first[0::2], first[1::2]
        if not any(odd) and all(even):
            return "utf-16-le"
        if not any(even) and all(odd):
            return "utf-16-be"
    return None


class _Recoded:
    """A stream converted to UTF-8."""

    def __init__(self, stream: ByteStream, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._at_end = False

    def read(self) -> bytes:
        while not self._at_end:
            data = self._stream.read()
            self._at_end = not data
            if text := self._decoder.decode(data, final=self._at_end):
                return text.encode()
        return b""

    @property
    def progress(self) -> float | None:
        return self._stream.progress

    def close(self) -> None:
        self._stream.close()
