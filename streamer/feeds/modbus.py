"""Meters that speak Modbus TCP, or Modbus RTU through a serial gateway."""

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
from streamer.feeds.beat import BEAT_OPTIONS, Beat, interval
from streamer.feeds.reasons import system_reason
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import POWER_OPTIONS, Power, ValueProblem

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
"""Types of values, as the letters of `struct`."""

_PRESETS = {
    "sdm120": 0x000C,
    "sdm220": 0x000C,
    "sdm230": 0x000C,
    "sdm630": 0x0034,
    "sdm72": 0x0034,
    "sdm72-v2": 0x0034,
}
"""Where Eastron's meters have their (total) active power: input registers, float32, W."""

_MAP = ("register", "type", "fc", "word_order", "scale", "unit")

_FUNCTIONS = {"3": "holding register", "4": "input register"}

# Of Modbus's exceptions those which another try would not mend.
_REFUSALS = {1: "function", 2: "address", 3: "value"}

_FAILURES = {
    4: "it has failed",
    5: "it is busy",
    6: "it is busy",
    10: "the gateway has no way to it",
    11: "it does not answer the gateway",
}


@dataclass(frozen=True)
class Register:
    """Where a meter has its power, and how it is written there.

    Attributes:
        power: unit and sign.
        address: the first register, counted from 0, as it is sent.
        type: the value's type.
        function: Modbus's function code, 3 or 4.
        little: whether the low word stands first.
        scale: what the value is to be multiplied with.
    """

    power: Power
    address: int
    type: str = "float32"
    function: str = "4"
    little: bool = False
    scale: float = 1.0

    @property
    def count(self) -> int:
        """How many registers it takes."""
        return struct.calcsize(f">{TYPES[self.type]}") // 2

    def __str__(self) -> str:
        return f"{_FUNCTIONS[self.function]} 0x{self.address:04X}"

    def kw(self, words: Sequence[int]) -> float:
        """The power in kW, NaN where the meter says so.

        Args:
            words: what the registers hold, 16 bits each.

        Raises:
            ValueProblem: they hold no power.

        >>> Register(Power("W"), 0x34).kw([0x43C8, 0x0000])
        0.4
        """
        if len(words) != self.count or not all(0 <= word < 0x10000 for word in words):
            raise ValueProblem(f"{self}: {len(words)} words in place of {self.count}")
        ordered = words[::-1] if self.little else words
        packed = struct.pack(f">{self.count}H", *ordered)
        (value,) = struct.unpack(f">{TYPES[self.type]}", packed)
        kw = self.power.kw(value * self.scale)
        if math.isinf(kw):
            raise ValueProblem(f"{self}: {value!r} is not a power")
        return kw

    @classmethod
    def of(cls, address: Address) -> Register:
        """What an address's options say.

        Raises:
            UsageError: they say too little, too much, or something wrong.
        """
        preset = address.choice("preset", _PRESETS)
        if preset is not None:
            for name in _MAP:
                if name in address.options:
                    raise address.wrong(name, f"leave it out, the preset {preset} says it")
            return cls(Power.of(address, unit="W"), _PRESETS[preset])
        address.need("register", f"give it, or preset={'|'.join(_PRESETS)}")
        scale = address.number("scale", 1.0)
        if scale == 0:
            raise address.wrong("scale", "give another number than 0")
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


class _Modbus:
    """The work of the feed."""

    def __init__(self, address: Address) -> None:
        if not address.host:
            raise UsageError(f"{address.shown}: it has no host; write modbus://host")
        if address.path.strip("/"):
            raise UsageError(f"{address.shown}: it takes no path; write modbus://host")
        self._name = address.shown
        self._host = address.host
        self._port = address.port or _PORT
        self._register = Register.of(address)
        self._device = _whole(address, "device", 1, 0, 255)
        self._every_s = interval(address)
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
            beat = Beat(self._every_s)
            await beat.wait()
            words = await self._ask(client)
            channel.up()
            while True:
                try:
                    channel.sample(self._register.kw(words))
                except ValueProblem as problem:
                    channel.malformed(str(problem))
                await beat.wait()
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
            why = "no answer" if client.connected else "it closed the connection"
            raise LinkError(f"{self._name}: device {self._device}: {why}") from None
        if answer.isError():
            raise self._refusal(answer.exception_code)
        return list(answer.registers)

    def _refusal(self, code: int) -> LinkError:
        where = f"{self._name}: device {self._device}"
        if code in _REFUSALS:
            return RefusedError(
                f"{where}: it has no {self._register} (illegal {_REFUSALS[code]}); "
                "check register, type, fc and device, or the preset"
            )
        return LinkError(f"{where}: {_FAILURES.get(code, f'exception {code}')}")

    async def _why(self) -> str:
        """Why there is no connection; pymodbus does not say."""
        try:
            _, writer = await asyncio.wait_for(
                asyncio.open_connection(self._host, self._port), self._timeout_s
            )
        except TimeoutError:
            return f"no answer within {self._timeout_s:g} s"
        except OSError as error:
            return system_reason(error)
        writer.close()
        return "it did not let us in at first"


def _quieten() -> None:
    # With no handler at all, its warnings would go to the terminal.
    logger = logging.getLogger("pymodbus")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _open(address: Address) -> AsyncFeed:
    return AsyncFeed(address.shown, _Modbus(address).session)


KIND = FeedKind(
    about="Modbus TCP: Eastron SDM meters, or any register",
    example="modbus://192.168.1.30?preset=sdm630&device=1",
    open=_open,
    options={
        "preset": f"a meter that is known: {', '.join(_PRESETS)}",
        "device": "the meter's Modbus address (unit id), 0 to 255; 1 if not given",
        "register": "where the power is, counted from 0: 0x0034 or 52, where manuals say 30053",
        "type": f"how it is written: {', '.join(TYPES)}; float32 if not given",
        "fc": "function code: 4 (input register, the default) or 3 (holding register)",
        "word_order": "big (the default) or little, which word of a longer value is first",
        "scale": "what the value is to be multiplied with",
        "framing": "tcp (the default), or rtu for a gateway that passes serial bytes on",
        "timeout": "seconds to wait for an answer, 0.1 to 60; 3 if not given",
        **POWER_OPTIONS,
        **BEAT_OPTIONS,
    },
    extra="modbus",
    modules=("pymodbus",),
)
