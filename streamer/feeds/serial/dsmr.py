"""DSMR meters of the Netherlands, Belgium, Luxembourg, Sweden and others, at their P1 port.

Framing and CRC are our own: dsmr-parser, the library there is, reads one and the same line
of a telegram, and would bring dlms-cosem, cryptography, serialx and others with it.
"""

from __future__ import annotations

from streamer.errors import requirement
from streamer.feeds import FeedKind
from streamer.feeds.address import Address
from streamer.feeds.serial.framing import Broken
from streamer.feeds.serial.p1 import TelegramBuffer
from streamer.feeds.serial.wire import WIRE_OPTIONS, Wire
from streamer.feeds.session import AsyncFeed, Channel

_BAUD = 115200


def open_dsmr(address: Address) -> AsyncFeed:
    """Make the feed of a P1 port; it connects when it is read.

    Raises:
        UsageError: an option is wrong, or it is neither a device nor a TCP port.
        MissingExtraError: it is a device, and pyserial is not installed.
    """
    wire = Wire.of(address, extra="serial", baud=_BAUD)
    by_meter = address.choice("time", ("meter", "arrival"), "meter") == "meter"

    async def session(channel: Channel) -> None:
        async with wire.connect() as read:
            channel.up()
            buffer = TelegramBuffer()
            while True:
                for item in buffer.push(await read()):
                    if isinstance(item, Broken):
                        channel.malformed(item.why)
                    else:
                        channel.sample(item.kw, item.at if by_meter else None)

    return AsyncFeed(address.shown, session)


KIND = FeedKind(
    about="DSMR smart meter (2 to 5, e-MUCS) at its P1 port: TCP, or serial with "
    f"{requirement('serial')}",
    example="dsmr:///dev/ttyUSB0",
    open=open_dsmr,
    options={
        **WIRE_OPTIONS,
        "baud": f"{WIRE_OPTIONS['baud']} ({_BAUD}); of DSMR 2 and 3 it is 9600, with mode=7E1",
        "time": "whose time counts: meter (taken for Central European time), or arrival",
    },
    stale_after_s=60.0,
)
