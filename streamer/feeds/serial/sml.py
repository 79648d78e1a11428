"""German meters (EDL21, mME) that send SML at their infrared port, decoded by pysml."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from streamer.feeds import FeedKind, Pace
from streamer.feeds.address import Address
from streamer.feeds.serial.endpoint import ENDPOINT_OPTIONS, SILENT_S, Endpoint
from streamer.feeds.serial.framing import MalformedFrame
from streamer.feeds.serial.further import (
    FURTHER_OPTIONS,
    NOTHING,
    Further,
    chosen_further,
    in_unit,
    read_further,
    registers_of,
)
from streamer.feeds.serial.obis import (
    ENERGIES,
    OBIS_OPTIONS,
    POWERS,
    Energy,
    code,
    energy_of,
    of_one_channel,
    power_kw,
    sign_of,
)
from streamer.feeds.serial.output import MeterOutput, is_counter
from streamer.feeds.serial.smlframe import FrameBuffer, check_scalers, with_x25
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import MalformedError, further_paces, measure_of, to_number

_BAUD = 9600
_CODE = re.compile(r"1-(\d+):(\d+\.\d+(?:\.[1-9]\d*)?)(?:\.0)?\*255")

PIN_ADVICE: Final = (
    "switch on its extended data set: enter the PIN from the grid operator, and set InF to on"
)
"""Advice for a meter that sends its energy in whole kWh, and nothing else."""

_SILENT = "no data yet; check baud and mode, and the place of the optical head"

_EXPORTING, _EXPORTING_FNN = 0x20, 0x800
"""Bit of the status word for the direction of the power: of EDL meters (status 0x182 and 0x1B0
of EMH's ED300L, vzlogger issue 431), and of newer ones (DZG's manual of the DVS74)."""
_FNN_MASK, _FNN_LOW_BITS = 0xFF, 0x04
"""Low bits of the newer status word, which are constant."""

FindFrame = Callable[[bytes], tuple[int, Any]]
"""pysml's ``SmlBase.find_frame``."""

Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Contents:
    """What an SML file contains.

    Attributes:
        kw: power in kW, import positive; None if there is none.
        energy: the counted energy; None if there is none.
        further: values of the further channels that are wanted.
    """

    kw: float | None
    energy: Energy | None
    further: Further = NOTHING


def open_sml(address: Address) -> AsyncFeed:
    """Make the feed of a meter that sends SML; it connects when it is read.

    Raises:
        UsageError: an option is wrong, or the address is neither a device nor a TCP port.
        MissingExtraError: the address is a device, and pyserial is not installed.
    """
    endpoint = Endpoint.of(address, extra="sml", baud=_BAUD)
    sign, counter, names = sign_of(address), is_counter(address), chosen_further(address)

    async def session(channel: Channel) -> None:
        from sml import SmlBase

        async with endpoint.connect() as line:
            output = MeterOutput(
                channel,
                line.understood,
                counter=counter,
                without_power=PIN_ADVICE,
                channels=names,
            )
            reader = SmlReader(output, SmlBase.find_frame, sign, names)
            reader.push(await line.first(SILENT_S, lambda: channel.warn(_SILENT)))
            while True:
                reader.push(await line.read())

    return AsyncFeed(address.shown, session, channels=further_paces(names, Pace()))


class SmlReader:
    """Conversion of bytes to samples.

    Args:
        output: takes what the files contain.
        find_frame: decodes one SML file.
        sign: meaning of a positive value, 1 for import and -1 for export; None if not given.
        channels: names of the further channels that are wanted.
    """

    def __init__(
        self,
        output: MeterOutput,
        find_frame: FindFrame,
        sign: float | None = None,
        channels: Sequence[str] = (),
    ) -> None:
        self._output = output
        self._find_frame = find_frame
        self._sign = sign
        self._channels = channels
        self._buffer = FrameBuffer()

    def push(self, data: bytes) -> None:
        """Read the next bytes."""
        for item in self._buffer.push(data):
            if isinstance(item, MalformedFrame):
                self._output.malformed(item.why)
                continue
            try:
                contents = parse_file(item, self._find_frame, self._sign, self._channels)
            except MalformedError as error:
                self._output.malformed(str(error))
            else:
                self._output.take(contents.kw, contents.energy, further=contents.further)


def parse_file(
    file: bytes, find_frame: FindFrame, sign: float | None = None, channels: Sequence[str] = ()
) -> Contents:
    """Decode an SML file.

    Args:
        file: the file with its escape sequences; the CRC has been checked.
        find_frame: decodes it.
        sign: meaning of a positive value, 1 for import and -1 for export; None if not given.
        channels: names of the further channels that are wanted.

    Raises:
        MalformedError: the file cannot be read, or a value is not certain.
    """
    check_scalers(file)
    file = with_x25(file)
    try:
        _, messages = find_frame(file)
        entries = _entries(messages or (), registers_of(channels))
        exporting = _is_exporting(entries)
    except MalformedError:
        raise
    except Exception as error:  # pysml raises all kinds of errors on unexpected contents
        raise MalformedError(f"an SML file that cannot be read ({type(error).__name__})") from error
    if messages is None:
        raise MalformedError("an SML file that cannot be read")
    direction = None if exporting is None else -1.0 if exporting else 1.0
    kw = power_kw(lambda name: _value(name, entries, "W"), sign, direction)
    try:
        energy = energy_of(lambda name: _value(name, entries, "Wh"), sign)
    except MalformedError:
        if kw is None:
            raise
        energy = None  # the power is valid even if the energy is not
    if not channels:
        return Contents(kw, energy)
    further = read_further(
        channels, lambda register, name: _further_value(entries.get(register), register, name)
    )
    return Contents(kw, energy, further)


def _entries(messages: Iterable[Any], further: frozenset[str]) -> Entries:
    """The entries of powers, energies and further registers with a value, by their registers."""
    wanted = POWERS | ENERGIES | further
    channels: dict[int, dict[str, Mapping[str, Any]]] = {}
    for message in messages:
        body = message["messageBody"]
        for entry in body.get("valList", ()) if isinstance(body, dict) else ():
            match = _CODE.fullmatch(str(entry.get("objName")))
            if match is not None and match[2] in wanted and "value" in entry:
                channels.setdefault(int(match[1]), {})[match[2]] = entry
    return of_one_channel(channels)


def _is_exporting(entries: Entries) -> bool | None:
    """Whether the status words report that energy is exported; None if that is uncertain."""
    energies = {name: entry.get("status") for name, entry in entries.items() if name in ENERGIES}
    ways = {
        bool(word & (_EXPORTING_FNN if word & _FNN_MASK == _FNN_LOW_BITS else _EXPORTING))
        for word in energies.values()
        if isinstance(word, int)
    }
    if ways == {False} and not any(name.startswith("1.") for name in energies):
        return None  # a meter of the feed-in alone does not import
    return ways.pop() if len(ways) == 1 else None


def _value(name: str, entries: Entries, unit: str) -> float | None:
    entry = entries.get(name)
    if entry is None:
        return None
    value = entry["value"]
    if entry.get("unit") != unit or isinstance(value, bytes | str):
        what = "a power" if unit == "W" else "an energy"
        raise MalformedError(f"{code(name)} is not {what} in {unit}")
    return to_number(value) / 1000.0


def _further_value(entry: Mapping[str, Any] | None, register: str, name: str) -> float | None:
    """Value of an entry in the unit of a channel; None without one."""
    if entry is None:
        return None
    value, unit = entry["value"], entry.get("unit")
    number = None
    if isinstance(unit, str) and not isinstance(value, bytes | str):
        number = in_unit(to_number(value), unit, name)
    if number is None:
        raise MalformedError(f"{code(register)} is not a {measure_of(name).what} in its unit")
    return number


KIND = FeedKind(
    about="German smart meter that sends SML (EDL21), serial or over TCP",
    example="sml:///dev/ttyUSB0",
    open=open_sml,
    options={
        **ENDPOINT_OPTIONS,
        "baud": f"{ENDPOINT_OPTIONS['baud']} ({_BAUD})",
        **OBIS_OPTIONS,
        **FURTHER_OPTIONS,
    },
    extra="sml",
    modules=("sml",),
    stale_after_s=60.0,
)
