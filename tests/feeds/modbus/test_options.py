"""Options of Modbus addresses."""

from __future__ import annotations

import pytest

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.modbus import KIND
from streamer.feeds.modbus.options import chosen_device, chosen_registers
from streamer.feeds.modbus.registers import Registers


def _address(options: str) -> Address:
    address = Address.parse(f"modbus://host?{options}")
    address.check_options(KIND.options)
    return address


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("", "option register is missing: give it, or preset=abb-b|"),
        ("preset=sdm999", "option preset='sdm999': give abb-b or"),
        ("preset=sdm630&register=1", "option register='1': leave it out, the preset sdm630"),
        ("preset=sdm630&unit=W", "option unit='W': leave it out, the preset sdm630"),
        ("register=1", "option unit is missing: give unit=W or unit=kW, or Wh, kWh or imp"),
        ("register=1&unit=A", "option unit='A': give W or kW"),
        ("register=65536&unit=W", "option register='65536': give a whole number from 0 to 65535"),
        ("register=x&unit=W", "option register='x'"),
        ("register=1,&unit=W", "option register='1,'"),
        ("register=1&minus=-1&unit=W", "option minus='-1'"),
        ("register=1&unit=W&type=float", "option type='float'"),
        ("register=1&unit=W&fc=6", "option fc='6': give 3 or 4"),
        ("register=1&unit=W&scale=0", "option scale='0'"),
        ("register=1&unit=imp", "option per_kwh is missing"),
        ("register=1&unit=imp&per_kwh=0", "option per_kwh='0': give a number at least 0.001"),
        ("register=1&unit=kWh&per_kwh=9", "option per_kwh='9': leave it out, or add unit=imp"),
        (
            "register=1&unit=W&type=int16&scale_register=1,2",
            "option scale_register='1,2': give one register",
        ),
        (
            "register=1&unit=W&scale_register=2",
            "option scale_register='2': add the type of the value, such as type=int16",
        ),
        ("preset=sdm630&device=256", "option device='256'"),
        ("preset=sdm630&framing=ascii", "option framing='ascii': give tcp or rtu"),
    ],
)
def test_wrong_addresses_are_usage_errors(options: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        KIND.open(_address(options))
    assert text in str(caught.value)


def test_registers_are_read_from_the_address() -> None:
    options = (
        "register=0x10,17&minus=18&type=int32&fc=3&word_order=little&scale=0.1&unit=W"
        "&scale_register=20&sign=export"
    )
    assert chosen_registers(_address(options)) == Registers(
        (16, 17), (18,), "int32", "3", little=True, scale=-0.1, scale_register=20
    )


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ("preset=sdm630", 1.0),
        ("preset=sdm630&sign=export", -1.0),
        ("preset=huawei", -1.0),
        ("preset=huawei&sign=import", 1.0),
    ],
)
def test_a_preset_has_a_sign_that_can_be_turned(options: str, scale: float) -> None:
    assert chosen_registers(_address(options)).scale == scale


@pytest.mark.parametrize(
    ("options", "device"),
    [("preset=sdm630", 1), ("preset=victron", 100), ("preset=victron&device=5", 5)],
)
def test_a_preset_has_a_device_that_can_be_replaced(options: str, device: int) -> None:
    assert chosen_device(_address(options)) == device


@pytest.mark.parametrize("url", ["modbus:?preset=sdm630", "modbus://host/x?preset=sdm630"])
def test_addresses_need_a_host_and_no_path(url: str) -> None:
    with pytest.raises(UsageError, match="write modbus://host"):
        KIND.open(Address.parse(url))


def test_the_example_can_be_opened() -> None:
    address = Address.parse(KIND.example)
    address.check_options(KIND.options)
    KIND.open(address).close()
