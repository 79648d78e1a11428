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
    """

    registers: Registers
    sign: str = "import"
    device: int = 1


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
    "growatt": Preset(Registers((1021,), (1029,), type="uint32", scale=0.1)),
    "huawei": Preset(Registers((37113,), type="int32", function="3"), "export"),
    "iem3000": Preset(Registers((0x0BF3,), function="3", per_kw=1.0)),
    "janitza": Preset(Registers((0x4A52,), function="3")),
    "pac2200": Preset(Registers((65,))),
    "sdm120": _EASTRON_1P,
    "sdm220": _EASTRON_1P,
    "sdm230": _EASTRON_1P,
    "sdm630": _EASTRON_3P,
    "sdm72": _EASTRON_3P,
    "sdm72-v2": _EASTRON_3P,
    "sma": Preset(Registers((30865,), (30867,), type="int32"), device=3),
    # The first meter of a SolarEdge inverter: model 203 at 40188.
    "solaredge": Preset(
        Registers((40206,), type="int16", function="3", scale_register=40210), "export"
    ),
    "sungrow": Preset(Registers((13009,), type="int32", little=True), "export"),
    "victron": Preset(Registers((820, 821, 822), type="int16"), device=100),
}
"""Meters and inverters by the name of the preset; all values are in W unless scaled."""
