"""Entities of a meter, their values, and the payloads that announce them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from streamer import __version__
from streamer.publishing import WatchedMeter
from streamer.publishing.mqtt.discovery import Announcer, expiry_s
from streamer.publishing.mqtt.entities import (
    ALARMS,
    BINARY,
    SENSOR,
    Features,
    entities_of,
    values_of,
)
from streamer.publishing.mqtt.settings import read_settings
from streamer.readings import Alarm
from tests.publishing.mqtt.made import HOUSE, steps, stuck_steps

ALL = Features(horizons=(5, 15, 60), demand=True, solar=True)

# From Home Assistant's documentation of its sensors and binary sensors, and of MQTT's.
UNITS_OF_CLASS = {"power": {"W", "kW"}, None: {"%"}}
BINARY_CLASSES = {"problem", "connectivity"}
COMMON_KEYS = {
    "name",
    "unique_id",
    "object_id",
    "default_entity_id",
    "state_topic",
    "value_template",
    "device_class",
    "availability",
    "availability_mode",
    "expire_after",
    "entity_category",
    "icon",
    "json_attributes_topic",
    "json_attributes_template",
}
SENSOR_KEYS = {"unit_of_measurement", "state_class", "suggested_display_precision"}
REQUIRED = {"name", "unique_id", "state_topic"}
TOPIC = r"homeassistant/(sensor|binary_sensor)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config"


def _announcer(options: str = "") -> Announcer:
    return Announcer(read_settings(f"mqtt://broker/{options}", where="--publish"), "homeassistant")


def _check(component: str, config: dict[str, Any]) -> None:
    """Check the payload of an entity against the rules of Home Assistant."""
    keys = set(config) - {"device", "origin", "platform"}
    assert REQUIRED <= keys <= COMMON_KEYS | (SENSOR_KEYS if component == SENSOR else set())
    if component == SENSOR:
        assert config["unit_of_measurement"] in UNITS_OF_CLASS[config.get("device_class")]
        assert config.get("state_class") in (None, "measurement")
        assert isinstance(config["suggested_display_precision"], int)
    else:
        assert config["device_class"] in BINARY_CLASSES
    assert config.get("entity_category") in (None, "diagnostic")
    if component == SENSOR and config["name"] != "Power":
        assert re.fullmatch(r"mdi:[a-z-]+", config["icon"])
    assert config["default_entity_id"] == f"{component}.{config['object_id']}"
    assert config["object_id"] == config["unique_id"]
    assert re.fullmatch(r"[a-z0-9_]+", config["object_id"])
    assert ("availability_mode" in config) == (len(config["availability"]) > 1)


@pytest.mark.parametrize("features", [Features(), ALL, Features(demand=True)])
def test_each_payload_keeps_to_the_rules_and_has_its_own_identifiers(features: Features) -> None:
    announcer = _announcer()
    entities = entities_of(features)
    configs = [announcer.entity_config(HOUSE, entity) for entity in entities]
    for entity, config in zip(entities, configs, strict=True):
        _check(entity.component, config)
        assert config["device"]["identifiers"] == ["streamer_house"]
        assert config["origin"] == {"name": "streamer", "sw_version": __version__}
    for key in ("name", "unique_id", "default_entity_id"):
        assert len({config[key] for config in configs}) == len(configs)


def test_a_payload_in_full() -> None:
    (entity,) = (each for each in entities_of(ALL) if each.key == "mean_15")
    meter = WatchedMeter("Garage", "garage", late_s=65.0)
    assert _announcer("home/power").entity_config(meter, entity) == {
        "name": "Next 15 minutes",
        "unique_id": "home_power_garage_mean_15",
        "object_id": "home_power_garage_mean_15",
        "default_entity_id": "sensor.home_power_garage_mean_15",
        "state_topic": "home/power/garage/entities",
        "value_template": "{{ value_json.mean_15 }}",
        "json_attributes_topic": "home/power/garage/entities",
        "json_attributes_template": "{{ value_json.attributes.mean_15 | tojson }}",
        "device_class": "power",
        "unit_of_measurement": "kW",
        "suggested_display_precision": 3,
        "icon": "mdi:crystal-ball",
        "availability": [
            {"topic": "home/power/status"},
            {"topic": "home/power/garage/status"},
        ],
        "availability_mode": "all",
        "expire_after": 130,
        "device": {
            "identifiers": ["home_power_garage"],
            "name": "Garage",
            "manufacturer": "streamer",
            "model": "Electricity forecast",
            "sw_version": __version__,
        },
        "origin": {"name": "streamer", "sw_version": __version__},
    }


def test_a_device_has_the_same_entities_as_its_single_payloads() -> None:
    entities = entities_of(ALL)
    single = _announcer()
    config = _announcer("?discovery_payload=device").device_config(HOUSE, entities)
    assert set(config) == {"device", "origin", "components"}
    for entity in entities:
        found = dict(config["components"][entity.key])
        assert found.pop("platform") == entity.component
        assert {
            **found,
            "device": config["device"],
            "origin": config["origin"],
        } == single.entity_config(HOUSE, entity)


def test_topics_are_those_that_home_assistant_accepts() -> None:
    entities = entities_of(ALL)
    found = _announcer("home/power").topics_of(HOUSE, entities)
    assert len(found) == len(entities)
    assert all(re.fullmatch(TOPIC, topic) for topic in found)
    assert _announcer("?discovery_payload=device").topics_of(HOUSE, entities) == {
        "homeassistant/device/streamer_house/config"
    }


def test_only_what_is_measured_now_has_a_state_class() -> None:
    found = [each.key for each in entities_of(ALL) if "state_class" in each.config]
    assert found == ["power"]


def _keys(features: Features) -> list[str]:
    return [entity.key for entity in entities_of(features)]


def test_entities_that_a_stream_cannot_have_are_left_out() -> None:
    always = ["power", "next", "next_low", "next_high", "skill", "coverage", "connected"]
    alarms = [Alarm.ANOMALY, Alarm.STUCK, Alarm.DRIFT, Alarm.UNIT]
    assert _keys(Features()) == [*always, *alarms]
    assert set(_keys(Features(horizons=(5, 60)))) - set(_keys(Features())) == {
        "mean_5",
        "mean_60",
    }
    assert set(_keys(Features(demand=True))) - set(_keys(Features())) == {
        "demand",
        "demand_so_far",
        "demand_margin",
        "peak_probability",
        "month_peak",
        "peak",
    }
    assert set(_keys(Features(solar=True))) - set(_keys(Features())) == {
        "next_consumption",
        "next_solar",
    }


def test_features_are_known_with_the_first_step() -> None:
    first = steps(1)[0]
    assert first.next_means is None
    assert Features.of(first, (5, 15, 30)) == Features((5, 15), demand=True)
    assert Features.of(steps(1, solar=True, demand=False)[0], ()) == Features(solar=True)


def test_all_kinds_of_alarms_have_an_entity() -> None:
    kinds = {value for name, value in vars(Alarm).items() if name.isupper()}
    assert set(ALARMS) == kinds


def test_values_before_the_first_forecast_are_unknown() -> None:
    found = values_of(entities_of(ALL), steps(1)[0])
    assert found["next"] is None
    assert found["mean_15"] is None
    assert found["anomaly"] == "OFF"
    assert found["demand_so_far"] == 0.3


def test_values_are_those_of_the_step() -> None:
    step = steps(120, solar=True)[-1]
    entities = entities_of(ALL)
    found = json.loads(json.dumps(values_of(entities, step), allow_nan=False))
    forecast, demand = step.forecast, step.demand
    assert forecast is not None
    assert demand is not None
    assert forecast.consumption_kw is not None
    assert found["next"] == round(forecast.point_kw, 3)
    assert found["next_low"] == round(forecast.low_kw, 3)
    assert found["next_consumption"] == round(forecast.consumption_kw, 3)
    assert found["month_peak"] == round(demand.month_peak_kw or 0.0, 3)
    assert found["skill"] == round(100 * (step.scores.skill or 0.0), 1)
    assert found["coverage"] == round(100 * (step.scores.band.coverage or 0.0), 1)
    mean = step.next_means.of(15) if step.next_means is not None else None
    assert mean is not None
    assert found["mean_15"] == round(mean.kw, 3)
    attributes = found["attributes"]
    assert attributes["mean_15"]["high_kw"] == round(mean.high_kw, 3)
    assert attributes["next"]["at"] == forecast.at.isoformat()
    assert attributes["skill"]["settled"] == step.scores.settled == 71
    assert attributes["demand"]["minutes_left"] == demand.minutes_left
    assert attributes["month_peak"]["at"] == str(demand.month_peak_at).replace(" ", "T")


def test_each_template_finds_its_value() -> None:
    entities = entities_of(ALL)
    found = values_of(entities, steps(60, solar=True)[-1])
    for entity in entities:
        config = _announcer().entity_config(HOUSE, entity)
        if config["state_topic"].endswith("/entities"):
            assert re.fullmatch(r"{{ value_json\.(\w+) }}", config["value_template"])
            assert entity.key in found
            if "json_attributes_template" in config:
                assert entity.key in found["attributes"]


def test_an_alarm_is_on_with_its_text() -> None:
    (stuck,) = (each for each in entities_of(ALL) if each.key == Alarm.STUCK)
    raised, over = stuck_steps()[-2:]
    (alarm,) = raised.alarms
    found = values_of((stuck,), raised)
    about = {"text": alarm.text, "since": alarm.at.isoformat(), "size": round(alarm.size, 2)}
    assert found == {"stuck": "ON", "attributes": {"stuck": about}}
    nothing = {"text": None, "since": None, "size": None}
    assert values_of((stuck,), over) == {"stuck": "OFF", "attributes": {"stuck": nothing}}
    assert stuck.component == BINARY


def test_a_value_expires_when_the_next_one_is_overdue() -> None:
    assert expiry_s(WatchedMeter("House", "house", late_s=30.5)) == 96


def test_a_foreign_payload_is_not_taken_for_ours() -> None:
    announcer = _announcer()
    entities = entities_of(ALL)
    (topic,) = announcer.topics_of(HOUSE, entities[:1])
    ours = announcer.entity_config(HOUSE, entities[0])
    assert announcer.owner(topic, json.dumps(ours)) == "house"
    device = announcer.device_config(HOUSE, entities)
    assert announcer.owner(topic, json.dumps(device)) == "house"
    for document in (
        {**ours, "origin": {"name": "Zigbee2MQTT"}},
        {**ours, "state_topic": "streamer/garage/house/entities"},
        {**ours, "state_topic": "entities"},
        {**ours, "origin": None},
        {**device, "components": {}},
        {**device, "components": [1]},
        {},
        [],
        1,
    ):
        assert announcer.owner(topic, json.dumps(document)) is None
    assert announcer.owner(topic, "{") is None
    assert announcer.owner(topic, "[" * 100_000) is None
    assert announcer.owner("homeassistant/sensor/x/y/config", json.dumps(ours)) is None
