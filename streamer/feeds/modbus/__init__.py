"""Meters with Modbus TCP, or Modbus RTU behind a serial gateway."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING, Any

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import FeedKind, Pace
from streamer.feeds.address import Address
from streamer.feeds.modbus.options import (
    MAP_OPTIONS,
    SIDE_OPTIONS,
    Side,
    chosen_device,
    chosen_registers,
    chosen_sides,
)
from streamer.feeds.modbus.registers import FUNCTIONS, Block
from streamer.feeds.polling import POLL_OPTIONS, Ticker, poll_interval
from streamer.feeds.reasons import system_reason
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import MalformedError
from streamer.readings import CHANNELS

if TYPE_CHECKING:
    from pymodbus.client import AsyncModbusTcpClient

_PORT = 502

# Modbus exceptions that another attempt would not resolve.
_REFUSALS = {1: "function", 2: "address", 3: "value"}

_ASK_AGAIN_S = 60.0

_FAILURES = {
    4: "the device has failed",
    5: "the device is busy",
    6: "the device is busy",
    10: "the gateway has no path to the device",
    11: "the device does not answer the gateway",
}


class _Part:
    """What is read in each round, in one or several requests."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.blocks = side.registers.blocks()
        self.again_s = -math.inf


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
        self._grid = _Part(Side("", chosen_registers(address), chosen_device(address)))
        self._sides = [_Part(side) for side in chosen_sides(address)]
        self.every_s = poll_interval(address)
        self._timeout_s = address.number("timeout", 3.0, least=0.1, most=60.0)
        self._framing = address.choice("framing", ("tcp", "rtu"), "tcp")

    @property
    def channels(self) -> dict[str, Pace]:
        """The channels beside the grid power, each with its pace."""
        return {part.side.name: Pace(self.every_s) for part in self._sides}

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
            ticker = Ticker(self.every_s)
            await ticker.wait()
            words = await self._ask(client, self._grid)
            channel.up()
            while True:
                self._give(channel, self._grid, words)
                for part in self._sides:
                    self._give(channel, part, await self._ask_side(client, part))
                await ticker.wait()
                words = await self._ask(client, self._grid)
        finally:
            client.close()

    def _give(self, channel: Channel, part: _Part, words: dict[int, int] | None) -> None:
        name, registers = part.side.name, part.side.registers
        try:
            value = math.nan if words is None else registers.value(words)
        except MalformedError as error:
            channel.malformed(str(error))
            return
        if registers.is_energy:
            channel.counter(value, net=bool(registers.minus))
        else:
            channel.sample(value, channel=name)

    async def _ask_side(self, client: AsyncModbusTcpClient, part: _Part) -> dict[int, int] | None:
        """Read a channel beside the grid power; None if its device does not answer, as at night.

        It is then asked again after a while only, since each attempt takes time.
        """
        now = asyncio.get_running_loop().time
        if now() < part.again_s:
            return None
        try:
            return await self._ask(client, part)
        except RefusedError:
            raise
        except LinkError:
            if part.side.device == self._grid.side.device or not client.connected:
                raise
            part.again_s = now() + _ASK_AGAIN_S
            return None

    async def _ask(self, client: AsyncModbusTcpClient, part: _Part) -> dict[int, int]:
        """Read the registers of a part, and return their contents by their addresses."""
        while True:
            words: dict[int, int] = {}
            for block in part.blocks:
                answer = await self._read(client, part.side, block)
                if answer.isError():
                    break
                words.update(enumerate(answer.registers, block.address))
            else:
                return words
            exact = part.side.registers.blocks(max_gap=0)
            if answer.exception_code not in _REFUSALS or part.blocks == exact:
                raise self._refusal(part.side, block, answer.exception_code)
            part.blocks = exact  # the meter may have no registers between ours

    async def _read(self, client: AsyncModbusTcpClient, side: Side, block: Block) -> Any:
        from pymodbus.exceptions import ModbusException

        read = (
            client.read_holding_registers
            if side.registers.function == "3"
            else client.read_input_registers
        )
        try:
            return await read(block.address, count=block.size, device_id=side.device)
        except ModbusException:
            why = "no answer" if client.connected else "the connection was closed"
            raise LinkError(f"{self._name}: device {side.device}: {why}") from None

    def _refusal(self, side: Side, block: Block, code: int) -> LinkError:
        where = f"{self._name}: device {side.device}"
        if code in _REFUSALS:
            what = f"{FUNCTIONS[side.registers.function]} 0x{block.address:04X}"
            option = "register"
            if side.name:
                option = side.name if side.name in CHANNELS else f"{side.name} in channels"
            return RefusedError(
                f"{where}: {what} does not exist (illegal {_REFUSALS[code]}); "
                f"check {option}, type, fc and device, or the preset"
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
    client = _Client(address)
    pace = Pace(client.every_s)
    return AsyncFeed(address.shown, client.session, pace=pace, channels=client.channels)


KIND = FeedKind(
    about="Modbus TCP: known meters and inverters, or any registers",
    example="modbus://192.168.1.30?preset=sdm630&device=1",
    open=_open,
    options={
        **MAP_OPTIONS,
        **SIDE_OPTIONS,
        "framing": "tcp (the default), or rtu for a gateway that forwards serial bytes",
        "timeout": "seconds to wait for an answer, 0.1 to 60; 3 if not given",
        **POLL_OPTIONS,
    },
    extra="modbus",
    modules=("pymodbus",),
)
