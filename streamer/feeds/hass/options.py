"""Entities that an address of Home Assistant names: the grid power, and other channels."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.values import (
    SIGNS,
    channel_sign,
    chosen_channels,
    further_places,
    further_quantity,
    measure_of,
    no_place,
)

_ENTITY = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


class Target(NamedTuple):
    """An entity to be read.

    Attributes:
        name: its id.
        factor: 1 if its positive value means what ours does, -1 if not; or another factor.
        channel: what it measures; empty for the grid power.
    """

    name: str
    factor: float
    channel: str = ""

    @property
    def units(self) -> Collection[str]:
        """The units that its values may have."""
        return measure_of(self.channel).units


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
    for channel, places in further_places(address).items():
        if not places:
            raise no_place(address, channel, ())
        if len(places) > 1 or not _ENTITY.fullmatch(places[0]):
            raise address.wrong("channels", f"give one entity for {channel}, like sensor.voltage")
        if any(places[0] == each.name for each in targets):
            raise address.wrong("channels", f"{places[0]} is given twice")
        quantity = further_quantity(address, channel, unit=measure_of(channel).unit)
        targets.append(Target(places[0], quantity.scale, channel))
    return targets
