"""Known Modbus meters and inverters: where they keep the power of the house.

The registers come from the templates of evcc and the drivers of mbmd (volkszaehler.org), which
name the makers' manuals. A sign of export means that the register counts feed-in as positive.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from streamer.feeds.modbus.registers import Registers


class Preset(NamedTuple):
    """A kind of meter.

    Attributes:
        registers: place of the power.
        sign: meaning of a positive value.
        device: its usual Modbus address (unit id).
        solar: place of the solar power, positive while the panels produce, if it is known.
        battery: place of the battery's power, positive while it is charged, if it is known.
    """

    registers: Registers
    sign: str = "import"
    device: int = 1
    solar: Registers | None = None
    battery: Registers | None = None


_EASTRON_1P = Preset(Registers((0x000C,)))
_EASTRON_3P = Preset(Registers((0x0034,)))
_GAVAZZI = Preset(Registers((0x0028,), type="int32", little=True, scale=0.1))

PRESETS: Final = {
    "abb-b": Preset(Registers((0x5B14,), type="int32", function="3", scale=0.01)),
    "dtsu666": Preset(Registers((0x2012,), function="3", scale=0.1)),
    "em24": _GAVAZZI,
    "em340": _GAVAZZI,
    "et340": _GAVAZZI,
    # The meter at a SunSpec inverter: model 213 begins at 40069, and its power 28 registers later.
    "fronius": Preset(Registers((40097,), function="3"), device=200),
    # Model 203: 18 registers later, and its scale factor 22.
    "fronius-int": Preset(
        Registers((40087,), type="int16", function="3", scale_register=40091), device=200
    ),
    "goodwe": Preset(Registers((36025,), type="int32", function="3"), "export", 247),
    "growatt": Preset(
        Registers((1021,), (1029,), type="uint32", scale=0.1),
        solar=Registers((1,), type="uint32", scale=0.1),
        battery=Registers((1011,), (1009,), type="uint32", scale=0.1),
    ),
    "huawei": Preset(
        Registers((37113,), type="int32", function="3"),
        "export",
        solar=Registers((32064,), type="int32", function="3"),
        battery=Registers((37765,), type="int32", function="3"),
    ),
    "iem3000": Preset(Registers((0x0BF3,), function="3", per_kw=1.0)),
    "janitza": Preset(Registers((0x4A52,), function="3")),
    "pac2200": Preset(Registers((65,))),
    "sdm120": _EASTRON_1P,
    "sdm220": _EASTRON_1P,
    "sdm230": _EASTRON_1P,
    "sdm630": _EASTRON_3P,
    "sdm72": _EASTRON_3P,
    "sdm72-v2": _EASTRON_3P,
    "sma": Preset(
        Registers((30865,), (30867,), type="int32"),
        device=3,
        solar=Registers((30773, 30961, 30967), type="int32", function="3"),
        battery=Registers((31393,), (31395,), type="uint32"),
    ),
    # The first meter of a SolarEdge inverter: model 203 at 40188.
    "solaredge": Preset(
        Registers((40206,), type="int16", function="3", scale_register=40210), "export"
    ),
    "sungrow": Preset(
        Registers((13009,), type="int32", little=True),
        "export",
        solar=Registers((5016,), type="uint32", little=True),
    ),
    # Panels at the output, at the input and at the battery.
    "victron": Preset(
        Registers((820, 821, 822), type="int16"),
        device=100,
        solar=Registers((808, 809, 810, 811, 812, 813, 850), type="uint16"),
        battery=Registers((842,), type="int16"),
    ),
}
"""Meters and inverters by the name of the preset; all values are in W unless scaled."""
