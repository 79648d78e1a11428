"""Inputs of a network: the power and the channels beside it, as its card names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from streamer.models.bounds import MAX_INPUTS, MAX_SHIFT_KW
from streamer.models.fields import Fields
from streamer.readings import CHANNELS

POWER, POWER_UNIT = "power", "kW"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MIN_SCALE, _MAX_SCALE = 1e-9, 1e9
_MAX_UNIT = 20


@dataclass(frozen=True)
class Input:
    """One quantity that a network takes of each reading.

    Attributes:
        name: `power` for the first, and else the name of a channel, such as `voltage`.
        unit: unit of its values, `kW` for the power.
        shift: subtracted from every value.
        scale: what the difference is divided by.
        low: values below count as this, so that a faulty one is none that the network has never
            seen.
        high: values above likewise.
    """

    name: str
    unit: str
    shift: float = 0.0
    scale: float = 1.0
    low: float = -inf
    high: float = inf

    def entry(self) -> dict[str, Any]:
        """The entry in `card.json`, without bounds that are infinite."""
        return {key: value for key, value in vars(self).items() if value not in (-inf, inf)}


def read_inputs(given: Fields, shift_kw: float) -> tuple[Input, ...]:
    """Read the entry `inputs` of a card; without one, the power is the only input.

    Args:
        given: the card.
        shift_kw: its shift of the power, to which that of the first input has to be equal.

    Returns:
        The inputs, none for a card without the entry.

    Raises:
        ModelError: a field is missing or out of its bounds, the first input is not the power in
            kW, or two have the same name.
    """
    if not given.has("inputs"):
        return ()
    inputs = tuple(map(_read_input, given.each("inputs", MAX_INPUTS)))
    names = [each.name for each in inputs]
    if not inputs or (names[0], inputs[0].unit) != (POWER, POWER_UNIT):
        raise given.wrong("inputs", f"the first must be {POWER!r} in {POWER_UNIT!r}")
    if len({*names}) < len(names):
        raise given.wrong("inputs", "give each input a name of its own")
    if inputs[0].shift != shift_kw:
        raise given.wrong("shift_kw", f"the input {POWER!r} has a shift of {inputs[0].shift}")
    return inputs


def _read_input(fields: Fields) -> Input:
    found = Input(
        name=fields.text("name"),
        unit=fields.text("unit", _MAX_UNIT),
        shift=fields.number("shift", -MAX_SHIFT_KW, MAX_SHIFT_KW),
        scale=fields.number("scale", _MIN_SCALE, _MAX_SCALE),
        **{
            key: fields.number(key, -MAX_SHIFT_KW, MAX_SHIFT_KW)
            for key in ("low", "high")
            if fields.has(key)
        },
    )
    if not _NAME.fullmatch(found.name) or found.name in CHANNELS:
        raise fields.wrong(
            "name",
            "give small letters, digits and underscores, such as 'voltage', and neither of "
            + " and ".join(CHANNELS),
        )
    if not found.low < found.high:
        raise fields.wrong("high", f"it must be above low, which is {found.low:g}")
    return found


def listed_inputs(inputs: Sequence[Input]) -> str:
    """Names and units of inputs on one line.

    >>> listed_inputs([Input("power", "kW"), Input("voltage", "V")])
    'power (kW), voltage (V)'
    """
    return ", ".join(f"{each.name} ({each.unit})" for each in inputs)
