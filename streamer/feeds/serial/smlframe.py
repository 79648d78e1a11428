"""Framing of SML files (BSI TR-03109-1, annex), and a check of what pysml may decode.

A file is enclosed in two escape sequences, and ends with a CRC. If a beginning turns out to be
false, only its first bytes are dropped, and the rest is searched again: a good file is found
whatever bytes precede it and however it is split.
"""

from __future__ import annotations

from streamer.feeds.serial.framing import (
    KERMIT,
    MAX_FRAME_BYTES,
    MAX_NOISE_BYTES,
    X25,
    Foreign,
    MalformedFrame,
)
from streamer.feeds.values import MalformedError

_ESCAPE = b"\x1b\x1b\x1b\x1b"
_START = _ESCAPE + b"\x01\x01\x01\x01"
_END = 0x1A

_RESIDUE = 0xF0B8 ^ 0xFFFF
"""CRC-16/X-25 of any bytes followed by their own CRC (RFC 1662, C.2)."""

_TEXT = (rb"\n1-0:1\.[78]\.", "text of a P1 port or D0 meter; read it with dsmr: in place of sml:")
"""Lines of the energy and the power."""
_TEXT_BYTES = 9

_MAX_SCALER = 12
_ENTRY_FIELDS, _SCALER = 7, 4
"""Number of fields in the list entry of a value, and index of its scaler."""
_LIST, _SIGNED, _UNSIGNED = 7, 5, 6
_MESSAGE_FIELDS = 6
_CRC_HEAD = b"\x63"
"""Type and length of the checksum of a message, the fifth of its fields."""


class FrameBuffer:
    """Finds SML files, with their escape sequences, in bytes that arrive in chunks."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._inside = False
        self._seen = 0
        self._noise = 0
        self._foreign = Foreign(_TEXT_BYTES, [_TEXT])

    @property
    def held(self) -> int:
        """Number of bytes kept for an incomplete file."""
        return len(self._held)

    def push(self, data: bytes) -> list[bytes | MalformedFrame]:
        """Return the files that these bytes complete, and the malformed ones."""
        self._held += data
        found: list[bytes | MalformedFrame] = []
        while (self._end if self._inside else self._begin)(found):
            pass
        return found

    def _begin(self, found: list[bytes | MalformedFrame]) -> bool:
        """Drop the bytes before a file; returns whether one begins."""
        start = self._held.find(_START)
        noise = start if start >= 0 else max(0, len(self._held) - len(_START) + 1)
        found += [MalformedFrame(why) for why in self._foreign.find(bytes(self._held[:noise]))]
        del self._held[:noise]
        self._noise += noise
        while self._noise >= MAX_NOISE_BYTES:
            self._noise -= MAX_NOISE_BYTES
            why = f"{MAX_NOISE_BYTES} bytes without an SML file (wrong baud rate, or not SML?)"
            found.append(MalformedFrame(why))
        if start < 0:
            return False
        self._inside, self._seen = True, len(_START)
        return True

    def _end(self, found: list[bytes | MalformedFrame]) -> bool:
        """Take the file that has begun; returns whether it has ended."""
        held = self._held
        escape = held.find(_ESCAPE, self._seen, MAX_FRAME_BYTES)
        if escape < 0:
            if len(held) >= MAX_FRAME_BYTES:
                return self._give_up(f"an SML file of more than {MAX_FRAME_BYTES} bytes", found)
            self._seen = max(self._seen, len(held) - len(_ESCAPE) + 1)
            return False
        self._seen = escape
        end = escape + 2 * len(_ESCAPE)
        if len(held) < end:
            return False
        if held[escape:end] == 2 * _ESCAPE:
            self._seen = end  # four bytes of content that look like an escape sequence
        elif held[escape:end] == _START:
            return self._give_up("an incomplete SML file", found)
        elif held[escape + len(_ESCAPE)] != _END:
            return self._give_up("an SML file with an unknown escape sequence", found)
        elif not (_is_x25(held[:end]) or _is_kermit(held[:end])):
            return self._give_up("an SML file with a wrong CRC", found)
        else:
            found.append(bytes(held[:end]))
            self._leave(end)
        return True

    def _give_up(self, why: str, found: list[bytes | MalformedFrame]) -> bool:
        self._leave(len(_START))
        found.append(MalformedFrame(why))
        return True

    def _leave(self, end: int) -> None:
        del self._held[:end]
        self._inside = False
        self._noise = 0
        self._foreign.reset()


def _is_x25(file: bytes | bytearray) -> bool:
    return X25.of(file) == _RESIDUE


def _is_kermit(data: bytes | bytearray) -> bool:
    """Whether bytes end with their CRC-16/KERMIT, high byte first."""
    return KERMIT.of(data[:-2]) == int.from_bytes(data[-2:], "big")


def with_x25(file: bytes) -> bytes:
    """Return an SML file with the checksums of the standard in place of CRC-16/KERMIT.

    Args:
        file: an SML file, with its escape sequences.

    Raises:
        MalformedError: a message has another checksum, or cannot be read.
    """
    if _is_x25(file):
        return file
    contents = bytearray(_contents(file))
    start = 0
    while start < len(contents):
        if _type_and_length(contents, start) != (_LIST, _MESSAGE_FIELDS, 1):
            raise MalformedError("an SML file that cannot be read")
        end = start + 1
        for _ in range(_MESSAGE_FIELDS - 2):  # up to the checksum and the end of the message
            end = _item_end(contents, end)
        checksum = slice(end + 1, end + 3)
        if contents[end : end + 1] != _CRC_HEAD or not _is_kermit(
            contents[start:end] + contents[checksum]
        ):
            raise MalformedError("an SML file with a wrong CRC")
        contents[checksum] = X25.of(contents[start:end]).to_bytes(2, "little")
        start = _item_end(contents, checksum.stop)
    padding = file[-3]
    escaped = bytes(contents + bytes(padding)).replace(_ESCAPE, 2 * _ESCAPE)
    whole = _START + escaped + _ESCAPE + bytes([_END, padding])
    return whole + X25.of(whole).to_bytes(2, "little")


def check_scalers(file: bytes) -> None:
    """Reject a file that pysml would not finish decoding, even though its CRC is correct.

    pysml computes ten to the power of any scaler, however large.

    Args:
        file: an SML file, with its escape sequences.

    Raises:
        MalformedError: a scaler is too large.
    """
    contents = _contents(file)
    position = 0
    lists: list[
        tuple[int, int]
    ] = []  # of each open list: its length and the index of the next item
    while position < len(contents):
        kind, length, header = _type_and_length(contents, position)
        position += header
        fields, field = lists.pop() if lists else (0, 0)
        if field + 1 < fields:
            lists.append((fields, field + 1))
        if kind == _LIST:
            lists += [(length, 0)] if length else []
            continue
        value = contents[position : position + max(0, length - header)]
        position += len(value)
        if fields >= _ENTRY_FIELDS and field == _SCALER and kind in (_SIGNED, _UNSIGNED):
            scaler = int.from_bytes(value, "big", signed=kind == _SIGNED)
            if abs(scaler) > _MAX_SCALER:
                raise MalformedError("an SML file with a scaler that is too large")


def _contents(file: bytes) -> bytes:
    """The messages of a file."""
    padding = file[-3]
    return file[len(_START) : -2 * len(_ESCAPE) - padding].replace(2 * _ESCAPE, _ESCAPE)


def _item_end(contents: bytes | bytearray, position: int) -> int:
    """Position after the item at `position`, with all that it contains."""
    left = 1
    while left:
        if position >= len(contents):
            raise MalformedError("an SML file that cannot be read")
        kind, length, header = _type_and_length(contents, position)
        left += length - 1 if kind == _LIST else -1
        position += header if kind == _LIST else max(length, header)
    return position


def _type_and_length(contents: bytes | bytearray, position: int) -> tuple[int, int, int]:
    """Return the type and length of the item at `position`, and the size of its header."""
    kind = contents[position] >> 4 & 7
    length = header = 0
    for byte in contents[position:]:
        length = length << 4 | byte & 15
        header += 1
        if not byte & 0x80:
            break
    return kind, length, header
