"""SML files (BSI TR-03109-1, annex) as bytes: where they begin and end, and what pysml may see.

A file stands between two escape sequences, and ends with a CRC. One that turns out to be none
loses only its first bytes, and the rest is looked at anew: so no bytes before a good file, and
no way to cut it in pieces, keep it from being found.
"""

from __future__ import annotations

from streamer.feeds.serial.framing import MAX_FRAME_BYTES, MAX_NOISE_BYTES, X25, Broken
from streamer.feeds.values import ValueProblem

_ESCAPE = b"\x1b\x1b\x1b\x1b"
_START = _ESCAPE + b"\x01\x01\x01\x01"
_END = 0x1A

_RESIDUE = 0xF0B8 ^ 0xFFFF
"""CRC-16/X-25 of whatever is followed by its own CRC (RFC 1662, C.2)."""

_MAX_SCALER = 12
_ENTRY_FIELDS, _SCALER = 7, 4
"""A value's entry in a list: how many fields it has, and which of them is the scaler."""
_LIST, _SIGNED, _UNSIGNED = 7, 5, 6


class FrameBuffer:
    """Finds SML files, with their escape sequences, in bytes that come in pieces."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._inside = False
        self._seen = 0
        self._noise = 0

    @property
    def held(self) -> int:
        """How many bytes are kept for a file that is not complete."""
        return len(self._held)

    def push(self, data: bytes) -> list[bytes | Broken]:
        """The files that these bytes complete, and what is wrong with others."""
        self._held += data
        found: list[bytes | Broken] = []
        while (self._end if self._inside else self._begin)(found):
            pass
        return found

    def _begin(self, found: list[bytes | Broken]) -> bool:
        """Drop what stands before a file; whether one begins."""
        start = self._held.find(_START)
        noise = start if start >= 0 else max(0, len(self._held) - len(_START) + 1)
        del self._held[:noise]
        self._noise += noise
        while self._noise >= MAX_NOISE_BYTES:
            self._noise -= MAX_NOISE_BYTES
            why = f"{MAX_NOISE_BYTES} bytes without an SML file (wrong baud rate, or not SML?)"
            found.append(Broken(why))
        if start < 0:
            return False
        self._inside, self._seen = True, len(_START)
        return True

    def _end(self, found: list[bytes | Broken]) -> bool:
        """Take the file that has begun, if it has ended; whether it has."""
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
            self._seen = end  # four bytes of the contents that look like an escape
        elif held[escape:end] == _START:
            return self._give_up("an SML file cut short", found)
        elif held[escape + len(_ESCAPE)] != _END:
            return self._give_up("an SML file with an unknown escape sequence", found)
        elif X25.of(held[:end]) != _RESIDUE:
            return self._give_up("an SML file whose CRC is wrong", found)
        else:
            found.append(bytes(held[:end]))
            self._leave(end)
        return True

    def _give_up(self, why: str, found: list[bytes | Broken]) -> bool:
        self._leave(len(_START))
        found.append(Broken(why))
        return True

    def _leave(self, end: int) -> None:
        del self._held[:end]
        self._inside = False
        self._noise = 0


def check_scalers(file: bytes) -> None:
    """Refuse a file with which pysml would not come to an end, though every CRC is right.

    It computes ten to the power of any scaler.

    Args:
        file: an SML file, with its escape sequences.

    Raises:
        ValueProblem: a scaler is out of all proportion.
    """
    padding = file[-3]
    contents = file[len(_START) : -2 * len(_ESCAPE) - padding].replace(2 * _ESCAPE, _ESCAPE)
    position = 0
    lists: list[tuple[int, int]] = []  # of each open list: how long it is, and what item is due
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
                raise ValueProblem("an SML file with a scaler out of all proportion")


def _type_and_length(contents: bytes, position: int) -> tuple[int, int, int]:
    """What begins there, how long it is, and how many bytes tell that."""
    kind = contents[position] >> 4 & 7
    length = header = 0
    for byte in contents[position:]:
        length = length << 4 | byte & 15
        header += 1
        if not byte & 0x80:
            break
    return kind, length, header
