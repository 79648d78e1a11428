"""Feeds of announced services: which URL reads a device, and what it still needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from streamer.display.lines import one_line
from streamer.feeds.discovery import Announcement, Found

_WATER, _BATTERY = "HWE-WTR", "HWE-BAT"
_GEN1_MODELS: Final = (
    ("shellyem3", "component=em"),
    ("shellyem", "component=em1"),
    ("shellyplug", "component=switch"),
    ("shelly1pm", "component=switch"),
    ("shellyswitch25", "component=switch"),
)
"""Names of Shelly's first generation that measure power, by their beginning."""

_APPS: Final = (
    ("3EM", "em"),
    ("EM", "em1"),
    ("PMMini", "pm1"),
    ("MiniPM", "pm1"),
    ("PM", "switch"),
    ("Plug", "switch"),
)
"""Components of later generations, by what their `app` contains; the first that does counts."""

_COMPONENT_ADVICE = "component= and id= are a guess from its model"


def found(announced: Announcement) -> Found | None:
    """The device behind an announcement; None for a service that is of no use here."""
    rule = _RULES.get(announced.service)
    return None if rule is None else rule(announced)


def _made(
    announced: Announcement, kind: str, url: str | None, advice: str = "", *, name: str = ""
) -> Found:
    return Found(
        name=one_line(name or announced.name),
        kind=one_line(kind),
        host=one_line(announced.host),
        address=f"{announced.address}:{announced.port}",
        url=url,
        advice=advice,
    )


def _authority(announced: Announcement, usual_port: int) -> str:
    """Address for a URL, with the port unless it is the usual one."""
    if announced.port == usual_port:
        return announced.address
    return f"{announced.address}:{announced.port}"


def _homewizard(announced: Announcement) -> Found:
    kind = _homewizard_kind(announced.properties)
    advice = ""
    if announced.properties.get("product_type") == _WATER:
        return _made(announced, kind, None, "it measures water")
    if announced.properties.get("api_enabled") != "1":
        advice = 'switch on "Local API" in its app first'
    return _made(announced, kind, f"homewizard://{_authority(announced, 80)}", advice)


def _homewizard_v2(announced: Announcement) -> Found:
    kind = f"{_homewizard_kind(announced.properties)}, API v2"
    if announced.properties.get("product_type") == _BATTERY:
        return _made(announced, kind, None, "it measures its own battery alone")
    url = f"homewizard://{_authority(announced, 443)}?api=2&insecure=1"
    return _made(announced, kind, url, "needs its token: --token-file, or STREAMER_TOKEN")


def _homewizard_kind(properties: Mapping[str, str]) -> str:
    names = (properties.get(key, "") for key in ("product_name", "product_type"))
    return " ".join(["HomeWizard", *filter(None, names)])


def _shelly(announced: Announcement) -> Found:
    app, generation = (announced.properties.get(key, "") for key in ("app", "gen"))
    kind = f"Shelly {app} (Gen{generation})" if generation else f"Shelly {app}"
    component = next((each for part, each in _APPS if part in app), None)
    authority = _authority(announced, 80)
    if component is None:
        return _made(announced, kind, f"shelly://{authority}", "may not measure power")
    url = f"shelly://{authority}?component={component}&id=0"
    return _made(announced, kind, url, _COMPONENT_ADVICE)


def _web(announced: Announcement) -> Found | None:
    """A web server, of which those of Shelly's first generation are known by their names."""
    name = announced.name.lower()
    if "gen" in announced.properties:  # a later one, which announces itself as a Shelly, too
        return None
    option = next((each for start, each in _GEN1_MODELS if name.startswith(f"{start}-")), None)
    if option is None:
        return None
    url = f"shelly://{_authority(announced, 80)}?gen=1&{option}"
    return _made(announced, "Shelly (Gen1)", url, _COMPONENT_ADVICE)


def _home_assistant(announced: Announcement) -> Found:
    properties = announced.properties
    tls = "?tls=1" if properties.get("internal_url", "").startswith("https:") else ""
    url = f"hass://{announced.address}:{announced.port}/sensor.power{tls}"
    version = properties.get("version", "")
    return _made(
        announced,
        f"Home Assistant {version}",
        url,
        "put the entity of the grid power for sensor.power; needs a token: --token-file, or "
        "STREAMER_TOKEN",
        name=properties.get("location_name", ""),
    )


def _esphome(announced: Announcement) -> Found:
    properties = announced.properties
    url = f"http://{announced.address}/sensor.power#path=value&unit=W"
    return _made(
        announced,
        f"ESPHome {properties.get('version', '')}",
        url,
        "put the sensor's id for POWER; needs web_server in its configuration. Otherwise read it "
        "through MQTT or Home Assistant",
        name=properties.get("friendly_name", ""),
    )


def _mqtt(announced: Announcement) -> Found:
    url = f"mqtt://{_authority(announced, 1883)}/TOPIC?unit=W"
    return _made(announced, "MQTT broker", url, _TOPIC_ADVICE)


def _mqtts(announced: Announcement) -> Found:
    # A certificate is for a name, not for an address.
    port = "" if announced.port == 8883 else f":{announced.port}"
    host = announced.host if _HOST.fullmatch(announced.host) else announced.address
    return _made(
        announced, "MQTT broker with TLS", f"mqtts://{host}{port}/TOPIC?unit=W", _TOPIC_ADVICE
    )


_TOPIC_ADVICE = (
    "put the topic for TOPIC; instead of unit=, a preset may suit (streamer sources mqtt)"
)
_HOST = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")

_RULES: Final[Mapping[str, Callable[[Announcement], Found | None]]] = MappingProxyType(
    {
        "_hwenergy._tcp": _homewizard,
        "_homewizard._tcp": _homewizard_v2,
        "_shelly._tcp": _shelly,
        "_http._tcp": _web,
        "_home-assistant._tcp": _home_assistant,
        "_esphomelib._tcp": _esphome,
        "_mqtt._tcp": _mqtt,
        "_secure-mqtt._tcp": _mqtts,
    }
)

SERVICES: Final = tuple(_RULES)
"""Types of the services that are looked for."""
