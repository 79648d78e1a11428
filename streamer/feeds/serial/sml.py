"""German meters (EDL21, mME) that send SML at their infrared port, by way of pysml."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from streamer.feeds import FeedKind
from streamer.feeds.address import Address
from streamer.feeds.serial.framing import Broken
from streamer.feeds.serial.smlframe import FrameBuffer, check_scalers
from streamer.feeds.serial.wire import WIRE_OPTIONS, Wire
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import ValueProblem, to_number

_BAUD = 9600
_SUM, _IMPORT, _EXPORT = "1-0:16.7.0*255", "1-0:1.7.0*255", "1-0:2.7.0*255"
_PATIENCE: Final = 5
"""So many files without power in a row, and it is not by chance."""

FindFrame = Callable[[bytes], tuple[int, Any]]
"""pysml's ``SmlBase.find_frame``."""


def open_sml(address: Address) -> AsyncFeed:
    """Make the feed of a meter that sends SML; it connects when it is read.

    Raises:
        UsageError: an option is wrong, or it is neither a device nor a TCP port.
        MissingExtraError: it is a device, and pyserial is not installed.
    """
    wire = Wire.of(address, extra="sml", baud=_BAUD)

    async def session(channel: Channel) -> None:
        from sml import SmlBase

        async with wire.connect() as read:
            channel.up()
            reader = SmlReader(channel, SmlBase.find_frame)
            while True:
                reader.push(await read())

    return AsyncFeed(address.shown, session)


class SmlReader:
    """Bytes in, samples out.

    Args:
        channel: where they go.
        find_frame: reads one SML file.
    """

    def __init__(self, channel: Channel, find_frame: FindFrame) -> None:
        self._channel = channel
        self._find_frame = find_frame
        self._buffer = FrameBuffer()
        self._powerless = 0

    def push(self, data: bytes) -> None:
        """Read on."""
        for item in self._buffer.push(data):
            if isinstance(item, Broken):
                self._channel.malformed(item.why)
                continue
            try:
                kw = power_kw(item, self._find_frame)
            except ValueProblem as problem:
                self._channel.malformed(str(problem))
            else:
                self._give(kw)

    def _give(self, kw: float | None) -> None:
        if kw is not None:
            self._powerless = 0
            self._channel.sample(kw)
            return
        self._powerless += 1
        if self._powerless == _PATIENCE:
            self._channel.warn(
                "the meter tells no power (1-0:16.7.0); switch on its extended data set: "
                "enter the PIN that the grid company gives, and set InF to on"
            )


def power_kw(file: bytes, find_frame: FindFrame) -> float | None:
    """The power in kW that an SML file tells, import positive; None if it tells none.

    Args:
        file: with its escape sequences; the CRC has been checked.
        find_frame: reads it.

    Raises:
        ValueProblem: it cannot be read; says why.
    """
    check_scalers(file)
    try:
        _, messages = find_frame(file)
        powers = {name: entry for name, entry in _entries(messages or ()) if "value" in entry}
    except Exception as error:  # pysml raises whatever comes of odd contents
        raise ValueProblem(f"an SML file that cannot be read ({type(error).__name__})") from error
    if messages is None:
        raise ValueProblem("an SML file that cannot be read")
    if _SUM in powers:
        return _kw(_SUM, powers)
    if _IMPORT in powers:
        return _kw(_IMPORT, powers) - (_kw(_EXPORT, powers) if _EXPORT in powers else 0.0)
    return None


def _entries(messages: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries that tell power, and their names."""
    for message in messages:
        body = message["messageBody"]
        for entry in body.get("valList", ()) if isinstance(body, dict) else ():
            name = entry.get("objName")
            if isinstance(name, str) and name in (_SUM, _IMPORT, _EXPORT):
                yield name, entry


def _kw(name: str, powers: dict[str, dict[str, Any]]) -> float:
    entry = powers[name]
    unit, value = entry.get("unit"), entry["value"]
    if unit != "W" or isinstance(value, bytes | str):
        raise ValueProblem(f"{name} is no power in W")
    return to_number(value) / 1000.0


KIND = FeedKind(
    about="German smart meter that sends SML (EDL21), serial or over TCP",
    example="sml:///dev/ttyUSB0",
    open=open_sml,
    options={**WIRE_OPTIONS, "baud": f"{WIRE_OPTIONS['baud']} ({_BAUD})"},
    extra="sml",
    modules=("sml",),
    stale_after_s=60.0,
)
