"""Devices that announce themselves with real zeroconf, on loopback.

The names and text records are those of real devices, or of their makers' documentation.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from zeroconf import IPVersion, ServiceInfo, Zeroconf

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Device:
    """A service as a device announces it."""

    service: str
    name: str
    port: int
    properties: Mapping[str, str] = field(default_factory=dict)
    address: str = "192.168.1.20"


HOMEWIZARD = Device(
    "_hwenergy._tcp",
    "p1meter-AABBCC",
    80,
    {
        "api_enabled": "1",
        "path": "/api/v1",
        "serial": "5c2fafaabbcc",
        "product_name": "P1 meter",
        "product_type": "HWE-P1",
    },
)
HOMEWIZARD_V2 = Device(
    "_homewizard._tcp",
    "p1meter-AABBCC",
    443,
    {
        "api_version": "2.0.0",
        "id": "appliance/p1dongle/5c2fafaabbcc",
        "serial": "5c2fafaabbcc",
        "product_name": "P1 meter",
        "product_type": "HWE-P1",
    },
)
SHELLY = Device(
    "_shelly._tcp",
    "shellypro3em-a0dd6c9f4d5c",
    80,
    {"gen": "2", "app": "Pro3EM", "ver": "1.4.4"},
)
SHELLY_GEN1 = Device(
    "_http._tcp",
    "shellyem3-244CAB41A9E1",
    80,
    {
        "id": "shellyem3-244CAB41A9E1",
        "fw_id": "20230913-114244/v1.14.0-gcb84623",
        "arch": "esp8266",
    },
)
HOME_ASSISTANT = Device(
    "_home-assistant._tcp",
    "Home",
    8123,
    {
        "location_name": "Home",
        "uuid": "0c6e41a09e014ea6a15b4f5d01ad67f9",
        "version": "2024.3.3",
        "external_url": "",
        "internal_url": "http://192.168.1.20:8123",
        "base_url": "http://192.168.1.20:8123",
        "requires_api_password": "True",
    },
)
ESPHOME = Device(
    "_esphomelib._tcp",
    "meter-reader",
    6053,
    {
        "friendly_name": "Meter reader",
        "version": "2024.3.0",
        "mac": "a0b765123456",
        "platform": "ESP32",
        "board": "esp32dev",
        "network": "wifi",
    },
)
BROKER = Device("_mqtt._tcp", "Mosquitto", 1883)


@contextmanager
def announcing(devices: Iterable[Device]) -> Iterator[None]:
    """Announce devices on loopback, for the time of the context."""
    network = Zeroconf(interfaces=[LOOPBACK], ip_version=IPVersion.V4Only)
    try:
        for device in devices:
            kind = f"{device.service}.local."
            info = ServiceInfo(
                kind,
                f"{device.name}.{kind}",
                port=device.port,
                properties=dict(device.properties),
                server=f"{device.name.lower()}.local.",
                addresses=[socket.inet_aton(device.address)],
            )
            network.registry.async_add(info)  # answers at once, without probing for a second
        yield
    finally:
        network.close()
