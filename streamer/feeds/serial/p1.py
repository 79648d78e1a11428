"""Framing of P1 and D0 telegrams (IEC 62056-21): bytes in, telegrams out.

A telegram begins with a slash and the manufacturer, and ends with an exclamation mark. From
DSMR 4 on a CRC of up to four hexadecimal digits follows; before, the line just ends. A meter
that was asked for its data puts them between the characters STX and ETX, and a block check
character after these. A good telegram is found whatever bytes precede it and however it is
split.
"""

from __future__ import annotations

import re
from typing import Final

from streamer.feeds.serial.framing import MAX_FRAME_BYTES, MAX_NOISE_BYTES, Foreign, MalformedFrame
from streamer.feeds.serial.telegram import Defaults, Telegram, parse_telegram
from streamer.feeds.values import MalformedError

_HEAD = re.compile(rb"/[A-Za-z]{3}[0-9A-I]")
"""The manufacturer, and the character for the baud rate."""

_HEAD_BYTES = 5
_MAX_NAME_BYTES = 64
"""A slash after the name of the meter does not belong to it."""

_MARK = re.compile(rb"/|!([0-9A-Fa-f]{0,4})|(?<!\n)\x02|[^ -~\r\n\x02]")
"""The end of a telegram, valid or not; STX may begin a line."""

_SLASH = ord("/")
_BLOCK_END = re.compile(rb"(?:\r?\n|\r)?\x03[\x00-\xff]")
_PARTS_OF_BLOCK_END = (b"", b"\r", b"\n", b"\r\n", b"\x03", b"\r\x03", b"\n\x03", b"\r\n\x03")

_FOREIGN: Final = (
    # A DLMS general-ciphering frame: tag, system title, length.
    (rb"\xdb\x08.{8}[\x81\x82]", "an encrypted telegram; cannot be read"),
    # The link layer and a data notification of DLMS, as at the HAN ports of Norway.
    (rb"\xe6\xe7\x00\x0f", "a binary telegram (DLMS); cannot be read"),
    # A slash with its parity bit, and the manufacturer with or without.
    (
        rb"\xaf[\x41-\x5a\xc1-\xda]{3}[\x30-\x39\xb0-\xb9]",
        "a telegram with parity bits; add mode=7E1",
    ),
    (rb"\x1b{4}\x01{4}", "an SML file; read it with sml: in place of dsmr:"),
)
_FOREIGN_BYTES = 11


class TelegramBuffer:
    r"""Finds telegrams in a stream of bytes, in chunks of any size.

    Args:
        defaults: values of what the telegrams may leave open.

    >>> buffer = TelegramBuffer()
    >>> buffer.push(b"/ISk5\\2MT382\r\n\r\n1-0:1.7.0(0001.01*kW)\r\n")
    []
    >>> buffer.push(b"!\r\n")
    [Telegram(kw=1.01, at=None, energy=None, further=Further(values={}, problems=()), demand=None)]
    """

    def __init__(self, defaults: Defaults | None = None) -> None:
        self._defaults = defaults
        self._held = bytearray()
        self._inside = False
        self._seen = 0
        self._noise = 0
        self._foreign = Foreign(_FOREIGN_BYTES, _FOREIGN)

    @property
    def held(self) -> int:
        """Number of bytes kept for an incomplete telegram."""
        return len(self._held)

    def push(self, data: bytes) -> list[Telegram | MalformedFrame]:
        """Return the telegrams that these bytes complete, and the malformed ones."""
        self._held += data
        found: list[Telegram | MalformedFrame] = []
        while (self._end if self._inside else self._begin)(found):
            pass
        return found

    def _begin(self, found: list[Telegram | MalformedFrame]) -> bool:
        """Drop the bytes before a telegram; returns whether one begins."""
        held = self._held
        slash = held.find(b"/")
        self._skip(len(held) if slash < 0 else slash, found)
        if _HEAD.match(held):
            self._inside, self._seen = True, 1
            return True
        if not held or _may_become_head(held):
            return False
        self._skip(1, found)
        return True

    def _end(self, found: list[Telegram | MalformedFrame]) -> bool:
        """Take the telegram that has begun; returns whether it has ended."""
        held = self._held
        mark = _MARK.search(held, self._seen, MAX_FRAME_BYTES)
        if mark is None:
            self._seen = len(held)
            if len(held) < MAX_FRAME_BYTES:
                return False
            why = f"a telegram of more than {MAX_FRAME_BYTES} bytes"
            self._give_up(MAX_FRAME_BYTES, why, found)
            return True
        self._seen = mark.start()
        if mark[0] == b"/":
            return self._slash(mark.start(), found)
        if mark[1] is not None:
            return self._finish(mark, found)
        why = f"byte {mark[0].hex()} in a telegram (noise, or a wrong baud rate or mode?)"
        self._give_up(mark.end(), why, found)
        return True

    def _slash(self, at: int, found: list[Telegram | MalformedFrame]) -> bool:
        """Continue after a slash in a telegram, which may begin another one."""
        held = self._held
        in_name = at < _MAX_NAME_BYTES and held.find(b"\n", 0, at) < 0
        if not in_name:
            head = held[at : at + _HEAD_BYTES]
            if _HEAD.match(head):
                self._give_up(at, "an incomplete telegram", found)
                return True
            if _may_become_head(head):
                return False
        self._seen = at + 1
        return True

    def _finish(self, mark: re.Match[bytes], found: list[Telegram | MalformedFrame]) -> bool:
        """Take a telegram that ends with an exclamation mark; returns whether it is complete."""
        held, end = self._held, mark.end()
        if held.find(b"\x02", 0, end) >= 0:
            block_end = _BLOCK_END.match(held, mark.start() + 1)
            if block_end is None and held[mark.start() + 1 :] in _PARTS_OF_BLOCK_END:
                return False
            end = mark.start() + 1 if block_end is None else block_end.end()
        elif len(mark[1]) < 4:
            if end == len(held):
                return False  # more of the CRC may come
            if held[end] not in b"\r\n\0":
                self._give_up(end, "a telegram with an incomplete CRC", found)
                return True
        try:
            telegram = parse_telegram(bytes(held[:end]), self._defaults)
        except MalformedError as error:
            # What seems to be its block check may be the beginning of another telegram.
            self._give_up(mark.end(), str(error), found)
        else:
            # A slash, too, may be both the block check and the beginning of another telegram.
            self._leave(end - 1 if held[end - 1] == _SLASH else end)
            found.append(telegram)
        return True

    def _give_up(self, end: int, why: str, found: list[Telegram | MalformedFrame]) -> None:
        self._leave(end)
        found.append(MalformedFrame(why))

    def _leave(self, end: int) -> None:
        del self._held[:end]
        self._inside = False
        self._noise = 0
        self._foreign.reset()

    def _skip(self, count: int, found: list[Telegram | MalformedFrame]) -> None:
        """Drop bytes that do not belong to a telegram."""
        if not count:
            return
        noise = bytes(self._held[:count])
        del self._held[:count]
        found += [MalformedFrame(why) for why in self._foreign.find(noise)]
        self._noise += count
        while self._noise >= MAX_NOISE_BYTES:
            self._noise -= MAX_NOISE_BYTES
            why = f"{MAX_NOISE_BYTES} bytes without a telegram (wrong baud rate or mode?)"
            found.append(MalformedFrame(why))


def _may_become_head(held: bytes | bytearray) -> bool:
    """Whether fewer than five bytes may be the beginning of a telegram."""
    return len(held) < _HEAD_BYTES and _HEAD.match(held + b"/AAA0"[len(held) :]) is not None
