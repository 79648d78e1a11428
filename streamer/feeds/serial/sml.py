"""German meters (EDL21, mME) that send SML at their infrared port, decoded by pysml."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from streamer.feeds import FeedKind
from streamer.feeds.address import Address
from streamer.feeds.serial.endpoint import ENDPOINT_OPTIONS, Endpoint
from streamer.feeds.serial.framing import MalformedFrame
from streamer.feeds.serial.smlframe import FrameBuffer, check_scalers
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import MalformedError, to_number

_BAUD = 9600
_SUM, _IMPORT, _EXPORT = "1-0:16.7.0*255", "1-0:1.7.0*255", "1-0:2.7.0*255"
_MAX_POWERLESS: Final = 5
"""After so many files without a power in a row, the meter is taken not to send any."""

FindFrame = Callable[[bytes], tuple[int, Any]]
"""pysml's ``SmlBase.find_frame``."""


def open_sml(address: Address) -> AsyncFeed:
    """Make the feed of a meter that sends SML; it connects when it is read.

    Raises:
        UsageError: an option is wrong, or the address is neither a device nor a TCP port.
        MissingExtraError: the address is a device, and pyserial is not installed.
    """
    endpoint = Endpoint.of(address, extra="sml", baud=_BAUD)

    async def session(channel: Channel) -> None:
        from sml import SmlBase

        async with endpoint.connect() as read:
            channel.up()
            reader = SmlReader(channel, SmlBase.find_frame)
            while True:
                reader.push(await read())

    return AsyncFeed(address.shown, session)


class SmlReader:
    """Conversion of bytes to samples.

    Args:
        channel: takes the samples.
        find_frame: decodes one SML file.
    """

    def __init__(self, channel: Channel, find_frame: FindFrame) -> None:
        self._channel = channel
        self._find_frame = find_frame
        self._buffer = FrameBuffer()
        self._powerless = 0

    def push(self, data: bytes) -> None:
        """Read the next bytes."""
        for item in self._buffer.push(data):
            if isinstance(item, MalformedFrame):
                self._channel.malformed(item.why)
                continue
            try:
                kw = power_kw(item, self._find_frame)
            except MalformedError as error:
                self._channel.malformed(str(error))
            else:
                self._give(kw)

    def _give(self, kw: float | None) -> None:
        if kw is not None:
            self._powerless = 0
            self._channel.sample(kw)
            return
        self._powerless += 1
        if self._powerless == _MAX_POWERLESS:
            self._channel.warn(
                "the meter does not send its power (1-0:16.7.0); switch on its extended data "
                "set: enter the PIN from the grid operator, and set InF to on"
            )


def power_kw(file: bytes, find_frame: FindFrame) -> float | None:
    """Power in kW in an SML file, import positive; None if the file has none.

    Args:
        file: the file with its escape sequences; the CRC has been checked.
        find_frame: decodes it.

    Raises:
        MalformedError: the file cannot be read.
    """
    check_scalers(file)
    try:
        _, messages = find_frame(file)
        powers = {name: entry for name, entry in _entries(messages or ()) if "value" in entry}
    except Exception as error:  # pysml raises all kinds of errors on unexpected contents
        raise MalformedError(f"an SML file that cannot be read ({type(error).__name__})") from error
    if messages is None:
        raise MalformedError("an SML file that cannot be read")
    if _SUM in powers:
        return _kw(_SUM, powers)
    if _IMPORT in powers:
        return _kw(_IMPORT, powers) - (_kw(_EXPORT, powers) if _EXPORT in powers else 0.0)
    return None


def _entries(messages: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries that hold a power, and their names."""
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
        raise MalformedError(f"{name} is not a power in W")

    return to_number(value) / 1000.0


KIND = FeedKind(
    about="German smart meter that sends SML (EDL21), serial or over TCP",
    example="sml:///dev/ttyUSB0",
    open=open_sml,
    options={**ENDPOINT_OPTIONS, "baud": f"{ENDPOINT_OPTIONS['baud']} ({_BAUD})"},
    extra="sml",
    modules=("sml",),
    stale_after_s=60.0,
)
