"""Meters with Modbus TCP, or Modbus RTU behind a serial gateway."""

from __future__ import annotations

import asyncio
import logging
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import FeedKind
from streamer.feeds.address import Address
from streamer.feeds.polling import POLL_OPTIONS, Ticker, poll_interval
from streamer.feeds.reasons import system_reason
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import POWER_OPTIONS, MalformedError, Power

if TYPE_CHECKING:
    from pymodbus.client import AsyncModbusTcpClient

_PORT = 502

TYPES = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
"""Types of values, as the format letters of `struct`."""

_PRESETS = {
    "sdm120": 0x000C,
    "sdm220": 0x000C,
    "sdm230": 0x000C,
    "sdm630": 0x0034,
    "sdm72": 0x0034,
    "sdm72-v2": 0x0034,
}
"""Address of the (total) active power in Eastron's meters: input registers, float32, W."""

_MAP = ("register", "type", "fc", "word_order", "scale", "unit")

_FUNCTIONS = {"3": "holding register", "4": "input register"}

# Modbus exceptions that another attempt would not resolve.
_REFUSALS = {1: "function", 2: "address", 3: "value"}

_FAILURES = {
    4: "the device has failed",
    5: "the device is busy",
    6: "the device is busy",
    10: "the gateway has no path to the device",
    11: "the device does not answer the gateway",
}


@dataclass(frozen=True)
class Register:
    """Place and format of the power in a meter's registers.

    Attributes:
        power: unit and sign.
        address: the first register, counted from 0 as in the protocol.
        type: the value's type.
        function: the Modbus function code, 3 or 4.
        little: whether the low word comes first.
        scale: factor for the value.
    """

    power: Power
    address: int
    type: str = "float32"
    function: str = "4"
    little: bool = False
    scale: float = 1.0

    @property
    def count(self) -> int:
        """Number of registers that the value takes."""
        return struct.calcsize(f">{TYPES[self.type]}") // 2

    def __str__(self) -> str:
        return f"{_FUNCTIONS[self.function]} 0x{self.address:04X}"

    def kw(self, words: Sequence[int]) -> float:
        """Convert the words of the registers to a power in kW; NaN if the meter sends NaN.

        Args:
            words: contents of the registers, 16 bits each.

        Raises:
            MalformedError: the registers do not hold a power.

        >>> Register(Power("W"), 0x34).kw([0x43C8, 0x0000])
        0.4
        """
        if len(words) != self.count or not all(0 <= word < 0x10000 for word in words):
            raise MalformedError(f"{self}: {len(words)} words instead of {self.count}")
        ordered = words[::-1] if self.little else words
        packed = struct.pack(f">{self.count}H", *ordered)
        (value,) = struct.unpack(f">{TYPES[self.type]}", packed)
        kw = self.power.kw(value * self.scale)
        if math.isinf(kw):
            raise MalformedError(f"{self}: {value!r} is not a power")
        return kw

    @classmethod
    def of(cls, address: Address) -> Register:
        """Read the options of an address.

        Raises:
            UsageError: an option is missing, wrong or contradicts the preset.
        """
        preset = address.choice("preset", _PRESETS)
        if preset is not None:
            for name in _MAP:
                if name in address.options:
                    raise address.wrong(name, f"leave it out, the preset {preset} sets it")
            return cls(Power.of(address, unit="W"), _PRESETS[preset])
        address.need("register", f"give it, or preset={'|'.join(_PRESETS)}")
        scale = address.number("scale", 1.0)
        if scale == 0:
            raise address.wrong("scale", "give a number other than 0")
        return cls(
            power=Power.of(address),
            address=_whole(address, "register", 0, 0, 0xFFFF),
            type=address.choice("type", TYPES, "float32"),
            function=address.choice("fc", _FUNCTIONS, "4"),
            little=address.choice("word_order", ("big", "little"), "big") == "little",
            scale=scale,
        )


def _whole(address: Address, option: str, default: int, least: int, most: int) -> int:
    text = address.text(option)
    if text is None:
        return default
    try:
        value = int(text, 0)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise address.wrong(option, f"give a whole number from {least} to {most}, or 0x…")
    return value


class _Client:
    """Connection to a meter and its polling."""

    def __init__(self, address: Address) -> None:
        if not address.host:
            raise UsageError(f"{address.shown}: the host is missing; write modbus://host")
        if address.path.strip("/"):
            raise UsageError(f"{address.shown}: a path is not allowed; write modbus://host")
        self._name = address.shown
        self._host = address.host
        self._port = address.port or _PORT
        self._register = Register.of(address)
        self._device = _whole(address, "device", 1, 0, 255)
        self._every_s = poll_interval(address)
        self._timeout_s = address.number("timeout", 3.0, least=0.1, most=60.0)
        self._framing = address.choice("framing", ("tcp", "rtu"), "tcp")

    async def session(self, channel: Channel) -> None:
        from pymodbus import FramerType
        from pymodbus.client import AsyncModbusTcpClient

        _quieten()
        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            framer=FramerType.RTU if self._framing == "rtu" else FramerType.SOCKET,
            timeout=self._timeout_s,
            retries=1,
            reconnect_delay=0,
        )
        try:
            if not await client.connect():
                raise LinkError(f"{self._name}: cannot connect: {await self._why()}")
            ticker = Ticker(self._every_s)
            await ticker.wait()
            words = await self._ask(client)
            channel.up()
            while True:
                try:
                    channel.sample(self._register.kw(words))
                except MalformedError as error:
                    channel.malformed(str(error))
                await ticker.wait()
                words = await self._ask(client)
        finally:
            client.close()

    async def _ask(self, client: AsyncModbusTcpClient) -> list[int]:
        from pymodbus.exceptions import ModbusException

        register = self._register
        read = (
            client.read_holding_registers
            if register.function == "3"
            else client.read_input_registers
        )
        try:
            answer: Any = await read(register.address, count=register.count, device_id=self._device)
        except ModbusException:
            why = "no answer" if client.connected else "the connection was closed"
            raise LinkError(f"{self._name}: device {self._device}: {why}") from None
        if answer.isError():
            raise self._refusal(answer.exception_code)
        return list(answer.registers)

    def _refusal(self, code: int) -> LinkError:
        where = f"{self._name}: device {self._device}"
        if code in _REFUSALS:
            return RefusedError(
                f"{where}: {self._register} does not exist (illegal {_REFUSALS[code]}); "
                "check register, type, fc and device, or the preset"
            )
        return LinkError(f"{where}: {_FAILURES.get(code, f'exception {code}')}")

    async def _why(self) -> str:
        """Reason why there is no connection, which pymodbus does not report."""
        try:
            _, writer = await asyncio.wait_for(
                asyncio.open_connection(self._host, self._port), self._timeout_s
            )
        except TimeoutError:
            return f"no answer within {self._timeout_s:g} s"
        except OSError as error:
            return system_reason(error)
        writer.close()
        return "the first attempt was refused"


def _quieten() -> None:
    # Without a handler, its warnings would be printed on the terminal.
    logger = logging.getLogger("pymodbus")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _open(address: Address) -> AsyncFeed:
    return AsyncFeed(address.shown, _Client(address).session)


KIND = FeedKind(
    about="Modbus TCP: Eastron SDM meters, or any register",
    example="modbus://192.168.1.30?preset=sdm630&device=1",
    open=_open,
    options={
        "preset": f"a known meter: {', '.join(_PRESETS)}",
        "device": "the meter's Modbus address (unit id), 0 to 255; 1 if not given",
        "register": "address of the power, counted from 0: 0x0034 or 52, which manuals call 30053",
        "type": f"type of the value: {', '.join(TYPES)}; float32 if not given",
        "fc": "function code: 4 (input register, the default) or 3 (holding register)",
        "word_order": "big (the default) or little: which word of a longer value comes first",
        "scale": "factor for the value",
        "framing": "tcp (the default), or rtu for a gateway that forwards serial bytes",
        "timeout": "seconds to wait for an answer, 0.1 to 60; 3 if not given",
        **POWER_OPTIONS,
        **POLL_OPTIONS,
    },
    extra="modbus",
    modules=("pymodbus",),
)
