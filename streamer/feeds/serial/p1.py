"""Framing and parsing of P1 telegrams: bytes in, powers out.

A telegram begins with a slash and ends with an exclamation mark, which IEC 62056-21 allows
nowhere else in it. From DSMR 4 on a CRC of four hexadecimal digits follows; before, the line
just ends. A good telegram is found whatever bytes precede it and however it is split.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from streamer.feeds.serial.framing import ARC, MAX_FRAME_BYTES, MAX_NOISE_BYTES, MalformedFrame
from streamer.feeds.values import MalformedError

_HEAD = re.compile(rb"/[A-Za-z]{3}[0-9]")
"""The manufacturer, and the digit for the baud rate."""

_MARK = re.compile(rb"/|!([0-9A-Fa-f]{0,4})|[^ -~\r\n]")
"""The end of a telegram, valid or not."""

_CIPHERED = re.compile(rb"\xdb\x08.{8}[\x81\x82]", re.DOTALL)
"""The head of a DLMS general-ciphering frame: tag, system title, length."""

_CIPHERED_HEAD_BYTES = 11

_POWER = re.compile(rb"^(1-0:[12]\.7\.0)([^\r\n]*)", re.MULTILINE)
_VALUE = re.compile(rb"(?:[*.]255)?\((-?[0-9]{1,12}(?:\.[0-9]{1,12})?)\*(kW|W)\)")
_PER_KW = {b"kW": 1.0, b"W": 1000.0}
_IMPORT, _EXPORT = "1-0:1.7.0", "1-0:2.7.0"
_TIME = re.compile(rb"^0-0:1\.0\.0(?:[*.]255)?\(([0-9]{12})([SW])\)", re.MULTILINE)
_VERSION = re.compile(rb"^(?:1-3:0\.2\.8|0-0:96\.1\.4)(?:[*.]255)?\(", re.MULTILINE)
"""Version of DSMR (or of the Belgian e-MUCS); present from DSMR 4 on."""

_ZONES = {b"S": timezone(timedelta(hours=2)), b"W": timezone(timedelta(hours=1))}

_UNSET_BEFORE = 2010
"""A clock that was never set starts at 2000 or 1970."""


@dataclass(frozen=True, slots=True)
class Telegram:
    """Contents of a telegram.

    Attributes:
        kw: power in kW, import positive.
        at: time by the meter's clock; None if it is missing, or the clock is not set.
    """

    kw: float
    at: datetime | None


class TelegramBuffer:
    r"""Finds telegrams in a stream of bytes, in chunks of any size.

    >>> buffer = TelegramBuffer()
    >>> buffer.push(b"/ISk5\\2MT382\r\n\r\n1-0:1.7.0(0001.01*kW)\r\n")
    []
    >>> buffer.push(b"!\r\n")
    [Telegram(kw=1.01, at=None)]
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._inside = False
        self._seen = 0
        self._noise = 0
        self._noise_end = b""

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
        if not held or (len(held) < 5 and _may_become_head(held)):
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
        if mark[1] is not None:
            return self._finish(mark, found)
        if mark[0] == b"/":
            self._give_up(mark.start(), "an incomplete telegram", found)
        else:
            why = f"byte {mark[0].hex()} in a telegram (noise, or a wrong baud rate or mode?)"
            self._give_up(mark.end(), why, found)
        return True

    def _finish(self, mark: re.Match[bytes], found: list[Telegram | MalformedFrame]) -> bool:
        """Take a telegram that ends with an exclamation mark; returns whether it is complete."""
        held, end = self._held, mark.end()
        if len(mark[1]) < 4:
            if end == len(held):
                return False  # more of the CRC may come
            if held[end] not in b"\r\n\0":
                self._give_up(end, "a telegram with an incomplete CRC", found)
                return True
        text = bytes(held[:end])
        self._leave(end)
        try:
            found.append(parse_telegram(text))
        except MalformedError as error:
            found.append(MalformedFrame(str(error)))
        return True

    def _give_up(self, end: int, why: str, found: list[Telegram | MalformedFrame]) -> None:
        self._leave(end)
        found.append(MalformedFrame(why))

    def _leave(self, end: int) -> None:
        del self._held[:end]
        self._inside = False
        self._noise, self._noise_end = 0, b""

    def _skip(self, count: int, found: list[Telegram | MalformedFrame]) -> None:
        """Drop bytes that do not belong to a telegram."""
        if not count:
            return
        noise = self._noise_end + bytes(self._held[:count])
        del self._held[:count]
        found += [
            MalformedFrame("an encrypted telegram; cannot be read")
            for _ in _CIPHERED.finditer(noise)
        ]
        self._noise_end = noise[1 - _CIPHERED_HEAD_BYTES :]
        self._noise += count
        while self._noise >= MAX_NOISE_BYTES:
            self._noise -= MAX_NOISE_BYTES
            why = f"{MAX_NOISE_BYTES} bytes without a telegram (wrong baud rate or mode?)"
            found.append(MalformedFrame(why))


def parse_telegram(text: bytes) -> Telegram:
    """Parse a telegram.

    Args:
        text: bytes from the slash to the exclamation mark, with the CRC if present.

    Raises:
        MalformedError: the telegram is damaged, or has no power.
    """
    body, mark, crc = text.rpartition(b"!")
    if crc and ARC.of(body + mark) != int(crc, 16):
        raise MalformedError("a telegram with a wrong CRC")
    if not crc and _VERSION.search(body):
        raise MalformedError("a telegram of DSMR 4 or later without its CRC")
    powers: dict[str, float] = {}
    for register, value in _POWER.findall(body):
        name = register.decode()
        if name in powers:
            raise MalformedError(f"a telegram with two values of {name}")
        powers[name] = _kw(name, value)
    if _IMPORT not in powers:
        raise MalformedError(f"a telegram without a power ({_IMPORT})")
    return Telegram(powers[_IMPORT] - powers.get(_EXPORT, 0.0), _time(body))


def _kw(name: str, value: bytes) -> float:
    match = _VALUE.fullmatch(value)
    if match is None:
        shown = value[:40].decode("ascii", "replace")
        raise MalformedError(f"{name}{shown} is not a power in W or kW")
    return float(match[1]) / _PER_KW[match[2]]


def _time(body: bytes) -> datetime | None:
    match = _TIME.search(body)
    if match is None:
        return None
    try:
        moment = datetime.strptime(match[1].decode(), "%y%m%d%H%M%S")
    except ValueError:
        return None  # the power is valid even if the clock is not
    return moment.replace(tzinfo=_ZONES[match[2]]) if moment.year >= _UNSET_BEFORE else None


def _may_become_head(held: bytearray) -> bool:
    """Whether fewer than five bytes may be the beginning of a telegram."""
    return _HEAD.match(held + b"/AAA0"[len(held) :]) is not None
