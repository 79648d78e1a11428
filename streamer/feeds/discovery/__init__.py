"""Meters and brokers that announce themselves on the local network, by multicast DNS.

::

    devices ──▶ browsing ──Announcement──▶ services ──▶ Found
                zeroconf                   one rule a kind of device: the feed's URL
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Announcement:
    """A service as a device announces it.

    Attributes:
        service: type of the service, such as ``_shelly._tcp``.
        name: name of this service; free text of the device.
        host: name of the device in the local network, such as ``shellypro3em-a0dd6c9f4d5c.local``.
        address: its address, an IPv6 one in brackets.
        port: its port.
        properties: text records by lower-case key.
    """

    service: str
    name: str
    host: str
    address: str
    port: int
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A device or program from which the power of a house may be read.

    Attributes:
        name: its name, printable on one line.
        kind: maker or program, and model if known.
        host: its name in the local network.
        address: its address and port.
        url: address for `streamer watch`, perhaps with capital words to be replaced; None if it
            cannot be read.
        advice: what is missing or has to be replaced; empty if the URL works as it is.
    """

    name: str
    kind: str
    host: str
    address: str
    url: str | None
    advice: str = ""
