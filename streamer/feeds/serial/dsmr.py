"""Meters that send text: DSMR meters at their P1 port, and D0 meters at an optical head.

Framing and CRC are implemented here: the existing library, dsmr-parser, would be used for a
few lines of a telegram, and depends on dlms-cosem, cryptography, serialx and others.
"""

from __future__ import annotations

import asyncio
import re

from streamer.errors import LinkError, requirement
from streamer.feeds import FeedKind, Pace
from streamer.feeds.address import Address
from streamer.feeds.polling import POLL_OPTIONS, Ticker, poll_interval
from streamer.feeds.serial.d0 import START_BAUD, request_data
from streamer.feeds.serial.endpoint import ENDPOINT_OPTIONS, SILENT_S, Endpoint
from streamer.feeds.serial.framing import MalformedFrame
from streamer.feeds.serial.further import FURTHER_OPTIONS, chosen_further
from streamer.feeds.serial.line import Line
from streamer.feeds.serial.obis import OBIS_OPTIONS, sign_of
from streamer.feeds.serial.output import MeterOutput, is_counter
from streamer.feeds.serial.p1 import TelegramBuffer
from streamer.feeds.serial.telegram import Defaults
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import further_paces

_BAUD = 115200
_READOUT_S = 60.0
"""Longest pause in seconds within the answer of a meter."""

_SILENT = (
    "no data yet; check cable, baud and mode; a D0 meter that does not send by itself needs "
    "request=d0"
)
_WITHOUT_POWER = "read another meter, or ask the grid operator"


def open_dsmr(address: Address) -> AsyncFeed:
    """Make the feed of a P1 port or D0 meter; it connects when it is read.

    Raises:
        UsageError: an option is wrong, or the address is neither a device nor a TCP port.
        MissingExtraError: the address is a device, and pyserial is not installed.
    """
    is_asked = address.choice("request", ("d0",)) is not None
    if "every" in address.options and not is_asked:
        raise address.wrong("every", "add request=d0, or leave it out: the meter sends by itself")
    endpoint = Endpoint.of(
        address,
        extra="serial",
        baud=START_BAUD if is_asked else _BAUD,
        mode="7E1" if is_asked else "8N1",
        is_baud_needed=is_asked,
    )
    by_meter = address.choice("time", ("meter", "arrival"), "meter") == "meter"
    names = chosen_further(address)
    defaults = Defaults(address.choice("unit", ("W", "kW")) or "", sign_of(address), names)
    number = _device_number(address, is_asked=is_asked)
    every_s, counter = poll_interval(address), is_counter(address)

    async def session(channel: Channel) -> None:
        async with endpoint.connect() as line:
            output = MeterOutput(
                channel,
                line.understood,
                counter=counter,
                without_power=_WITHOUT_POWER,
                channels=names,
            )
            reader = TelegramReader(output, defaults, by_meter=by_meter)
            if not is_asked:
                reader.push(await line.first(SILENT_S, lambda: channel.warn(_SILENT)))
                while True:
                    reader.push(await line.read())
            ticker = Ticker(every_s)
            while True:
                await ticker.wait()
                await _read_out(line, reader, endpoint.baud, number)

    pace = Pace(every_s if is_asked else None)
    return AsyncFeed(address.shown, session, pace=pace, channels=further_paces(names, pace))


class TelegramReader:
    """Conversion of bytes to samples.

    Args:
        output: takes what the telegrams contain.
        defaults: values of what the telegrams may leave open.
        by_meter: whether the meter's clock is used.
    """

    def __init__(self, output: MeterOutput, defaults: Defaults, *, by_meter: bool) -> None:
        self._output = output
        self._by_meter = by_meter
        self._buffer = TelegramBuffer(defaults)

    def push(self, data: bytes) -> bool:
        """Read the next bytes; returns whether a telegram, valid or not, has ended."""
        items = self._buffer.push(data)
        for item in items:
            if isinstance(item, MalformedFrame):
                self._output.malformed(item.why)
            else:
                at = item.at if self._by_meter else None
                self._output.take(item.kw, item.energy, at, item.further, item.demand)
        return bool(items)


def _device_number(address: Address, *, is_asked: bool) -> str:
    """Read the number to which a D0 meter answers; empty for any meter."""
    number = address.text("number", "")
    if "number" in address.options:
        if not is_asked:
            raise address.wrong("number", "add request=d0, or leave it out")
        if not re.fullmatch("[0-9A-Za-z ]{1,32}", number):
            raise address.wrong("number", "give up to 32 digits and letters")
    return number


async def _read_out(line: Line, reader: TelegramReader, baud: int, number: str) -> None:
    """Ask a D0 meter for one telegram, and read it."""
    data = await request_data(line, baud, number)
    try:
        while not reader.push(data):
            async with asyncio.timeout(_READOUT_S):
                data = await line.read()
    except TimeoutError:
        raise LinkError(f"{line.name}: the answer of the meter has no end") from None


KIND = FeedKind(
    about="DSMR smart meter (2 to 5, e-MUCS) at its P1 port, or D0 meter: TCP, or serial with "
    f"{requirement('serial')}",
    example="dsmr:///dev/ttyUSB0",
    open=open_dsmr,
    options={
        **ENDPOINT_OPTIONS,
        "baud": f"{ENDPOINT_OPTIONS['baud']} ({_BAUD}, or {START_BAUD} with request=d0); for DSMR "
        "2 and 3 and EasyMeter Q3D it is 9600, with mode=7E1",
        "time": "time to use: meter (read as Central European time), or arrival",
        "unit": "unit of a power that is sent without one: W or kW",
        **OBIS_OPTIONS,
        **FURTHER_OPTIONS,
        "request": "d0: ask the meter for its data (IEC 62056-21, modes A to C)",
        "number": "with request=d0: number (device address) of a meter that answers to it alone",
        "every": f"with request=d0: {POLL_OPTIONS['every']}",
    },
    stale_after_s=60.0,
)
