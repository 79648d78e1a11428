"""Options of a Modbus address: a preset, or registers with their format."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from streamer.feeds.address import Address
from streamer.feeds.modbus.presets import PRESETS
from streamer.feeds.modbus.registers import (
    ENERGY_UNITS,
    FUNCTIONS,
    POWER_UNITS,
    TYPES,
    Registers,
)
from streamer.feeds.values import (
    FROM_PRESET,
    SIGNS,
    channel_options,
    channel_quantity,
    channel_sign,
    chosen_channels,
    further_options,
    further_places,
    further_quantity,
    measure_of,
    no_place,
)

MAP_OPTIONS: Final = {
    "preset": f"a known meter: {', '.join(PRESETS)}",
    "device": "the meter's Modbus address (unit id), 0 to 255; 1 or the preset's if not given",
    "register": "address of the power, counted from 0: 0x0034 or 52, which manuals call 30053; "
    "several, as in 2600,2601,2602, are added",
    "minus": "address of a power that is subtracted, or several",
    "type": f"type of the values: {', '.join(TYPES)}; float32 if not given",
    "fc": "function code: 4 (input register, the default) or 3 (holding register)",
    "word_order": "big (the default) or little: which word of a longer value comes first",
    "scale": "factor for the value",
    "scale_register": "address of a SunSpec scale factor, an exponent of ten (int16)",
    "unit": "unit of the power: W, kW, mW or MW; or of an energy, whose mean power is taken: "
    "Wh, kWh, MWh or imp (pulses)",
    "per_kwh": "with unit=imp: pulses per kWh",
    "sign": "what a positive value means: import (the default, except for some presets) or export",
}
"""The options that `chosen_registers` and `chosen_device` read."""

SIDE_OPTIONS: Final = {
    **channel_options(
        "address of {}, several are added; yes if the preset knows it",
        {
            "minus": "address of a power to subtract from {}, or several",
            "device": "Modbus address of another device behind the same gateway that has {}",
            "type": "type of {}; type if not given",
            "fc": "function code for {}; fc if not given",
            "word_order": "word_order of {}; word_order if not given",
            "scale_register": "address of the SunSpec scale factor of {}",
        },
    ),
    **further_options(
        "address of its register, of the format of the power, or address@device",
        is_known="a name alone if the preset knows it",
    ),
}
"""The options that `chosen_sides` reads."""

_SET_BY_PRESET: Final = tuple(
    name for name in MAP_OPTIONS if name not in ("preset", "device", "sign")
)
_IMPULSE = "imp"
_UNITS: Final = (*POWER_UNITS, *ENERGY_UNITS, _IMPULSE)


class Side(NamedTuple):
    """Place of a channel beside the grid power.

    Attributes:
        name: its name.
        registers: its registers; the sign is in their scale.
        device: Modbus address (unit id) of the device that has them.
    """

    name: str
    registers: Registers
    device: int


def chosen_registers(address: Address) -> Registers:
    """Read the registers of an address, or those of its preset; the sign is in their scale.

    Raises:
        UsageError: an option is missing, wrong or contradicts the preset.
    """
    preset = address.choice("preset", PRESETS)
    if preset is not None:
        for name in _SET_BY_PRESET:
            if name in address.options:
                raise address.wrong(name, f"leave it out, the preset {preset} sets it")
        known = PRESETS[preset]
        sign = SIGNS[address.choice("sign", SIGNS, known.sign)]
        return known.registers.scaled(sign)
    address.need("register", f"give it, or preset={'|'.join(PRESETS)}")
    scale = address.number("scale", 1.0)
    if scale == 0:
        raise address.wrong("scale", "give a number other than 0")
    per_kw, is_energy = _unit(address)
    exponent = _addresses(address, "scale_register")
    if len(exponent) > 1:
        raise address.wrong("scale_register", "give one register")
    kind = address.choice("type", TYPES, "float32")
    if exponent and kind.startswith("float"):
        raise address.wrong("scale_register", "add the type of the value, such as type=int16")
    return Registers(
        plus=_addresses(address, "register"),
        minus=_addresses(address, "minus"),
        type=kind,
        function=address.choice("fc", FUNCTIONS, "4"),
        little=address.choice("word_order", ("big", "little"), "big") == "little",
        scale=scale * SIGNS[address.choice("sign", SIGNS, "import")],
        scale_register=exponent[0] if exponent else None,
        per_kw=per_kw,
        is_energy=is_energy,
    )


def chosen_device(address: Address) -> int:
    """Read the Modbus address (unit id) of the meter.

    Raises:
        UsageError: the option is not a whole number from 0 to 255.
    """
    preset = address.choice("preset", PRESETS)
    text = address.text("device")
    if text is None:
        return 1 if preset is None else PRESETS[preset].device
    return _whole(address, "device", text, 255)


def chosen_sides(address: Address) -> list[Side]:
    """Read the places of the other channels; their format is that of the grid power.

    Raises:
        UsageError: an option is missing or wrong.
    """
    sides = [_side(address, name) for name in chosen_channels(address)]
    further = further_places(address)
    return [*sides, *(_further(address, name, places) for name, places in further.items())]


def _side(address: Address, name: str) -> Side:
    text = address.text(f"{name}_device")
    own = chosen_device(address)
    device = own if text is None else _whole(address, f"{name}_device", text, 255)
    if address.text(name) == FROM_PRESET:
        preset = address.choice("preset", PRESETS)
        known = None if preset is None else PRESETS[preset]
        registers = known and {"solar": known.solar, "battery": known.battery}[name]
        if registers is None:
            raise address.wrong(name, "no preset knows it; give its register")
        return Side(name, registers.scaled(SIGNS[channel_sign(address, name)]), device)
    quantity = channel_quantity(address, name)
    if quantity.unit not in POWER_UNITS:
        raise address.wrong(f"{name}_unit", f"give {' or '.join(POWER_UNITS)}")

    def like_grid(option: str) -> str:
        return f"{name}_{option}" if f"{name}_{option}" in address.options else option

    kind = address.choice(like_grid("type"), TYPES, "float32")
    exponent = _addresses(address, f"{name}_scale_register")
    if exponent and (len(exponent) > 1 or kind.startswith("float")):
        raise address.wrong(f"{name}_scale_register", "give one register, and a type like int16")
    registers = Registers(
        plus=_addresses(address, name),
        minus=_addresses(address, f"{name}_minus"),
        type=kind,
        function=address.choice(like_grid("fc"), FUNCTIONS, "4"),
        little=address.choice(like_grid("word_order"), ("big", "little"), "big") == "little",
        scale=quantity.scale * SIGNS[quantity.sign],
        scale_register=exponent[0] if exponent else None,
        per_kw=POWER_UNITS[quantity.unit],
    )
    return Side(name, registers, device)


def _further(address: Address, name: str, places: tuple[str, ...]) -> Side:
    preset = address.choice("preset", PRESETS)
    known = {} if preset is None else PRESETS[preset].channels
    if not places:
        if name not in known:
            raise no_place(address, name, known)
        scale = further_quantity(address, name, unit=measure_of(name).known).scale
        return Side(name, replace(known[name], channel=name).scaled(scale), chosen_device(address))
    quantity = further_quantity(address, name)
    devices = {place.partition("@")[2] for place in places}
    if len(devices) > 1:
        raise address.wrong("channels", f"all registers of {name} have to be of one device")
    device = devices.pop()
    like = Registers(()) if preset is None else PRESETS[preset].registers
    registers = Registers(
        plus=tuple(
            _whole(address, "channels", place.partition("@")[0], 0xFFFF) for place in places
        ),
        type=address.choice("type", TYPES, like.type),
        function=address.choice("fc", FUNCTIONS, like.function),
        little=address.choice("word_order", ("big", "little"), "little" if like.little else "big")
        == "little",
        scale=quantity.scale,
        per_kw=quantity.units[quantity.unit or quantity.measure.unit],
        channel=name,
    )
    own = chosen_device(address)
    return Side(name, registers, _whole(address, "channels", device, 255) if device else own)


def _unit(address: Address) -> tuple[float, bool]:
    """Units per kW or kWh, and whether it is a unit of energy."""
    address.need("unit", "give unit=W or unit=kW, or Wh, kWh or imp for a counter")
    unit = address.choice("unit", _UNITS, "")
    if unit == _IMPULSE:
        address.need("per_kwh", "give the pulses per kWh on the meter, as in per_kwh=1000")
        return address.number("per_kwh", 0.0, least=1e-3), True
    if "per_kwh" in address.options:
        raise address.wrong("per_kwh", "leave it out, or add unit=imp")
    if unit in ENERGY_UNITS:
        return ENERGY_UNITS[unit], True
    return POWER_UNITS[unit], False


def _addresses(address: Address, option: str) -> tuple[int, ...]:
    text = address.text(option)
    return (
        ()
        if text is None
        else tuple(_whole(address, option, part, 0xFFFF) for part in text.split(","))
    )


def _whole(address: Address, option: str, text: str, most: int) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise address.wrong(option, f"give a whole number from 0 to {most}, or 0x…")
    return value
