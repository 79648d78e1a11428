"""Announcement of meters to Home Assistant: payloads of its MQTT discovery.

There are two forms. A payload for each entity is understood by every Home Assistant; one for each
device by 2024.11 and newer. Both at once would not do: an older one logs a warning about the
latter, and a newer one about each entity that is announced twice. The identifiers are the same in
both, those in the topics too, so that a change of the form, for which Home Assistant has a
protocol, keeps the entities.

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from streamer import __version__
from streamer.publishing import WatchedMeter
from streamer.publishing.mqtt.entities import LINK, Entity
from streamer.publishing.mqtt.settings import MqttSettings
from streamer.publishing.mqtt.topics import Message

ORIGIN = "streamer"
"""Name of the program in the payloads, by which it recognizes its own."""

_MARGIN_S = 5.0
"""Seconds that a message may be under way."""

_MIGRATE = json.dumps({"migrate_discovery": True})
"""Makes Home Assistant give up an entity, but keep its settings for another announcement."""


class Announcer:
    """Makes the messages that announce meters and their entities.

    Args:
        settings: how to publish.
        discovery: beginning of the discovery topics.
    """

    def __init__(self, settings: MqttSettings, discovery: str) -> None:
        self._settings = settings
        self._topics = settings.topics
        self._discovery = discovery
        self._origin = {"name": ORIGIN, "sw_version": __version__}

    @property
    def subscriptions(self) -> list[str]:
        """Topics on which anything is announced, by this program or others."""
        return [f"{self._discovery}/+/+/+/config", f"{self._discovery}/device/+/config"]

    def device_id(self, key: str) -> str:
        """Identifier of the device of a meter."""
        return f"{self._topics.node}_{key}"

    def topics_of(self, meter: WatchedMeter, entities: Iterable[Entity]) -> set[str]:
        """Topics on which a meter with these entities is announced."""
        if self._settings.per_device:
            return {self._device_topic(meter)}
        return {self._entity_topic(meter, entity) for entity in entities}

    def announce(
        self, meter: WatchedMeter, entities: Iterable[Entity], found: Mapping[str, str]
    ) -> list[Message]:
        """Messages that announce a meter with its entities, and nothing else.

        Args:
            meter: the meter.
            entities: its entities.
            found: payloads of earlier announcements of this meter that the broker keeps, by
                topic; `migration` comes before those in the other form are replaced.
        """
        entities = tuple(entities)
        wanted = self.topics_of(meter, entities)
        if self._per_device:
            topic = self._device_topic(meter)
            config = self.device_config(meter, entities)
            made = [
                *self._without_removed(topic, config, found.get(topic, "")),
                _retained(topic, config),
            ]
        else:
            made = [
                _retained(self._entity_topic(meter, entity), self.entity_config(meter, entity))
                for entity in entities
            ]
        # The others first: Home Assistant would take their removal for a conflict.
        return [*removals(topic for topic in found if topic not in wanted), *made]

    def migration(self, found: Iterable[str]) -> list[Message]:
        """Messages that make Home Assistant give up what is announced in the other form.

        It takes a moment for that; announced in between, an entity would be there twice.

        Args:
            found: topics of earlier announcements that the broker keeps.
        """
        other = [topic for topic in found if self._is_device(topic) != self._per_device]
        return [Message(topic, _MIGRATE, qos=1) for topic in other]

    def entity_config(self, meter: WatchedMeter, entity: Entity) -> dict[str, Any]:
        """The payload of an entity."""
        return {
            **self._entity(meter, entity),
            "device": self._device(meter),
            "origin": self._origin,
        }

    def device_config(self, meter: WatchedMeter, entities: Iterable[Entity]) -> dict[str, Any]:
        """The payload of a meter with all its entities."""
        return {
            "device": self._device(meter),
            "origin": self._origin,
            "components": {
                entity.key: {"platform": entity.component, **self._entity(meter, entity)}
                for entity in entities
            },
        }

    def owner(self, topic: str, payload: str) -> str | None:
        """Key of the meter that is announced; None if it is not one of ours.

        Args:
            topic: topic of the announcement.
            payload: its payload.
        """
        if f"/{self._topics.node}_" not in topic:
            return None
        try:
            document = json.loads(payload)
            origin, entities = document["origin"]["name"], document.get("components")
            entity = next(iter(entities.values())) if entities else document
            prefix, key, _ = str(entity["state_topic"]).rsplit("/", 2)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None
        return key if (origin, prefix) == (ORIGIN, self._topics.prefix) else None

    def _without_removed(self, topic: str, config: Mapping[str, Any], before: str) -> list[Message]:
        """A message that removes what an earlier payload had, which must be named for that."""
        removed = {
            key: {"platform": platform}
            for key, platform in _components(before).items()
            if key not in config["components"]
        }
        if not removed:
            return []
        return [_retained(topic, {**config, "components": {**config["components"], **removed}})]

    def _entity(self, meter: WatchedMeter, entity: Entity) -> dict[str, Any]:
        unique_id = f"{self.device_id(meter.key)}_{entity.key}"
        config = {
            "name": entity.name,
            "unique_id": unique_id,
            # The first is used until 2026.3, the second from 2025.10 on.
            "object_id": unique_id,
            "default_entity_id": f"{entity.component}.{unique_id}",
            "state_topic": self._topics.of(meter.key, entity.topic),
            "value_template": f"{{{{ value_json.{entity.field or entity.key} }}}}",
            **entity.config,
            **self._availability(meter, entity),
        }
        if entity.has_attributes:
            config["json_attributes_topic"] = config["state_topic"]
            config["json_attributes_template"] = (
                f"{{{{ value_json.attributes.{entity.key} | tojson }}}}"
            )
        return config

    def _availability(self, meter: WatchedMeter, entity: Entity) -> dict[str, Any]:
        program = {"topic": self._topics.status}
        if entity.topic == LINK:
            return {"availability": [program]}
        return {
            "availability": [program, {"topic": self._topics.of(meter.key, "status")}],
            "availability_mode": "all",
            "expire_after": expiry_s(meter),
        }

    def _device(self, meter: WatchedMeter) -> dict[str, Any]:
        return {
            "identifiers": [self.device_id(meter.key)],
            "name": meter.name,
            "manufacturer": ORIGIN,
            "model": "Electricity forecast",
            "sw_version": __version__,
        }

    @property
    def _per_device(self) -> bool:
        return self._settings.per_device

    def _device_topic(self, meter: WatchedMeter) -> str:
        return f"{self._discovery}/device/{self.device_id(meter.key)}/config"

    def _entity_topic(self, meter: WatchedMeter, entity: Entity) -> str:
        device = self.device_id(meter.key)
        return f"{self._discovery}/{entity.component}/{device}/{entity.key}/config"

    def _is_device(self, topic: str) -> bool:
        return topic.startswith(f"{self._discovery}/device/")


def removals(topics: Iterable[str]) -> list[Message]:
    """Messages that remove announcements, and what they have announced."""
    return [Message(topic, "", qos=1, retain=True) for topic in topics]


def expiry_s(meter: WatchedMeter) -> int:
    """Seconds after which a value of a meter is too old: by then, the next one should be here."""
    return math.ceil(60.0 + meter.late_s + _MARGIN_S)


def _retained(topic: str, config: Mapping[str, Any]) -> Message:
    return Message(topic, json.dumps(config), qos=1, retain=True)


def _components(payload: str) -> dict[str, str]:
    """Kinds of the components in the payload of a device, by their keys."""
    try:
        components = json.loads(payload)["components"]
        return {str(key): str(each["platform"]) for key, each in components.items()}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return {}
