"""Entities that an address of Home Assistant names: the grid power, solar and battery power."""

from __future__ import annotations

import re
from typing import NamedTuple

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.values import SIGNS, channel_sign, chosen_channels

_ENTITY = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


class Target(NamedTuple):
    """An entity to be read.

    Attributes:
        name: its id.
        sign: 1 if its positive power means what ours does, -1 if not.
        channel: what it measures; empty for the grid power.
    """

    name: str
    sign: float
    channel: str = ""


def chosen_targets(address: Address) -> list[Target]:
    """Read the entities of an address, that of the grid power first.

    Raises:
        UsageError: one of them is missing or wrong.
    """
    name = address.path.strip("/")
    if not _ENTITY.fullmatch(name):
        raise UsageError(
            f"{address.shown}: the entity's id is missing; write it like "
            "hass://homeassistant.local/sensor.power"
        )
    targets = [Target(name, SIGNS[address.choice("sign", SIGNS, "import")])]
    for channel in chosen_channels(address):
        name = address.options[channel]
        if not _ENTITY.fullmatch(name) or any(name == each.name for each in targets):
            raise address.wrong(channel, "give the id of another entity, like sensor.solar_power")
        targets.append(Target(name, SIGNS[channel_sign(address, channel)], channel))
    return targets
