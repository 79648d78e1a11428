"""Identity of a meter: the parts of its address that choose what is measured."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import parse_qsl, quote

from streamer.feeds.address import Address
from streamer.readings import CHANNELS

_HOW = frozenset(
    {
        *("api", "auth", "availability", "baud", "cafile", "channels", "channel_scales"),
        *("channel_units", "client_id", "counter", "decimal"),
        *("every", "export_if", "fc", "format", "framing", "from", "gen", "hosts", "idle"),
        *(
            "insecure",
            "keepalive",
            "mode",
            "partial",
            "per_kwh",
            "precision",
            "qos",
            "request",
            "scale",
        ),
        *("scale_register", "session", "sign", "sign_path", "time", "timeout", "tls"),
        *("token_file", "type", "unit", "version", "word_order"),
    }
)
"""Options for how a value is fetched and read. Those of a plug-in count as choosing.

The same hold for solar and battery power: ``solar_unit`` is how, ``solar`` is what. Further
channels belong to the model, and may change with it.
"""

_PORTS = {
    "hass": 8123,
    "homewizard": 80,
    "http": 80,
    "https": 443,
    "modbus": 502,
    "mqtt": 1883,
    "mqtts": 8883,
    "shelly": 80,
}
"""Ports that an address may as well leave out."""

_SECRET = re.compile("key|token|pass|pwd|secret|auth|user|login|sig$|session", re.IGNORECASE)
"""Names of a web query's parameters that may hold a secret."""

_MAX_SHOWN = 24
"""Longer values of a web query are shown as a digest, since they may be secret all the same."""


def identity(address: Address) -> str:
    """Text that is equal for two addresses of one meter, and can be shown.

    It has scheme, host, port, path, and the options that choose what is measured. Left out are
    credentials, and how the value is fetched and read: `every`, `timeout`, `unit` and the like.

    >>> identity(Address.parse("shelly://me:swordfish@192.168.1.21?every=5&id=1&component=em1"))
    'shelly://192.168.1.21?component=em1&id=1'
    >>> identity(Address.parse("http://meter/status?apikey=swordfish&id=0#path=power&unit=W"))
    'http://meter/status?id=0#path=power'
    """
    if address.port == _PORTS.get(address.scheme):
        address = replace(address, port=None)
    if address.path == "/":
        address = replace(address, path="")
    query = [
        (name, value if len(value) <= _MAX_SHOWN else _digest(value))
        for name, value in parse_qsl(address.query, keep_blank_values=True)
        if not _SECRET.search(name)
    ]
    options = [(name, value) for name, value in address.options.items() if not _is_how(name)]
    mark = "#" if address.scheme in ("http", "https") else "?"
    return address.shown + _joined("?", query) + _joined(mark, options)


def _is_how(option: str) -> bool:
    channel, _, end = option.partition("_")
    return option in _HOW or (channel in CHANNELS and end in _HOW)


def _joined(mark: str, pairs: Iterable[tuple[str, str]]) -> str:
    texts = [f"{_escaped(name)}={_escaped(value)}" for name, value in sorted(pairs)]
    return mark + "&".join(texts) if texts else ""


def _escaped(text: str) -> str:
    return quote(text, safe="/:,.*[]()+-$@… ")


def _digest(value: str) -> str:
    return f"…{hashlib.sha256(value.encode()).hexdigest()[:8]}"
