"""Settings of a publication over MQTT, from an address and a table of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from streamer.errors import UsageError
from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.mqtt.broker import Broker
from streamer.publishing.mqtt.topics import Topics, why_no_prefix

SCHEMES = ("mqtt", "mqtts")
PREFIX = "streamer"
"""Default beginning of the topics."""

DISCOVERY = "homeassistant"
"""Default beginning of Home Assistant's discovery topics."""

PER_ENTITY, PER_DEVICE = "entity", "device"

OPTIONS: Mapping[str, str] = {
    "discovery": f"beginning of Home Assistant's discovery topics ({DISCOVERY}), or no",
    "discovery_payload": f"{PER_ENTITY} (the default): one for each entity, for every Home "
    f"Assistant; {PER_DEVICE}: one for each meter, for Home Assistant 2024.11 and newer",
    "version": "version of the protocol: 3 (3.1.1, the default) or 5",
    "qos": "0 (the default) or 1, for present values; minutes and alarms are always sent with 1",
    "client_id": "our name at the broker; by default one made of the prefix",
    "keepalive": "seconds between keep-alive messages (20)",
    "cafile": "file with the trusted certificates; by default the system's",
    "insecure": "yes: do not check the broker's certificate",
}
"""The options of an address to publish to."""


@dataclass(frozen=True)
class MqttSettings:
    """Where and how to publish.

    Attributes:
        name: the address for display, without secrets.
        broker: how to connect.
        topics: names of the topics.
        discovery: beginning of Home Assistant's discovery topics; None for no discovery.
        per_device: whether a meter is announced as a whole, instead of by its entities.
    """

    name: str
    broker: Broker
    topics: Topics
    discovery: str | None = DISCOVERY
    per_device: bool = False


def read_settings(url: str, password: Secret | None = None, *, where: str) -> MqttSettings:
    """Read an address such as ``mqtts://user@broker:8883/streamer?discovery=no``.

    Args:
        url: the address.
        password: the password, if the address has none.
        where: name of the setting, for errors.

    Raises:
        UsageError: the address or one of its options is wrong.
    """
    if not url.lower().startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        raise UsageError(
            f"{where}: give the address of an MQTT broker: mqtt://broker/{PREFIX}, or mqtts://… "
            "with TLS"
        )
    try:
        address = Address.parse(url, Credentials(password=password))
    except UsageError as error:
        raise UsageError(f"{where}: {str(error).removeprefix('feed address: ')}") from None
    if not address.host:
        raise UsageError(f"{where}: the host is missing; write it like mqtt://broker/{PREFIX}")
    address.check_options(OPTIONS)
    prefix = address.path.strip("/") or PREFIX
    if why := why_no_prefix(prefix):
        raise UsageError(f"{address.shown}: the prefix of the topics is not valid: {why}")
    discovery: str | None = address.text("discovery", DISCOVERY)
    if discovery == "no":
        discovery = None
    elif why := why_no_prefix(discovery or ""):
        raise address.wrong("discovery", why)
    payload = address.choice("discovery_payload", (PER_ENTITY, PER_DEVICE), PER_ENTITY)
    if discovery is None and "discovery_payload" in address.options:
        raise address.wrong("discovery_payload", "it has no effect with discovery=no")
    topics = Topics(prefix)
    broker = Broker.of(address, dated=False)
    if "client_id" not in address.options:
        # The same at each start: a new connection then ends one that the broker still believes
        # in, whose last will would come later and mark everything as offline.
        broker = replace(broker, client_id=f"streamer-{topics.node}")
    name = replace(address, path=f"/{prefix}").shown
    return MqttSettings(name, broker, topics, discovery, payload == PER_DEVICE)
