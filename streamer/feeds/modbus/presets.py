"""Known Modbus meters and inverters: where they keep the power of the house, and what is beside it.

The registers come from the templates of evcc and the drivers of mbmd (volkszaehler.org), which
name the makers' manuals. A sign of export means that the register counts feed-in as positive.
"""

from __future__ import annotations

from collections.abc import Mapping
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
        channels: places of further channels, as far as they are known.
    """

    registers: Registers
    sign: str = "import"
    device: int = 1
    solar: Registers | None = None
    battery: Registers | None = None
    channels: Mapping[str, Registers] = {}


_EASTRON_LIVE = {
    "voltage": Registers((0x0000,), per_kw=1.0),
    "current": Registers((0x0006,), per_kw=1.0),
}
_EASTRON_1P = Preset(
    Registers((0x000C,)), channels={**_EASTRON_LIVE, "reactive": Registers((0x0018,))}
)
_EASTRON_3P = Preset(
    Registers((0x0034,)),
    channels={
        "voltage": Registers((0x0000, 0x0002, 0x0004), per_kw=1.0),
        "current": Registers((0x0006, 0x0008, 0x000A), per_kw=1.0),
        "reactive": Registers((0x003C,)),
    },
)
_GAVAZZI = Preset(
    Registers((0x0028,), type="int32", little=True, scale=0.1),
    channels={
        "voltage": Registers(
            (0x0000, 0x0002, 0x0004), type="int32", little=True, scale=0.1, per_kw=1.0
        ),
        "current": Registers((0x000C, 0x000E, 0x0010), type="int32", little=True),  # in mA
    },
)

PRESETS: Final = {
    "abb-b": Preset(
        Registers((0x5B14,), type="int32", function="3", scale=0.01),
        channels={
            "voltage": Registers(
                (0x5B00, 0x5B02, 0x5B04), type="uint32", function="3", scale=0.1, per_kw=1.0
            ),
            "current": Registers(
                (0x5B0C, 0x5B0E, 0x5B10), type="uint32", function="3", scale=0.01, per_kw=1.0
            ),
        },
    ),
    "dtsu666": Preset(
        Registers((0x2012,), function="3", scale=0.1),
        channels={
            "voltage": Registers((0x2000, 0x2002, 0x2004), function="3", scale=0.1, per_kw=1.0),
            "current": Registers((0x200C, 0x200E, 0x2010), function="3"),  # in mA
            "reactive": Registers((0x201A,), function="3", scale=0.1),
        },
    ),
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
    "iem3000": Preset(
        Registers((0x0BF3,), function="3", per_kw=1.0),
        channels={
            "voltage": Registers((0x0BD3, 0x0BD5, 0x0BD7), function="3", per_kw=1.0),
            "current": Registers((0x0BB7, 0x0BB9, 0x0BBB), function="3", per_kw=1.0),
        },
    ),
    "janitza": Preset(
        Registers((0x4A52,), function="3"),
        channels={
            "voltage": Registers((0x4A38, 0x4A3A, 0x4A3C), function="3", per_kw=1.0),
            "current": Registers((0x4A44, 0x4A46, 0x4A48), function="3", per_kw=1.0),
        },
    ),
    "pac2200": Preset(Registers((65,))),
    "sdm120": _EASTRON_1P,
    "sdm220": _EASTRON_1P._replace(channels=_EASTRON_LIVE),
    "sdm230": _EASTRON_1P,
    "sdm630": _EASTRON_3P,
    "sdm72": _EASTRON_3P._replace(channels={}),
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
"""Meters and inverters by the name of the preset.

All powers are in W, and reactive powers in var, unless scaled.
"""
