"""Requests for the data of a D0 meter, which answers only when asked (IEC 62056-21).

The request is sent at 300 baud. The meter answers with its identification, whose fifth
character proposes a speed: a digit in mode C, where the acknowledgement confirms it, and a
letter in mode B, where both ends change to it at once. Mode A keeps the speed.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from streamer.errors import LinkError
from streamer.feeds.serial.line import Line

START_BAUD: Final = 300
SPEEDS: Final = (300, 600, 1200, 2400, 4800, 9600, 19200)
"""Speeds of the digits 0 to 6; the letters A to F mean the same from 600 on."""

_SPEED_OF = dict(zip("0123456", SPEEDS, strict=True)) | dict(zip("ABCDEF", SPEEDS[1:], strict=True))

_IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}([ -~])[^\r\n]*\r?\n")
_MAX_ANSWER_BYTES = 256
_ANSWER_S = 10.0
_SETTLE_S = 0.05
_BITS_PER_BYTE = 10


async def request_data(line: Line, baud: int, number: str = "") -> bytes:
    """Ask for the data, and return the meter's identification; the data follow on the line.

    Args:
        line: the connection; the speed of a device is changed as the meter proposes.
        baud: speed at the beginning, and of a connection whose speed cannot be changed.
        number: number of the meter (its device address); empty for any.

    Raises:
        LinkError: the meter does not answer, or the connection is lost.
    """
    if line.set_baud is not None:
        line.set_baud(baud)
    line.write(f"/?{number}!\r\n".encode("ascii"))
    try:
        async with asyncio.timeout(_ANSWER_S):
            identification, letter = await _identification(line)
    except TimeoutError:
        raise _silent(line) from None
    proposed = baud if line.set_baud is None else _SPEED_OF.get(letter, baud)
    if letter.isdigit() and proposed in SPEEDS:
        acknowledgement = f"\x060{SPEEDS.index(proposed)}0\r\n".encode()
        line.write(acknowledgement)
        # The speed must not change before the last byte has left.
        await asyncio.sleep(len(acknowledgement) * _BITS_PER_BYTE / baud + _SETTLE_S)
    if line.set_baud is not None:
        line.set_baud(proposed)
    return identification


async def _identification(line: Line) -> tuple[bytes, str]:
    """Wait for an identification, behind the echo of the request from some optical heads."""
    answer = b""
    while len(answer) < _MAX_ANSWER_BYTES:
        answer += await line.read()
        if match := _IDENTIFICATION.search(answer):
            return answer[match.start() :], match[1].decode()
    raise _silent(line)


def _silent(line: Line) -> LinkError:
    return LinkError(
        f"{line.name}: no answer to the request of D0; check baud, mode and the place of the "
        "optical head, and leave request out if the meter sends by itself"
    )
