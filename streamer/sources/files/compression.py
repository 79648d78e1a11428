"""Streaming decompression of gzip, bzip2, xz and lzma, also from a pipe."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from streamer.errors import SourceError
from streamer.sources.files import streams
from streamer.sources.files.streams import ByteStream, StreamOnStream, reason

_MAX_XZ_MEMORY = 1 << 28
"""Bytes for the dictionary; ``xz -9`` needs a quarter of it."""

_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class _Decompressor(Protocol):
    """The interface of `bz2.BZ2Decompressor`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipDecompressor:
    """The decompressor of zlib, with the interface of `bz2.BZ2Decompressor`."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._filled = False

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not (self._inflate.unconsumed_tail or self._filled)

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    @property
    def unused(self) -> int:
        """Number of bytes that are not decompressed yet."""
        return len(self._inflate.unconsumed_tail)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        text = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self._filled = len(text) == max_length
        return text


def _xz_decompressor() -> _Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_MAX_XZ_MEMORY)


# The last of the first bytes are those of lzma's own header with its usual properties.
DECOMPRESSORS: dict[bytes, Callable[[], _Decompressor]] = {
    b"\x1f\x8b": _GzipDecompressor,
    **{
        b"BZh%d%s" % (level, block): bz2.BZ2Decompressor
        for level in range(1, 10)
        for block in (b"1AY&SY", b"\x17rE8P\x90")
    },
    b"\xfd7zXZ\x00": _xz_decompressor,
    b"\x5d\x00\x00": _xz_decompressor,
}
"""First bytes of compressed data, and their decompressor."""


class DecompressedStream(StreamOnStream):
    """The text of compressed bytes; several parts, one after another, are joined.

    Args:
        name: the name for errors.
        stream: the compressed bytes; closed with this stream.
        magic: its first bytes, a key of `DECOMPRESSORS`.
    """

    def __init__(self, name: str, stream: ByteStream, magic: bytes) -> None:
        self._name = name
        super().__init__(stream)
        self._start = DECOMPRESSORS[magic]
        self._decompressor: _Decompressor | None = None
        self._pending = b""
        self._piece_bytes = 0
        self._piece_start: float | None = None

    def read(self) -> bytes:
        """Return the next piece; empty at the end."""
        while True:
            data = self._input()
            if not data and self._decompressor is None:
                return b""
            text = self._decompress(data)
            if text:
                return text

    def _input(self) -> bytes:
        if self._decompressor is not None:
            if not self._decompressor.needs_input:
                return b""
            if data := self._next_piece():
                return data
            raise SourceError(
                f"{self._name} is truncated: the compressed data end early; get the file again"
            )
        while data := self._pending or self._next_piece():
            self._pending = b""
            if data := data.lstrip(b"\0"):  # padding between parts
                return data
        return b""

    def _next_piece(self) -> bytes:
        self._piece_start = self._stream.progress
        data = self._stream.read()
        self._piece_bytes = len(data)
        return data

    def _decompress(self, data: bytes) -> bytes:
        self._decompressor = self._decompressor or self._start()
        try:
            text = self._decompressor.decompress(data, streams.CHUNK_BYTES)
        except _ERRORS as error:
            raise SourceError(
                f"{self._name} is damaged ({reason(error)}); get the file again"
            ) from None
        if self._decompressor.eof:
            self._pending = self._decompressor.unused_data
            self._decompressor = None
        return text

    @property
    def progress(self) -> float | None:
        """Share of the compressed bytes that has been used; None if unknown."""
        progress = super().progress
        if progress is None or self._piece_start is None or not self._piece_bytes:
            return progress
        used = 1 - self._unused() / self._piece_bytes
        return self._piece_start + (progress - self._piece_start) * max(used, 0.0)

    def _unused(self) -> int:
        """Bytes of the last piece that are not decompressed yet, where that is known."""
        if isinstance(self._decompressor, _GzipDecompressor):
            return self._decompressor.unused
        return len(self._pending)
