"""Constants, errors and checksums common to the framings of serial meters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MAX_FRAME_BYTES = 1 << 14
"""Longer telegrams are rejected; the longest known ones have some 4 KiB."""

MAX_NOISE_BYTES = 1 << 12
"""So many bytes between two telegrams are not line noise, but a sign of wrong settings."""


@dataclass(frozen=True, slots=True)
class MalformedFrame:
    """Bytes that look like a telegram, but are not a valid one.

    Attributes:
        why: what is wrong with them, for messages.
    """

    why: str


class Foreign:
    r"""Finds what other meters send in noise, in chunks of any size.

    Args:
        length: length of the longest pattern.
        patterns: beginnings of what others send, each of fixed length, and what to report.

    >>> foreign = Foreign(2, [(rb"\xdb\x08", "encrypted")])
    >>> foreign.find(b"\xdb"), foreign.find(b"\x08\x08")
    ([], ['encrypted'])
    """

    def __init__(self, length: int, patterns: Iterable[tuple[bytes, str]]) -> None:
        # Lookahead, so that the same matches are found however the bytes are split.
        self._patterns = [
            (re.compile(b"(?=(" + pattern + b"))", re.DOTALL), why) for pattern, why in patterns
        ]
        self._kept = 1 - length
        self._end = b""

    def find(self, noise: bytes) -> list[str]:
        """Return what is to be reported of the next bytes."""
        known = len(self._end)
        data = self._end + noise
        self._end = data[self._kept :]
        return [
            why
            for pattern, why in self._patterns
            for match in pattern.finditer(data)
            if match.end(1) > known
        ]

    def reset(self) -> None:
        """Forget the bytes so far."""
        self._end = b""


class Crc16:
    """A 16-bit cyclic redundancy check that processes the lowest bit first.

    Args:
        polynomial: the polynomial, lowest power in the highest bit.
        start: the register before the first byte.
        flip: value to XOR the result with.

    >>> f"{ARC.of(b'123456789'):04X} {X25.of(b'123456789'):04X}"
    'BB3D 906E'
    """

    def __init__(self, polynomial: int, start: int, flip: int) -> None:
        self._start = start
        self._flip = flip
        self._table = [_remainder(byte, polynomial) for byte in range(256)]

    def of(self, data: bytes | bytearray) -> int:
        """Return the checksum of some bytes."""
        table, crc = self._table, self._start
        for byte in data:
            crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
        return crc ^ self._flip


def _remainder(byte: int, polynomial: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (polynomial if byte & 1 else 0)
    return byte


ARC: Final = Crc16(0xA001, 0x0000, 0x0000)
"""CRC-16/ARC, of DSMR telegrams."""

X25: Final = Crc16(0x8408, 0xFFFF, 0xFFFF)
"""CRC-16/X-25, of SML files."""

KERMIT: Final = Crc16(0x8408, 0x0000, 0x0000)
"""CRC-16/KERMIT, which Holley's DTZ541 puts in its SML files at the wired interface."""
