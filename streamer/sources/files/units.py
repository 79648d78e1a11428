"""Units of power and energy, and words for other quantities, in the names of columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from streamer.feeds.values.units import ENERGY_UNITS
from streamer.feeds.values.units import UNITS as POWER_UNITS

Unit: TypeAlias = Literal["kW", "W", "MW", "mW", "kWh", "Wh", "MWh"]
UNITS: tuple[Unit, ...] = get_args(Unit)


# A unit begins a word, or the hump of a CamelCase name: TotalkWh, activePowerW.
_BEGIN = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=k?[WM]))"
_WATT = r"(?i:(?P<prefix>kilo|mega|k|m)?[\s_-]?(?P<watt>watt|w))"
_ENERGY = re.compile(
    rf"{_BEGIN}{_WATT}(?i:s?[\s_.*·-]?(?:hours?|hrs?|h|std|stunden?)s?)(?![A-Za-z])"
)
_POWER = re.compile(rf"{_BEGIN}{_WATT}(?i:s|age)?(?![A-Za-z])(?!\s?/)")
_HUMP = re.compile(r"(?<=[a-z]{2})(?=[A-Z])")
_WORDS = re.compile(r"[^\W_]+|[%€$£°]")

_WITH_DIGIT = frozenset(("co2", "m3", "l1", "l2", "l3", "t1", "t2", "t3", "t4"))

_OTHER = {
    "apparent power": "kva va kvah apparent scheinleistung",
    "reactive power": "kvar var kvarh varh reactive blindleistung",
    "current": "amp amps ampere amperes ma current intensity",
    "voltage": "volt volts voltage mv spannung",
    "frequency": "hz frequency freq frequenz",
    "a power factor": "pf cos cosphi factor",
    "temperature": "temp temperature temperatur celsius fahrenheit °",
    "humidity": "humidity",
    "gas or water": "gas water m3 m³ liter litre litres liters dl wasser",
    "money": "cost costs price eur euro € $ £ cent ct kosten",
    "emissions": "co2",
    "irradiance": "irradiance radiation",
    "a percentage": "% percent soc",
}
_OTHER_WORDS = {word: what for what, words in _OTHER.items() for word in words.split()}
_OTHER_LETTERS = {"a": "current", "v": "voltage", "c": "temperature", "l": "gas or water"}


@dataclass(frozen=True, slots=True)
class Measure:
    """Quantity and unit that a column's name gives.

    Attributes:
        unit: a unit of power or energy; None if the name has none.
        other: description of another quantity, such as ``voltage``; empty for none.
        is_ambiguous: whether the name has ``mw``, which may be milliwatts or megawatts.
    """

    unit: Unit | None = None
    other: str = ""
    is_ambiguous: bool = False

    @property
    def is_energy(self) -> bool:
        """Whether the unit is a unit of energy."""
        return self.unit in ENERGY_UNITS

    @property
    def is_power(self) -> bool:
        """Whether the unit is a unit of power."""
        return self.unit in POWER_UNITS or self.is_ambiguous


def measure_of(name: str) -> Measure:
    """Return the quantity and unit in a column's name.

    >>> measure_of("Usage (Kilowatt-Hours)").unit, measure_of("Home-Main (kWatts)").unit
    ('kWh', 'kW')
    >>> measure_of("power_mW").unit, measure_of("kVA").other, measure_of("usage").unit
    ('mW', 'apparent power', None)
    """
    if match := _ENERGY.search(name):
        energy = _energy_unit(match["prefix"])
        is_rate = re.match(r"\s?/\s?h", name[match.end() :])
        return Measure(_PER_HOUR[energy] if is_rate else energy)
    words = words_of(name)
    for word in words:
        if word in _OTHER_WORDS and word not in ("current", "factor"):
            return Measure(other=_OTHER_WORDS[word])
    if re.search(r"(?<![A-Za-z])W\s?/\s?m", name):
        return Measure(other="irradiance")
    if match := _POWER.search(name):
        prefix, watt = match["prefix"] or "", match["watt"]
        if prefix.lower() == "m":
            # Only mW and MW are clear; in lower case the name may be of either.
            unit: Unit | None = "MW" if prefix == "M" else "mW" if watt == "W" else None
            return Measure(unit, is_ambiguous=unit is None)
        if prefix.lower() == "mega":
            return Measure("MW")
        return Measure("kW" if prefix else "W")
    for word in words:
        other = _OTHER_WORDS.get(word) or _OTHER_LETTERS.get(word)
        if other:
            return Measure(other=other)
    return Measure()


_PER_HOUR: dict[Unit, Unit] = {"Wh": "W", "kWh": "kW", "MWh": "MW"}


def words_of(name: str) -> list[str]:
    """Return the words of a column's name in lower case, without trailing digits.

    >>> words_of("TerugleveringNormaal"), words_of("Sub_metering_1"), words_of("air1 [kW]")
    (['teruglevering', 'normaal'], ['sub', 'metering'], ['air', 'kw'])
    """
    words = [word.lower() for word in _WORDS.findall(_HUMP.sub(" ", name))]
    kept = (word if word in _WITH_DIGIT else word.rstrip("0123456789") for word in words)
    return [word for word in kept if word]


def without_unit(name: str) -> str:
    """Return a column's name without its unit.

    >>> without_unit("Power (W)"), without_unit("usage_kwh")
    ('Power ()', 'usage_')
    """
    return _POWER.sub("", _ENERGY.sub("", name))


def exact_unit(text: str) -> Unit | None:
    """Return the unit that a text consists of, or that it has in parentheses at its end.

    >>> exact_unit("kWh"), exact_unit("Active Import Interval (kW)"), exact_unit("Read")
    ('kWh', 'kW', None)
    """
    text = text.strip()
    if text.endswith((")", "]")):
        text = text[max(text.rfind("("), text.rfind("[")) + 1 : -1].strip()
    if not (_ENERGY.fullmatch(text) or _POWER.fullmatch(text)):
        return None
    return measure_of(text).unit


def _energy_unit(prefix: str | None) -> Unit:
    if not prefix:
        return "Wh"
    return "MWh" if prefix[0].lower() == "m" else "kWh"
